//! What a stranger's page, a stranger's file and a stranger's program may try.

use super::{Studio, client::read_reply};
use crate::command_line::folder::Folder;
use impasto::random::Random;
use serde_json::json;
use std::io::Write;

#[test]
fn pages_of_strangers_are_refused() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let own = studio.address.to_string();
    let (bearer, port) = (format!("Bearer {}", studio.token), studio.address.port());
    let cookie = format!("impasto-{port}={}", studio.token);
    let state = |headers: &[(&str, &str)]| studio.send("GET", "/api/state", headers, b"").status;
    let origin = format!("http://{own}");
    // The page itself, and programs.
    assert_eq!(state(&[("Host", &own), ("Cookie", &cookie)]), 200);
    assert_eq!(state(&[("Host", &own), ("Authorization", &bearer)]), 200);
    assert_eq!(
        state(&[("Host", &own), ("Cookie", &cookie), ("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]),
        200
    );
    // A name that leads here.
    for host in
        ["evil.example", &format!("evil.example:{port}"), &format!("localhost.evil.example:{port}"), "", "127.0.0.1"]
    {
        assert_eq!(state(&[("Host", host), ("Cookie", &cookie)]), 403, "{host}");
    }
    assert_ne!(state(&[("Cookie", &cookie)]), 200, "no host");
    assert_ne!(state(&[("Host", &own), ("Host", "evil.example"), ("Cookie", &cookie)]), 200, "two hosts");
    // A page that the browser shows beside.
    let same_port = format!("http://evil.example:{port}");
    for origin in ["null", "http://evil.example", "https://127.0.0.1", same_port.as_str(), ""] {
        assert_eq!(state(&[("Host", &own), ("Cookie", &cookie), ("Origin", origin)]), 403, "{origin}");
    }
    for site in ["cross-site", "same-site", "nonsense"] {
        assert_eq!(state(&[("Host", &own), ("Cookie", &cookie), ("Sec-Fetch-Site", site)]), 403, "{site}");
        let entered =
            [("Host", own.as_str()), ("Cookie", &cookie), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")];
        assert_eq!(state(&entered), 403, "only the page itself may be entered");
        assert_eq!(studio.send("GET", "/", &entered, b"").status, 200);
    }
    // Without the token, or with another.
    let wrong = format!("impasto-{port}={}", "0".repeat(studio.token.len()));
    for headers in [
        vec![("Host", own.as_str())],
        vec![("Host", &own), ("Cookie", &wrong)],
        vec![("Host", &own), ("Authorization", "Bearer ")],
    ] {
        for path in [
            "/",
            "/api/state",
            "/api/events",
            "/page/main.js",
            "/openapi.json",
            "/?token=wrong",
            "/api/state?token=x",
            "/nowhere",
        ] {
            assert_eq!(studio.send("GET", path, &headers, b"").status, 401, "{path}");
        }
    }
    // A form cannot send the header.
    let form = [("Host", own.as_str()), ("Cookie", &cookie), ("Content-Type", "application/x-www-form-urlencoded")];
    for (method, path) in
        [("POST", "/api/works/1/stop"), ("POST", "/api/pictures"), ("DELETE", "/api/works/1"), ("PUT", "/api/state")]
    {
        assert_eq!(studio.send(method, path, &form, b"a=b").status, 403, "{method} {path}");
    }
    let reply = studio.ask("GET", "/", b"");
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert!(reply.headers[name].contains(part), "{name}");
    }
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    let entered = studio.send("GET", &format!("/?token={}", studio.token), &[("Host", &own)], b"");
    let cookie = &entered.headers["set-cookie"];
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!entered.text().contains(&studio.token));
    let elsewhere = studio.send("GET", &format!("/?token={}", studio.token), &[("Host", "evil.example")], b"");
    assert!(elsewhere.status == 403 && !elsewhere.headers.contains_key("set-cookie"));
}

#[test]
fn no_path_leads_out_of_the_directory() {
    let folder = Folder::with_pictures();
    folder.write("secret.txt", "the secret");
    let studio = Studio::start(&folder);
    let id = studio.begin(&folder, &json!({ "size": "32" }));
    studio.wait_for(id, "done");
    for word in [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2f%2e%2e%2fsecret.txt",
        "..\\secret.txt",
        "%00",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "....//",
        "1%2f..%2f..",
        "lock",
        "original",
    ] {
        for path in [
            format!("/{word}"),
            format!("/page/{word}"),
            format!("/api/pictures/{word}/view"),
            format!("/api/works/{word}"),
            format!("/api/works/{word}/result"),
            format!("/api/works/{id}/pictures/{word}"),
            format!("/api/works/{id}/{word}"),
        ] {
            let reply = studio.ask("GET", &path, b"");
            assert!(matches!(reply.status, 400 | 404 | 405), "{path}: {}", reply.status);
            assert!(!reply.text().contains("secret") && !reply.text().contains("root:"), "{path}");
        }
        let reply = studio.ask("DELETE", &format!("/api/pictures/{word}"), b"");
        assert!(matches!(reply.status, 400 | 404 | 405), "{word}: {}", reply.status);
        let request = json!({ "photograph": word, "paintings": [{ "picture": word }] });
        studio.refused("/api/works", &request, 400);
        // What a file is called is only shown.
        let query = word.replace('\\', "%5c");
        let reply = studio.ask("POST", &format!("/api/pictures?name={query}"), &folder.read("photo.png"));
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    assert_eq!(folder.read("secret.txt"), b"the secret");
    let names = std::fs::read_dir(folder.path("data")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["lock", "pictures", "works"]);
}

/// A PNG file that claims a size and has nothing in it.
fn hollow_png(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    bytes
}

#[test]
fn what_is_no_picture_does_not_come_in() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    let html = b"<!doctype html><script>alert(1)</script>".to_vec();
    let truncated = folder.read("photo.png")[..600].to_vec();
    let disguised = [&folder.read("photo.png")[..8], b"<script>alert(1)</script>"].concat();
    for (what, bytes) in [
        ("svg", svg),
        ("html", html),
        ("nothing", Vec::new()),
        ("half", truncated),
        ("disguise", disguised),
        ("bomb", hollow_png(65535)),
    ] {
        let reply = studio.ask("POST", "/api/pictures?name=a%3Cb%3E.png", &bytes);
        assert_eq!(reply.status, 415, "{what}: {}", reply.text());
        assert!(reply.refusal().contains("a<b>.png"), "{what}: {}", reply.refusal());
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    assert_eq!(studio.get("/api/state")["pictures"].as_array().unwrap().len(), 2);
    assert_eq!(std::fs::read_dir(folder.path("data/pictures")).unwrap().count(), 2);
    for body in ["", "null", "[]", "{", "{\"photograph\":1}", &"[".repeat(60_000), &"x".repeat(70_000)] {
        let reply = studio.ask("POST", "/api/works", body.as_bytes());
        assert!(matches!(reply.status, 400 | 413), "{}: {}", &body[..body.len().min(20)], reply.status);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_painting_goes_on_under_a_flood() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let id = studio.begin(&folder, &json!({ "size": "48", "first-iterations": "400", "iterations": "100" }));
    let resident = || crate::common::in_status(&studio.child.id().to_string(), "VmRSS");
    let before = resident();
    // Connections that say nothing, and some that say a little.
    let mut idle: Vec<_> = (0..500).map(|_| studio.connect()).collect();
    for (number, stream) in idle.iter_mut().enumerate().filter(|(number, _)| number % 3 == 0) {
        let long = format!(
            "POST /api/pictures?name=x HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nX-Impasto: 1\r\nContent-Length: 99999999\r\n\r\n",
            studio.address, studio.token
        );
        let text = if number % 2 == 0 { "GET / HTTP/1.1\r\nHost:" } else { &long };
        let _ = stream.get_mut().write_all(text.as_bytes());
    }
    assert!(["preparing", "painting", "done", "waiting"].contains(&studio.work(id)["state"].as_str().unwrap()));
    drop(idle);
    let mut random = Random::new(3);
    let mut pick =
        |words: &[&str]| words[(random.uniform(0.0, words.len() as f32) as usize).min(words.len() - 1)].to_owned();
    let mut stream = studio.connect();
    for _ in 0..10_000 {
        let method = pick(&["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"]);
        let path: String = (0..3)
            .map(|_| {
                pick(&[
                    "/",
                    "/api",
                    "/works",
                    "/pictures",
                    "/1",
                    "/99999999999999999999999",
                    "/result",
                    "/%ff",
                    "/..",
                    "?a=b",
                    "/page",
                    "/stop",
                    "/view",
                    "/-1",
                    "/\u{7f}",
                    "//",
                ])
            })
            .collect();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let body = pick(&["", "{}", "{\"size\":1e99}", "\u{0}\u{1}", "[[[["]);
        let token = pick(&[&studio.token, &studio.token, "no"]);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nX-Impasto: 1\r\nContent-Length: {}\r\n\r\n{body}",
            studio.address,
            body.len()
        );
        let sent = stream.get_mut().write_all(request.as_bytes());
        let reply = if method == "HEAD" { None } else { read_reply(&mut stream).filter(|_| sent.is_ok()) };
        if let Some(reply) = &reply {
            assert!(reply.status < 500, "{request}: {} {}", reply.status, reply.text());
        }
        // What HTTP forbids ends the connection.
        if reply.is_none_or(|reply| reply.status == 400) {
            stream = studio.connect();
        }
    }
    let work = studio.wait_while(id, "its end", |work| !["done", "stopped"].contains(&work["state"].as_str().unwrap()));
    assert!(work["state"] == "done" || work["state"] == "stopped", "{work}");
    let grown = resident().saturating_sub(before) >> 10;
    assert!(grown < 200, "{grown} MiB more");
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let folder = Folder::with_pictures();
    let studio = Studio::start(&folder);
    let head = |length: u64| {
        format!(
            "POST /api/pictures?name=x HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nX-Impasto: 1\r\nContent-Length: {length}\r\n\r\n",
            studio.address, studio.token
        )
    };
    let mut silent = studio.connect();
    silent.get_mut().write_all(head(1000).as_bytes()).unwrap();
    silent.get_mut().write_all(b"abc").unwrap();
    // The server's own patience ends it.
    assert_eq!(read_reply(&mut silent).unwrap().status, 408);
    let mut endless = studio.connect();
    endless.get_mut().write_all(head(1 << 40).as_bytes()).unwrap();
    let piece = vec![7; 1 << 20];
    let sent = (0..300).take_while(|_| endless.get_mut().write_all(&piece).is_ok()).count();
    assert!(sent < 300, "{sent} MiB were taken");
    assert_eq!(std::fs::read_dir(folder.path("data")).unwrap().count(), 3, "nothing half is left");
}
