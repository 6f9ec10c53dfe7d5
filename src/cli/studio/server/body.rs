//! Bodies of requests: bounded in length and in time, whoever sends them.

use super::reply::Refusal;
use crate::cli::studio::store::Store;
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The longest file that is taken; one that is larger can be painted by the command line.
const LONGEST_FILE: u64 = 256 << 20;

/// The longest command.
const LONGEST_COMMAND: u64 = 64 << 10;

/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(10);

/// After a first while, a body must have come at this pace, in bytes a second.
const FIRST_WHILE: Duration = Duration::from_secs(15);
const SLOWEST: u64 = 16 << 10;

/// Hands out what comes, piece by piece.
async fn each(body: Body, longest: u64, mut take: impl FnMut(&Bytes) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let (start, mut length, mut pieces) = (Instant::now(), 0u64, body.into_data_stream());
    loop {
        let late = || Refusal::new(StatusCode::REQUEST_TIMEOUT, "the rest of it did not come in time: send it again");
        let Some(piece) = timeout(SILENCE, pieces.next()).await.map_err(|_| late())? else { return Ok(()) };
        let piece =
            piece.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("it did not come whole: {error}")))?;
        length += piece.len() as u64;
        if length > longest {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("it is longer than {} KiB, the most that is taken: make it smaller", longest >> 10),
            ));
        }
        let age = start.elapsed();
        if age > FIRST_WHILE && length < age.as_secs() * SLOWEST {
            return Err(late());
        }
        take(&piece)?;
    }
}

/// A command, from JSON.
pub(super) async fn command<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let mut text = Vec::new();
    let take = |piece: &Bytes| {
        text.extend_from_slice(piece);
        Ok(())
    };
    each(body, LONGEST_COMMAND, take).await?;
    let wrong = |error| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("the JSON is not what is expected ({error}): see /openapi.json"))
    };
    serde_json::from_slice(&text).map_err(wrong)
}

/// A file, into the studio's directory, with its digest.
pub(super) async fn file(body: Body, store: &Store) -> Result<(tempfile::NamedTempFile, [u8; 32]), Refusal> {
    let full = |error: &dyn std::fmt::Display| Refusal::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string());
    let mut file = store.incoming().map_err(|error| full(&error))?;
    let mut hash = Sha256::new();
    let take = |piece: &Bytes| {
        hash.update(piece);
        file.write_all(piece).map_err(|error| full(&error))
    };
    each(body, LONGEST_FILE, take).await?;
    Ok((file, hash.finalize().into()))
}
