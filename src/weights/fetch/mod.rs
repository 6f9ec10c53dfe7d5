//! Fetching weights: only the convolutions of a large file on a server, by range requests, resumed after a break.

#[cfg(feature = "fetch")]
mod claim;
mod error;
#[cfg(feature = "fetch")]
mod layout;
#[cfg(feature = "fetch")]
mod redirect;
#[cfg(feature = "fetch")]
mod remote;
#[cfg(feature = "fetch")]
mod transfer;

pub use error::FetchError;

use super::{cache::Cache, source::Source};
use std::path::PathBuf;

/// How far a fetch has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the new file that have arrived.
    pub received: u64,
    /// Bytes of the whole new file.
    pub total: u64,
}

/// The path of a weights file with the filters of `source`, fetched if the cache does not have it.
///
/// If the connection breaks, the bytes that arrived are kept and the next fetch continues from there. The new file is
/// checked (shapes, finite numbers, and its digest against the one it had when it was first fetched) and then appears
/// under its name. `progress` is called now and then.
///
/// # Errors
/// If the server cannot be reached or refuses, if its file cannot be used, or if the cache cannot be written; without
/// the crate's feature `fetch`, if the cache does not have the file.
pub fn fetch(source: &Source, cache: &Cache, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, FetchError> {
    // A file that is damaged stays until another takes its place.
    match cache.find_usable(source) {
        Some(path) => Ok(path),
        None => receive(source, cache, progress),
    }
}

#[cfg(feature = "fetch")]
pub use transfer::is_fetch_state;
#[cfg(feature = "fetch")]
use transfer::receive;

#[cfg(not(feature = "fetch"))]
fn receive(source: &Source, _: &Cache, _: &mut dyn FnMut(Progress)) -> Result<PathBuf, FetchError> {
    Err(FetchError::NotBuilt { url: source.url.clone() })
}
