//! Who may ask: the browser of the user who started the studio, from its own page, and programs that know the token.
//!
//! Pages of strangers run in the same browser. They can send requests to this machine, by its name or by a name of their own that
//! leads here, and can make the browser add its cookies; they cannot read answers, add headers, or guess the token.

use super::{App, reply::Refusal};
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::{IpAddr, SocketAddr};

/// The header that commands need: no form and no link can send it, and no page of a stranger may.
pub(super) const COMMAND_HEADER: &str = "x-impasto";

/// What may be asked, and by whom.
#[derive(Clone, Debug)]
pub(in super::super) struct Guard {
    /// Where the studio listens.
    pub address: SocketAddr,
    /// What its user knows.
    pub token: String,
}

impl Guard {
    /// Names of browsers' cookies do not contain the port, which tells two studios apart.
    fn cookie(&self) -> String {
        format!("impasto-{}", self.address.port())
    }

    /// Whether a host is this machine as its user calls it. A name would be one that leads here and belongs to a
    /// stranger; beyond loopback, any address of numbers will do, because an address cannot be made to lead elsewhere.
    fn is_own_host(&self, host: &str) -> bool {
        let Ok(parsed) = host.parse::<Uri>() else { return false };
        let Some(authority) = parsed.authority() else { return false };
        let port = authority.port_u16().unwrap_or(80);
        if authority.as_str().contains('@') || port != self.address.port() {
            return false;
        }
        let name = authority.host();
        if name == "localhost" {
            return true;
        }
        let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return false };
        ip.is_loopback() || !self.address.ip().is_loopback()
    }

    /// Whether a word is the token, in a time that does not depend on where it differs.
    fn is_token(&self, word: &str) -> bool {
        let (word, token) = (word.as_bytes(), self.token.as_bytes());
        word.len() == token.len() && word.iter().zip(token).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }

    fn knows_token(&self, headers: &HeaderMap) -> bool {
        let bearer = text(headers, AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        if bearer.is_some_and(|word| self.is_token(word.trim())) {
            return true;
        }
        let name = self.cookie();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(cookie, value)| cookie == name && self.is_token(value))
    }

    fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
            (Some(host), None) if self.is_own_host(host) => host,
            _ => {
                return Err(Refusal::forbidden("this address is not one of the studio's: use the one that it printed"));
            }
        };
        if headers.contains_key(ORIGIN) && text(headers, ORIGIN) != Some(&format!("http://{host}")) {
            return Err(Refusal::forbidden("only the studio's own page may ask"));
        }
        let entered = method == Method::GET && uri.path() == "/" && text(headers, "sec-fetch-mode") == Some("navigate");
        let own = matches!(text(headers, "sec-fetch-site"), None | Some("same-origin" | "none"));
        if headers.contains_key("sec-fetch-site") && !own && !entered {
            return Err(Refusal::forbidden("only the studio's own page may ask"));
        }
        if !self.knows_token(headers) {
            return Err(Refusal::unauthorized(
                "open the address that the studio printed when it was started, token and all",
            ));
        }
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if !reads && !headers.contains_key(COMMAND_HEADER) {
            return Err(Refusal::forbidden("commands need the header X-Impasto: 1"));
        }
        Ok(())
    }

    /// The answer to somebody who comes with the token in the address: a cookie in its place.
    fn welcome(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let host = text(headers, HOST).filter(|host| self.is_own_host(host));
        let query = uri.query()?;
        let word = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
        if *method != Method::GET || uri.path() != "/" || host.is_none() || !self.is_token(word) {
            return None;
        }
        let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie(), self.token);
        let cookie = HeaderValue::from_str(&cookie).expect("the token and the port are letters and digits");
        // A page, and not a redirection: the cookie of a site that was entered from elsewhere is sent from here on.
        let page = "<!doctype html><html lang=\"en\"><title>impasto</title><meta http-equiv=\"refresh\" content=\"0; url=/\">\
                    <a href=\"/\">impasto studio</a>";
        let mut response = axum::response::Html(page).into_response();
        response.headers_mut().insert(SET_COOKIE, cookie);
        Some(response)
    }
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Lets pass who may ask, and tells every browser what the page may do.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let mut response = match app.guard.welcome(method, uri, headers) {
        Some(response) => response,
        None => match app.guard.check(method, uri, headers) {
            Ok(()) => in_our_words(next.run(request).await),
            Err(refusal) => refusal.into_response(),
        },
    };
    for (name, value) in EVERYWHERE {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A refusal of the router itself, which quotes what was asked, as one of ours.
fn in_our_words(response: Response) -> Response {
    let status = response.status();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    match status {
        _ if is_json || !status.is_client_error() => response,
        StatusCode::METHOD_NOT_ALLOWED => {
            Refusal::new(status, "this cannot be done here: see /openapi.json").into_response()
        }
        _ => Refusal::new(status, "the address is not one of the studio's: see /openapi.json").into_response(),
    }
}

/// Headers of every answer.
const EVERYWHERE: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
         media-src 'self' blob:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn at(address: &str) -> Guard {
        Guard { address: address.parse().unwrap(), token: "secret".to_owned() }
    }

    #[test]
    fn hosts_of_strangers_are_not_this_machine() {
        let here = at("127.0.0.1:7000");
        for host in ["127.0.0.1:7000", "localhost:7000", "[::1]:7000", "127.1.2.3:7000"] {
            assert!(here.is_own_host(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:7001",
            "evil.example:7000",
            "localhost.evil.example:7000",
            "192.168.0.5:7000",
            "",
            "a@127.0.0.1:7000",
            "127.0.0.1:7000@evil.example",
            "127.0.0.1:7000/",
            "0x7f.1:7000",
            "LOCALHOST:7000 ",
        ] {
            assert!(!here.is_own_host(host), "{host}");
        }
        let network = at("0.0.0.0:7000");
        assert!(network.is_own_host("192.168.0.5:7000") && !network.is_own_host("evil.example:7000"));
    }

    #[test]
    fn only_the_whole_token_will_do() {
        let here = at("127.0.0.1:7000");
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            here.knows_token(&headers)
        };
        assert!(with("authorization", "Bearer secret") && with("cookie", "a=b; impasto-7000=secret"));
        for word in ["", "secre", "secrets", "SECRET"] {
            assert!(
                !with("authorization", &format!("Bearer {word}")) && !with("cookie", &format!("impasto-7000={word}"))
            );
        }
        assert!(!with("cookie", "impasto-7001=secret") && !with("authorization", "secret"));
    }
}
