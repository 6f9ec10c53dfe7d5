//! Why a back end cannot go on.

use crate::vgg19::Layer;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The filters end before the deepest layer of the plan.
    #[error("the filters end before {0}: use a weights file that reaches it, or layers nearer to the picture")]
    FiltersMissing(Layer),
    /// The plan stores its maps in a way that the back end does not support.
    #[error("{device} works on maps of f32: make the plan with a storage of Precision::F32")]
    NotF32 {
        /// Name of the device.
        device: String,
    },
    /// One array is larger than the device can bind at once.
    #[error(
        "{tensor} takes {needed} MiB, but {device} handles at most {limit} MiB in one piece: use a smaller picture or another device"
    )]
    TensorTooLarge {
        /// What the array holds.
        tensor: String,
        /// Its size in MiB.
        needed: u64,
        /// Name of the device.
        device: String,
        /// What it can bind, in MiB.
        limit: u64,
    },
    /// The system provides no threads.
    #[error("the CPU's threads cannot be started ({reason}): use fewer")]
    Threads {
        /// The system's message.
        reason: String,
    },
    /// No memory left.
    #[error("{device} is out of memory with {needed} MiB asked for: use a smaller picture or another device")]
    OutOfMemory {
        /// Name of the device.
        device: String,
        /// Memory that the plan and its filters take, in MiB.
        needed: u64,
    },
    /// What is kept on the disk cannot be written or read.
    #[error(
        "{mebibytes} MiB of the work cannot be kept in {}: {reason}: make room there, name another directory in {}, or allow \
         more memory", directory.display(), crate::cache_directory::CACHE_VARIABLE
    )]
    Scratch {
        /// Where the file is.
        directory: std::path::PathBuf,
        /// Its size in MiB.
        mebibytes: u64,
        /// The system's message.
        reason: String,
    },
    /// What the work goes on from was there, and is there no more.
    #[error("{} can no longer be read ({reason}): leave it as it is until the work has begun, and start again", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// The system's message.
        reason: String,
    },
    /// The device fails before it has done anything.
    #[error("{device} cannot start ({reason}): update its driver, or use another device")]
    CannotStart {
        /// Name of the device.
        device: String,
        /// The driver's message, or what the device computed.
        reason: String,
    },
    /// The driver gave up on the device.
    #[error("{device} stopped working ({reason}): start again with a smaller picture, or on another device")]
    DeviceLost {
        /// Name of the device.
        device: String,
        /// The driver's message.
        reason: String,
    },
    /// Somebody asked for the end of the work, see [`crate::Engine::with_stop`].
    #[error("the work was stopped before its end")]
    Stopped,
    /// The driver refused something that impasto asked of it.
    #[error("{device} refused a command, which is a fault of impasto or of the driver: {reason}")]
    Refused {
        /// Name of the device.
        device: String,
        /// The driver's message.
        reason: String,
    },
}
