//! Why a command ended without success.

use super::interrupt::Interrupt;
use impasto::{
    BackendError, DeviceError,
    cache_directory::NoCacheDirectory,
    picture::PictureError,
    plan::PlanError,
    style::{CheckpointError, Reason, RecipeError, TargetError},
    weights::{FetchError, LearnError, WeightsError},
};
use std::{io, path::PathBuf};

/// Each message is one sentence with the cause and the way out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    NoCache(#[from] NoCacheDirectory),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Learn(#[from] LearnError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Targets(#[from] TargetError),
    #[error(transparent)]
    Stylize(#[from] Box<Reason>),
    #[error("{reason}; what was painted until then is in {}", path.display())]
    Interrupted { reason: Box<Reason>, path: PathBuf },
    #[error("{reason}; what was painted until then could not be saved either: {save}")]
    Lost { reason: Box<Reason>, save: Box<PictureError> },
    /// With what may help.
    #[error("{error}; {advice}")]
    Advised { error: Box<CliError>, advice: String },
    #[error("cannot write {}: {source}; name another file, or one where there is room", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read the cache {}: {source}; name another directory in IMPASTO_CACHE", directory.display())]
    Cache { directory: PathBuf, source: io::Error },
    #[error("cannot write the answer: {0}")]
    Answer(#[from] io::Error),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The work ended in order, because somebody wished it.
    #[error("{sentence}")]
    Stopped { interrupt: Interrupt, sentence: String },
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// 2 for wrong use, 1 for failures.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) | CliError::Recipe(_) | CliError::Plan(_) => 2,
            CliError::Device(DeviceError::NoIndex { .. } | DeviceError::NoName { .. }) => 2,
            CliError::Stylize(reason) if matches!(**reason, Reason::Recipe(_)) => 2,
            CliError::Stopped { interrupt, .. } => interrupt.exit_code(),
            CliError::Advised { error, .. } => error.exit_code(),
            _ => 1,
        }
    }
}
