//! Why a command ended without success.

use super::interrupt::Interrupt;
use impasto::{
    BackendError, DeviceError,
    cache_directory::NoCacheDirectory,
    learn::LearnError,
    picture::PictureError,
    plan::PlanError,
    style::{CheckpointError, Reason, RecipeError, Shortage, TargetError},
    weights::{FetchError, WeightsError},
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
    #[error("{reason}; what was painted until then is in {place}")]
    Interrupted { reason: Box<Reason>, place: String },
    #[error("{reason}; what was painted until then could not be saved either: {save}")]
    Lost { reason: Box<Reason>, save: Box<CliError> },
    /// The picture is painted, but not where it should be.
    #[error("{error}; the picture is kept in {}", path.display())]
    Elsewhere { error: Box<CliError>, path: PathBuf },
    /// The picture is painted, and only the checkpoint has it.
    #[error("{error}; the checkpoint has the picture, and once there is room this saves it: impasto resume {}", checkpoint.display())]
    InCheckpoint { error: Box<CliError>, checkpoint: PathBuf },
    /// More memory would be needed than there is.
    #[error("{0}")]
    Shortage(Shortage),
    /// An error, and advice that may help.
    #[error("{error}; {advice}")]
    Advised { error: Box<CliError>, advice: String },
    #[error("cannot write {}: {source}; name another file, or one where there is room", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read the cache {}: {source}; name another directory in IMPASTO_CACHE", directory.display())]
    Cache { directory: PathBuf, source: io::Error },
    #[error("cannot write the answer: {0}")]
    Answer(#[from] io::Error),
    #[cfg(feature = "studio")]
    #[error(transparent)]
    Store(#[from] super::studio::StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The work ended in order, on request.
    #[error("{sentence}")]
    Stopped { interrupt: Interrupt, sentence: String },
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The message, with options that may help: the library does not know of options.
    pub fn sentence(&self) -> String {
        if let CliError::Shortage(Shortage { fitting: Some(long), .. }) = self {
            return format!("{self}: use --size {long}, or --force to try all the same");
        }
        match self.options() {
            Some(options) => format!("{self}; {options}"),
            None => self.to_string(),
        }
    }

    fn options(&self) -> Option<&'static str> {
        match self {
            CliError::Stylize(reason) | CliError::Interrupted { reason, .. } => match &**reason {
                Reason::Backend(error) => backend_options(error),
                Reason::StyleScale { .. } => Some("see --style-scale"),
                Reason::NotFinite { .. } => Some("see --weights, --learning-rate, --content-weight and --style-weight"),
                _ => None,
            },
            CliError::Backend(error) | CliError::Device(DeviceError::Backend(error)) => backend_options(error),
            CliError::Device(DeviceError::NoIndex { .. }) => Some("`impasto devices` lists them"),
            CliError::Device(DeviceError::NoName { .. }) => Some("--device cpu chooses it"),
            CliError::Shortage(_) => Some("see --device, or --force to try all the same"),
            CliError::Fetch(_) => Some("--weights names a file, and --weights learned needs none"),
            _ => None,
        }
    }

    /// Exit code: 2 for wrong use, 1 for failures.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) | CliError::Recipe(_) | CliError::Plan(_) => 2,
            CliError::Device(DeviceError::NoIndex { .. } | DeviceError::NoName { .. }) => 2,
            CliError::Stylize(reason) if matches!(**reason, Reason::Recipe(_)) => 2,
            CliError::Stopped { interrupt, .. } => interrupt.exit_code(),
            CliError::Advised { error, .. } | CliError::Elsewhere { error, .. } => error.exit_code(),
            _ => 1,
        }
    }
}

fn backend_options(error: &BackendError) -> Option<&'static str> {
    match error {
        BackendError::TensorTooLarge { .. } | BackendError::OutOfMemory { .. } | BackendError::DeviceLost { .. } => {
            Some("see --size and --device")
        }
        BackendError::Threads { .. } => Some("see --threads"),
        _ => None,
    }
}
