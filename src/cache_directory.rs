//! Where impasto keeps what it can fetch or compute again: filters and compiled pipelines.

use directories::ProjectDirs;
use std::{ffi::OsStr, path::PathBuf};

/// Name of the environment variable that moves the cache elsewhere.
pub const CACHE_VARIABLE: &str = "IMPASTO_CACHE";

/// There is no directory for the cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no home directory is known for the cache of weights: name a directory in {CACHE_VARIABLE}")]
pub struct NoCacheDirectory;

/// `chosen`, which is the value of [`CACHE_VARIABLE`], or the user's cache directory if there is none. It need not
/// exist.
///
/// # Errors
/// If the system knows no such directory.
pub fn cache_directory(chosen: Option<&OsStr>) -> Result<PathBuf, NoCacheDirectory> {
    match chosen.filter(|directory| !directory.is_empty()) {
        Some(directory) => Ok(PathBuf::from(directory)),
        None => Ok(ProjectDirs::from("", "", "impasto").ok_or(NoCacheDirectory)?.cache_dir().to_owned()),
    }
}
