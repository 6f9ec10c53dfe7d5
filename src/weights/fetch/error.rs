//! Why weights were not fetched.

use crate::{
    printable::shortened,
    weights::{FileFault, WeightsError, header::QUOTED},
};
use std::{fmt, io, path::PathBuf, time::Duration};

/// Why weights were not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The crate was built without its feature `fetch`.
    NotBuilt {
        /// The address.
        url: String,
    },
    /// The server cannot be reached at all.
    Offline {
        /// The address.
        url: String,
        /// The reason.
        reason: String,
    },
    /// The server has not answered in the time that it has for it.
    Silent {
        /// The address.
        url: String,
        /// That time.
        patience: Duration,
    },
    /// The address makes no sense.
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refuses.
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The server sends the request on to where it must not or cannot go.
    Redirect {
        /// The address.
        url: String,
        /// Where it sends the request.
        to: String,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// The server's file cannot be used.
    Unsuitable {
        /// The address.
        url: String,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// The server's file is not the one that is known to be right.
    OtherFile {
        /// The address.
        url: String,
        /// SHA-256 of the right file.
        expected: String,
        /// SHA-256 that the server names.
        found: String,
    },
    /// The server answers with other bytes than those asked for.
    WrongRange {
        /// The address.
        url: String,
        /// First byte asked for.
        asked: u64,
        /// What the answer's header says.
        answered: String,
    },
    /// The file is no longer the one that the fetch began with.
    Changed {
        /// The address.
        url: String,
    },
    /// The connection broke too often.
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
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Another process is fetching the file.
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// What arrived cannot be used.
    Arrived {
        /// The address.
        url: String,
        /// What is wrong with it.
        source: WeightsError,
    },
    /// What arrived differs from what arrived the first time.
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
    /// Whether nothing can be fetched at all.
    pub fn is_offline(&self) -> bool {
        matches!(self, FetchError::Offline { .. } | FetchError::NotBuilt { .. })
    }

    /// What happened, without what to do about it.
    pub fn cause(&self) -> String {
        match self {
            FetchError::NotBuilt { url } => {
                format!("{url} is not in the cache, and this build of impasto cannot fetch it")
            }
            FetchError::Offline { url, reason } => format!("cannot reach {url} ({})", shortened(reason, QUOTED)),
            FetchError::Silent { url, patience } => {
                format!("{url} has not answered within {} seconds", patience.as_secs_f32())
            }
            FetchError::Address { url, reason } => {
                format!("{url} is not an address to fetch from ({})", shortened(reason, QUOTED))
            }
            FetchError::Status { url, status } => format!("{url} answers with status {status}"),
            FetchError::Redirect { url, to, reason } => {
                format!("{url} redirects to {}, {reason}", shortened(to, QUOTED))
            }
            FetchError::Unsuitable { url, fault: FileFault::NotSafetensors { reason } } => {
                format!("{url} is not a safetensors file ({reason})")
            }
            FetchError::Unsuitable { url, fault } => format!("{url} {fault}"),
            FetchError::OtherFile { url, expected, found } => {
                format!("{url} names a file with SHA-256 {found}, and VGG19 has {expected}")
            }
            FetchError::WrongRange { url, asked, answered } => {
                let answered = shortened(answered, QUOTED);
                format!("{url} was asked for the bytes from {asked} on and answers with {answered}")
            }
            FetchError::Changed { url } => format!("{url} changed while it was fetched"),
            FetchError::Broken { url, attempts, position, reason } => {
                let reason = shortened(reason, QUOTED);
                format!("the connection to {url} broke {attempts} times at byte {position} ({reason})")
            }
            FetchError::Write { path, source } => format!("cannot write {} ({source})", path.display()),
            FetchError::Busy { path } => format!("{} is being fetched by another process", path.display()),
            FetchError::Arrived { url, source } => format!("what came from {url} cannot be used: {source}"),
            FetchError::OtherDigest { url, found, noted, .. } => {
                format!("what came from {url} has SHA-256 {found}, and it had {noted} the first time")
            }
        }
    }

    /// What to do about it, unless the cause says that already.
    fn way_out(&self) -> Option<String> {
        let text = match self {
            FetchError::NotBuilt { .. } => "build it with the feature \"fetch\", or use a weights file",
            FetchError::Offline { .. } => "check the network and the proxy, or use a weights file that is there",
            FetchError::Silent { .. } => "check the network and the proxy, or try again later",
            FetchError::Address { .. } => "use one that begins with https:// or http://",
            FetchError::Status { status: 407, .. } => "check the proxy's name and password, or use a weights file",
            FetchError::Status { status: 429 | 500..=599, .. } => {
                "try again later, or use a weights file that is there"
            }
            FetchError::Status { .. } => "check the address, or use a weights file that is there",
            FetchError::Redirect { .. } => "use another address, or a weights file that is there",
            FetchError::Unsuitable { fault: FileFault::NotSafetensors { .. }, .. } => {
                "check the address, and whether the network wants you to log in first"
            }
            FetchError::OtherFile { .. } => "use the hub itself or another mirror",
            FetchError::WrongRange { .. } => "try another address or a mirror",
            FetchError::Changed { .. } => "start again",
            FetchError::Broken { .. } => "start again later, and it goes on from there",
            FetchError::Write { .. } => "free some space there, or name another directory in IMPASTO_CACHE",
            FetchError::Busy { .. } => "wait until it has finished",
            FetchError::OtherDigest { note, .. } => {
                return Some(format!("if the change is meant, remove {}", note.display()));
            }
            FetchError::Unsuitable { .. } | FetchError::Arrived { .. } => return None,
        };
        Some(text.to_owned())
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.cause())?;
        self.way_out().map_or(Ok(()), |way_out| write!(out, ": {way_out}"))
    }
}
