//! Where a redirect may lead: never from an encrypted connection to one that anybody on the way can change.

use super::FetchError;
use ureq::http::Uri;

/// Redirects in a row that are followed; a hub needs one or two.
pub(super) const MOST: usize = 10;

/// The address that a redirect from `from` to `location` leads to, in a fetch that began with `url`.
pub(super) fn follow(url: &str, from: &str, location: &str) -> Result<String, FetchError> {
    let refuse = |reason| Err(FetchError::Redirect { url: url.to_owned(), to: location.to_owned(), reason });
    let Some(target) = join(from, location) else { return refuse("which is no address") };
    match (scheme(from).as_deref(), scheme(&target).as_deref()) {
        (_, Some("https")) | (Some("http"), Some("http")) => Ok(target),
        (_, Some("http")) => refuse("which is not encrypted as https is"),
        _ => refuse("which is neither https nor http"),
    }
}

fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// A reference, absolute or relative, seen from an absolute address.
fn join(from: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    if scheme(location).is_some() {
        return Some(location.to_owned());
    }
    let base: Uri = from.parse().ok()?;
    let (scheme, authority, path) = (base.scheme_str()?, base.authority()?, base.path());
    Some(match location {
        "" => return None,
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{authority}{location}"),
        _ if location.starts_with('?') => format!("{scheme}://{authority}{path}{location}"),
        _ => format!("{scheme}://{authority}{}/{location}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "https://hub.example/timm/resolve/main/model.safetensors?download=true";

    #[test]
    fn targets_of_all_kinds_are_found() {
        let cases = [
            ("https://cdn.example/x?y=z#part", "https://cdn.example/x?y=z"),
            ("HTTPS://cdn.example/x", "HTTPS://cdn.example/x"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("/other/model.safetensors", "https://hub.example/other/model.safetensors"),
            ("other.safetensors", "https://hub.example/timm/resolve/main/other.safetensors"),
            ("?token=a:b", "https://hub.example/timm/resolve/main/model.safetensors?token=a:b"),
        ];
        for (location, expected) in cases {
            assert_eq!(follow(FROM, FROM, location).unwrap(), expected);
        }
        assert_eq!(follow(FROM, "http://a:8080", "b").unwrap(), "http://a:8080/b");
    }

    #[test]
    fn nothing_leads_from_https_to_http() {
        for location in ["http://cdn.example/x", "HTTP://cdn.example/x", "http:cdn.example"] {
            let error = follow("https://first.example/", FROM, location).unwrap_err();
            assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
            let message = error.to_string();
            assert!(message.contains("https://first.example/") && message.contains("not encrypted"), "{message}");
            assert!(follow("http://plain.example/", "http://plain.example/", location).is_ok());
        }
        assert!(follow(FROM, "http://plain.example/", "https://hub.example/x").is_ok());
    }

    #[test]
    fn nothing_leads_to_other_schemes_or_nowhere() {
        for location in ["", "#part", "ftp://hub.example/x", "file:///etc/passwd", "data:,x"] {
            let error = follow(FROM, FROM, location).unwrap_err();
            assert!(matches!(error, FetchError::Redirect { .. }), "{location}: {error}");
        }
    }
}
