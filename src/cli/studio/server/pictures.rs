//! `/api/pictures`: what comes in.

use super::{
    App, body,
    reply::{self, Answer, Refusal},
};
use crate::cli::studio::intake::{Incoming, take};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use impasto::studio::PictureId;
use serde::Deserialize;

/// What is said of a file in the address.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    #[serde(default)]
    name: String,
    /// Any value but 0 for a mask.
    mask: Option<u8>,
}

pub(super) async fn add(State(app): State<App>, Query(about): Query<About>, body: Body) -> Answer {
    let (file, digest) = body::file(body, &app.hub.store).await?;
    let mask = about.mask.is_some_and(|mask| mask != 0);
    let incoming = Incoming { file, digest, name: about.name, mask };
    // One at a time, because reading one may take gigabytes.
    let _turn = app.reading.acquire().await.map_err(|_| Refusal::not_found())?;
    let hub = app.hub.clone();
    let taken = tokio::task::spawn_blocking(move || take(&hub, incoming)).await;
    let broke = |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "reading the picture broke down: save it as a PNG");
    Ok(reply::json(StatusCode::CREATED, &taken.map_err(broke)??))
}

fn id(text: String) -> Result<PictureId, Refusal> {
    PictureId::try_from(text).map_err(|error| Refusal::new(StatusCode::NOT_FOUND, error.to_string()))
}

pub(super) async fn view(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Answer {
    let id = id(text)?;
    app.hub.picture(&id)?;
    reply::unchanging(&headers, &app.hub.store.view(&id), "image/jpeg", id.as_str()).await
}

pub(super) async fn remove(State(app): State<App>, Path(text): Path<String>) -> Answer {
    app.hub.remove_picture(&id(text)?)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
