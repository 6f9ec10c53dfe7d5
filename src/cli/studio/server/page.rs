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

macro_rules! assets {
    ($($name:literal $kind:ident),* $(,)?) => {
        &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../page/", $name)) }),*]
    };
}

const ASSETS: &[Asset] = assets![
    "index.html" HTML,
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
