//! The page: its files are part of the program.

use super::reply::{Answer, Refusal};
use axum::{
    extract::Path,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

/// A file of the page.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! assets {
    ($($name:literal $kind:ident),* $(,)?) => {
        &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../page/", $name)) }),*]
    };
}

const ASSETS: &[Asset] = assets![
    "actions.js" SCRIPT,
    "arrivals.js" SCRIPT,
    "brush.js" SCRIPT,
    "camera.js" SCRIPT,
    "dialog.js" SCRIPT,
    "dom.js" SCRIPT,
    "drop.js" SCRIPT,
    "engine.js" SCRIPT,
    "gallery.js" SCRIPT,
    "gestures.js" SCRIPT,
    "icon.svg" SVG,
    "index.html" HTML,
    "inputs.js" SCRIPT,
    "loss.js" SCRIPT,
    "main.js" SCRIPT,
    "masks.js" SCRIPT,
    "more.js" SCRIPT,
    "paintings.js" SCRIPT,
    "pair.js" SCRIPT,
    "queue.js" SCRIPT,
    "shelf.js" SCRIPT,
    "stage.js" SCRIPT,
    "stages.js" SCRIPT,
    "state.js" SCRIPT,
    "studio.css" CSS,
    "theme.js" SCRIPT,
    "toast.js" SCRIPT,
    "tune.js" SCRIPT,
    "viewer.js" SCRIPT,
    "words.js" SCRIPT,
    "work.js" SCRIPT,
    "zoom.js" SCRIPT,
];

fn asset(name: &str) -> Answer {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or_else(Refusal::not_found)?;
    Ok(([(CONTENT_TYPE, asset.kind)], asset.bytes).into_response())
}

pub(super) async fn index() -> Answer {
    asset("index.html")
}

pub(super) async fn named(Path(name): Path<String>) -> Answer {
    asset(&name)
}

/// The description of the JSON interface.
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], include_str!("../openapi.json")).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/studio/page");
        let there = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let served = ASSETS.iter().map(|asset| asset.name.to_owned());
        assert_eq!(there.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>());
    }
}
