//! Answers: JSON, files, and refusals, which are one sentence each.

use crate::cli::{
    CliError,
    studio::{hub::HubError, intake::IntakeError},
};
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use impasto::studio::{RequestError, Work};
use serde::Serialize;
use std::path::Path;

/// Why something is not done.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub sentence: String,
}

impl Refusal {
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Refusal {
        Refusal { status, sentence: sentence.into() }
    }

    pub fn forbidden(sentence: &str) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, sentence)
    }

    pub fn unauthorized(sentence: &str) -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, sentence)
    }

    pub fn not_found() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this address: see /openapi.json for what there is")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.sentence }).to_string();
        (self.status, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Refusal {
        let status = match error {
            HubError::NoWork(_) | HubError::NoPicture(_) => StatusCode::NOT_FOUND,
            HubError::Conflict(_) => StatusCode::CONFLICT,
            HubError::Store(_) => StatusCode::INSUFFICIENT_STORAGE,
        };
        Refusal::new(status, error.to_string())
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl From<CliError> for Refusal {
    fn from(error: CliError) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.sentence())
    }
}

impl From<IntakeError> for Refusal {
    fn from(error: IntakeError) -> Refusal {
        match error {
            IntakeError::Picture(error) => Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()),
            IntakeError::Store(error) => Refusal::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
            IntakeError::Hub(error) => error.into(),
        }
    }
}

pub(super) type Answer = Result<Response, Refusal>;

/// Something as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_string(value).expect("strings, numbers and lists can be written");
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

pub(super) fn work(work: Work) -> Answer {
    Ok(json(StatusCode::OK, &work))
}

/// A file that never changes under this address, by a tag that names its contents.
pub(super) async fn unchanging(headers: &HeaderMap, path: &Path, kind: &'static str, tag: &str) -> Answer {
    file(headers, path, kind, tag, "private, max-age=31536000, immutable").await
}

/// A file that may change.
pub(super) async fn changing(headers: &HeaderMap, path: &Path, kind: &'static str, tag: &str) -> Answer {
    file(headers, path, kind, tag, "private, no-cache").await
}

async fn file(headers: &HeaderMap, path: &Path, kind: &'static str, tag: &str, cache: &'static str) -> Answer {
    let tag = format!("\"{tag}\"");
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let value = HeaderValue::from_str(&tag).expect("tags are letters and digits");
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, value), (CACHE_CONTROL, HeaderValue::from_static(cache))])
            .into_response());
    }
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    let bytes = read.ok().and_then(Result::ok).ok_or_else(Refusal::not_found)?;
    let headers = [
        (ETAG, value),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
    ];
    Ok((headers, Body::from(bytes)).into_response())
}
