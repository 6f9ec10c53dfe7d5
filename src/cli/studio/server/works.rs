//! `/api/works`: what is painted.

use super::{
    App, body,
    reply::{self, Answer, Refusal},
};
use crate::cli::studio::{
    calls::{check, command_line, result_name},
    hub::{Command, HubError},
    options,
};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_DISPOSITION},
    response::IntoResponse,
};
use impasto::{
    studio::{Request, State as Stage, WorkId, check_further},
    style::LONGEST_SIDE,
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::oneshot;

/// How long a painter may take to answer: an iteration of a large picture takes long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn add(State(app): State<App>, body: Body) -> Answer {
    let request: Request = body::command(body).await?;
    if let Some(missing) = request.pictures().find_map(|id| app.hub.picture(id).err()) {
        return Err(missing.into());
    }
    check(&app.hub, &request)?;
    let command = command_line(&app.hub, &request)?;
    Ok(reply::json(StatusCode::CREATED, &app.hub.add_work(request, command)?))
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    reply::work(app.hub.work(id)?)
}

pub(super) async fn remove(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    app.hub.delete(id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn restore(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    reply::work(app.hub.restore(id)?)
}

pub(super) async fn pause(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    reply::work(app.hub.pause(id)?)
}

pub(super) async fn resume(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    reply::work(app.hub.resume(id)?)
}

pub(super) async fn stop(State(app): State<App>, Path(id): Path<WorkId>) -> Answer {
    reply::work(app.hub.stop(id)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Larger {
    size: u32,
}

pub(super) async fn larger(State(app): State<App>, Path(id): Path<WorkId>, body: Body) -> Answer {
    let Larger { size } = body::command(body).await?;
    if !(1..=LONGEST_SIDE).contains(&size) {
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("size is 1 to {LONGEST_SIDE}")));
    }
    reply::work(app.hub.larger(id, size)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Further {
    iterations: u32,
}

pub(super) async fn further(State(app): State<App>, Path(id): Path<WorkId>, body: Body) -> Answer {
    let Further { iterations } = body::command(body).await?;
    check_further(iterations).map_err(|sentence| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    match asked(&app, id, |answer| Command::Further(iterations, answer)).await? {
        true => reply::work(app.hub.work(id)?),
        false => reply::work(app.hub.further(id, iterations)?),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    options: BTreeMap<String, String>,
}

pub(super) async fn change(State(app): State<App>, Path(id): Path<WorkId>, body: Body) -> Answer {
    let Change { options } = body::command(body).await?;
    let work = app.hub.work(id)?;
    let mut request = work.request;
    request.options.extend(options);
    check(&app.hub, &request)?;
    if asked(&app, id, |answer| Command::Change(request.clone(), answer)).await? {
        return reply::work(app.hub.work(id)?);
    }
    if work.state == Stage::Waiting && !app.hub.store.checkpoint(id).exists() {
        let command = command_line(&app.hub, &request)?;
        return reply::work(app.hub.update(id, |work| (work.request, work.command) = (request, command))?);
    }
    Err(HubError::Conflict("it is not being painted: let it go on first, or begin a new one".to_owned()).into())
}

/// Whether a painter did what it was asked; false if nobody paints this work.
async fn asked(
    app: &App,
    id: WorkId,
    command: impl FnOnce(oneshot::Sender<Result<(), String>>) -> Command,
) -> Result<bool, Refusal> {
    let (sender, answer) = oneshot::channel();
    if !app.hub.ask(id, command(sender)) {
        return Ok(false);
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(Ok(()))) => Ok(true),
        Ok(Ok(Err(sentence))) => Err(Refusal::new(StatusCode::CONFLICT, sentence)),
        // It left in the meantime.
        Ok(Err(_)) => Ok(false),
        Err(_) => Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "the painter has not answered yet: look again later")),
    }
}

pub(super) async fn on_the_way(
    State(app): State<App>,
    Path((id, number)): Path<(WorkId, u64)>,
    headers: HeaderMap,
) -> Answer {
    let created = app.hub.work(id)?.created;
    let path = app.hub.store.on_the_way(id, number);
    reply::unchanging(&headers, &path, "image/jpeg", &format!("{created}-{id}-{number}")).await
}

#[derive(Deserialize)]
pub(super) struct Download {
    download: Option<u8>,
}

pub(super) async fn result(
    State(app): State<App>,
    Path(id): Path<WorkId>,
    Query(Download { download }): Query<Download>,
    headers: HeaderMap,
) -> Answer {
    let work = app.hub.work(id)?;
    if !work.result {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "it has no result yet"));
    }
    // Each result is shown under a number of its own.
    let tag = format!("{}-{id}-result-{}", work.created, work.picture);
    let mut response = reply::changing(&headers, &app.hub.store.result(id), "image/png", &tag).await?;
    if download.is_some_and(|download| download != 0) {
        let name = result_name(&app.hub, &work.request);
        let attachment = format!("attachment; filename=\"{}\"; filename*=UTF-8''{}", ascii(&name), percent(&name));
        let value = HeaderValue::from_str(&attachment).expect("both names are printable ASCII");
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response.into_response())
}

/// A name for old programs.
fn ascii(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
    name.chars().map(kept).collect()
}

/// A name as RFC 8187 has it.
fn percent(name: &str) -> String {
    let coded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(coded).collect()
}

/// Everything that can be chosen.
pub(super) async fn offered(State(app): State<App>) -> Answer {
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "groups": options::offered(&app.hub.machine) })))
}
