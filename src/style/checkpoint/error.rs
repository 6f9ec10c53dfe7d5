//! Why a painting cannot be saved or continued.

use super::VERSION;
use crate::{
    plan::Size,
    style::{Reason, StylizeError},
};
use std::{io, path::PathBuf};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the checkpoint {}: {source}; what was there before is as it was", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is a directory, or something that does not end.
    #[error("{} is {found}, and a checkpoint is a file: name one that impasto wrote", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It is some other file.
    #[error("{} is no checkpoint of impasto: name a file that it wrote", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version.
    #[error("the checkpoint {} is of version {found}, but this impasto reads version {VERSION}: go on with the impasto that wrote it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The file is not as it was written.
    #[error("the checkpoint {} is damaged ({fault}): begin anew, or go on from another", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// What it holds is more than there is memory for.
    #[error("there is no memory for the checkpoint {}, which holds {mebibytes} MiB: close other programs, or go on where there is more", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// What it holds.
        mebibytes: u64,
    },
    /// An input differs from the original one.
    #[error("the checkpoint belongs to {0}: name the one that the painting began with")]
    OtherInput(Input),
    /// It has come further than the size that was asked for.
    #[error("the picture is larger already, {reached}, than a long side of {size} pixels: ask for {} or more, or begin anew with {size}", reached.long_side())]
    Smaller {
        /// The largest size that was begun or finished.
        reached: Size,
        /// The long side that was asked for.
        size: u32,
    },
    /// The size that was asked for cannot be painted.
    #[error(transparent)]
    Size(#[from] Box<Reason>),
    /// What the checkpoint holds does not fit together.
    #[error("the checkpoint contradicts itself ({0}): begin anew")]
    Contradiction(&'static str),
    /// The device failed before the painting could be saved.
    #[error(transparent)]
    Painting(#[from] Box<StylizeError>),
}

/// What a painting is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The network.
    Filters,
    /// The content picture.
    Photograph,
    /// What says where the photograph is seen and kept.
    Masks,
    /// The style pictures with their masks.
    Painting,
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Input::Filters => "other filters",
            Input::Photograph => "another photograph",
            Input::Masks => "another mask of the photograph",
            Input::Painting => "another painting, other regions or other masks",
        })
    }
}
