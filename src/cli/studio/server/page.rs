//! The page: its files are part of the program.

use super::reply::{Answer, Refusal};
use axum::{
    extract::Path,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use include_dir::{Dir, include_dir};

static PAGE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/studio/page");

/// What files are, by their extensions.
const KINDS: [(&str, &str); 6] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
];

/// What a file is, if its name says so.
pub(super) fn kind_of(path: &std::path::Path) -> Option<&'static str> {
    let extension = path.extension()?;
    KINDS.iter().find(|(known, _)| extension == *known).map(|(_, kind)| *kind)
}

fn file(name: &str) -> Answer {
    let found = PAGE.get_file(name).and_then(|file| Some((kind_of(file.path())?, file.contents())));
    let (kind, bytes) = found.ok_or_else(Refusal::not_found)?;
    Ok(([(CONTENT_TYPE, kind)], bytes).into_response())
}

pub(super) async fn index() -> Answer {
    file("index.html")
}

pub(super) async fn named(Path(name): Path<String>) -> Answer {
    file(&name)
}

/// The description of the JSON interface.
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], include_str!("../openapi.json")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        assert!(PAGE.get_file("index.html").is_some());
        for part in PAGE.files() {
            assert!(part.path().to_str().is_some_and(|name| file(name).is_ok()), "{}", part.path().display());
        }
        assert_eq!(PAGE.dirs().count(), 0);
    }
}
