//! Why weights were not fetched.

use crate::weights::{FileFault, WeightsError};
use std::{io, path::PathBuf};

/// Why weights were not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The crate was built without its feature `fetch`.
    #[error(
        "{url} is not in the cache, and this build of impasto cannot fetch it: build it with the feature \"fetch\", or use a weights file"
    )]
    NotBuilt {
        /// The address.
        url: String,
    },
    /// The server cannot be reached at all.
    #[error("cannot reach {url} ({reason}): check the network and the proxy, or use a weights file that is there")]
    Offline {
        /// The address.
        url: String,
        /// The reason.
        reason: String,
    },
    /// The address makes no sense.
    #[error("{url} is not an address to fetch from ({reason}): use one that begins with https:// or http://")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refuses.
    #[error("{url} answers with status {status}: check the address, or use a weights file that is there")]
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The server's file cannot be used.
    #[error("{url} {fault}")]
    Unsuitable {
        /// The address.
        url: String,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// The server answers with other bytes than those asked for.
    #[error(
        "{url} was asked for the bytes from {asked} on and answers with {answered}: try another address or a mirror"
    )]
    WrongRange {
        /// The address.
        url: String,
        /// First byte asked for.
        asked: u64,
        /// What the answer's header says.
        answered: String,
    },
    /// The file is no longer the one that the fetch began with.
    #[error("{url} changed while it was fetched: start again")]
    Changed {
        /// The address.
        url: String,
    },
    /// The connection broke too often.
    #[error(
        "the connection to {url} broke {attempts} times at byte {position} ({reason}): start again later, and it goes on from there"
    )]
    Broken {
        /// The address.
        url: String,
        /// How often in a row.
        attempts: u32,
        /// Byte of the server's file.
        position: u64,
        /// The last reason.
        reason: String,
    },
    /// The cache cannot be written.
    #[error("cannot write {}: {source}; free some space there, or name another directory in IMPASTO_CACHE", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Another process is fetching the file.
    #[error("{} is being fetched by another process: wait until it has finished", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// What arrived cannot be used.
    #[error("what came from {url} cannot be used: {source}")]
    Arrived {
        /// The address.
        url: String,
        /// What is wrong with it.
        source: WeightsError,
    },
    /// What arrived differs from what arrived the first time.
    #[error(
        "what came from {url} has SHA-256 {found}, and it had {noted} the first time: if the change is meant, remove {}",
        note.display()
    )]
    OtherDigest {
        /// The address.
        url: String,
        /// Digest now.
        found: String,
        /// Digest at first.
        noted: String,
        /// The file that holds the note.
        note: PathBuf,
    },
}

impl FetchError {
    /// Whether nothing can be fetched at all, so that the next best filters should be used.
    pub fn is_offline(&self) -> bool {
        matches!(self, FetchError::Offline { .. } | FetchError::NotBuilt { .. })
    }
}
