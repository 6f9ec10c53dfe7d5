//! What is asked of the engine, what it answers, and what it tells by itself.

use impasto::{
    picture::PictureError,
    studio::{PictureId, Request, RequestError, Work, WorkId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a page asks for, and the worker in which it is answered.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    State,
    Options,
    /// A picture's file comes with it.
    AddPicture {
        name: String,
        mask: bool,
    },
    RemovePicture {
        picture: PictureId,
    },
    /// A saved picture's file comes with it.
    Reopen {
        name: String,
    },
    /// A safetensors file comes with it.
    AddFilters {
        name: String,
    },
    Begin {
        request: Request,
    },
    Pause {
        work: WorkId,
    },
    Resume {
        work: WorkId,
    },
    Stop {
        work: WorkId,
    },
    Further {
        work: WorkId,
        iterations: u32,
    },
    Larger {
        work: WorkId,
        size: u32,
    },
    Change {
        work: WorkId,
        options: BTreeMap<String, String>,
    },
    Remove {
        work: WorkId,
    },
    Restore {
        work: WorkId,
    },
    /// What the browser kept of a work, as it is and as it was at its checkpoint, if there is one; its result's file comes
    /// with it, if there is one.
    Keep {
        work: Box<Work>,
        then: Option<Box<Work>>,
    },
    /// The worker kept a checkpoint that it was told, or tells in a sentence why it could not.
    Kept {
        work: WorkId,
        problem: Option<String>,
    },
    /// A checkpoint's file that was wanted comes with it; nothing if it is gone.
    Bring {
        work: WorkId,
    },
}

/// Why something is not done, in a sentence.
#[derive(Debug, Serialize)]
pub struct Refusal {
    pub refused: String,
    /// Whether the state of the work is the reason, so that a new one may.
    pub conflict: bool,
    /// Whether a picture's format is the reason, so that another program may read it.
    pub format: bool,
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Refusal {
        refused(error)
    }
}

pub fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal { refused: error.to_string(), conflict: false, format: false }
}

pub fn conflict(sentence: impl Into<String>) -> Refusal {
    Refusal { refused: sentence.into(), conflict: true, format: false }
}

impl From<PictureError> for Refusal {
    fn from(error: PictureError) -> Refusal {
        let format = matches!(error, PictureError::UnknownContent { .. } | PictureError::Unsupported { .. });
        Refusal { format, ..refused(error) }
    }
}

/// Something that happened, for the page or its worker.
#[derive(Serialize)]
pub struct Told {
    pub event: &'static str,
    pub data: Value,
    /// A file that belongs to it.
    #[serde(skip)]
    pub file: Option<Vec<u8>>,
}
