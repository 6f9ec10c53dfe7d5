//! What can be wrong with a weights file.

use super::header::QUOTED;
use crate::{printable::shortened, vgg19::Layer};
use std::{io, path::PathBuf};

/// Why a file cannot be used as weights of VGG19; the text continues a sentence that begins with the file's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// Another format.
    #[error("is not a safetensors file ({reason}): convert it with tools/convert_weights.py, or name another file")]
    NotSafetensors {
        /// How it was recognised.
        reason: String,
    },
    /// Shorter or longer than its header says.
    #[error("is damaged: its header accounts for {expected} bytes, and there are {found}; fetch or copy it again")]
    WrongLength {
        /// Bytes by the header.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A tensor is not there.
    #[error(
        "has no tensor {tensor}, which {layer} needs: use a file of VGG19 that reaches {layer} and has torchvision's names, or layers nearer to the picture"
    )]
    MissingTensor {
        /// Its name.
        tensor: String,
        /// The layer it belongs to.
        layer: Layer,
    },
    /// A tensor of another network.
    #[error(
        "holds {tensor} with shape {}, and VGG19 has {expected:?}: use a file of VGG19 without batch norm",
        shortened(&format!("{found:?}"), QUOTED)
    )]
    WrongShape {
        /// Its name.
        tensor: String,
        /// Shape in VGG19.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// Numbers of an unsupported kind.
    #[error("holds {tensor} as {found}, and F16, BF16, F32 and F64 can be read: convert it to one of these")]
    WrongDtype {
        /// Its name.
        tensor: String,
        /// What it is.
        found: String,
    },
    /// NaN or infinity among the weights.
    #[error("holds {value} in {tensor} (number {index} of it), and weights must be finite: fetch or copy it again")]
    NotFinite {
        /// Its name.
        tensor: String,
        /// Position in the tensor, counted from 0.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// An entry about the network's input that makes no sense.
    #[error(
        "says \"{}\" for {key}, and three numbers such as {example} are expected: correct or remove the entry",
        shortened(found, QUOTED)
    )]
    WrongStatistic {
        /// `mean` or `deviation`.
        key: &'static str,
        /// What the entry says; empty if there is none.
        found: String,
        /// What it may say.
        example: &'static str,
    },
    /// Caffe's input was asked for, and the file describes another one.
    #[error("gives mean and deviation for RGB in [0, 1] itself: leave the Caffe format out for this file")]
    NotCaffe,
}

/// Why weights were not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be opened or read.
    #[error("cannot read the weights file {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A directory instead of a file.
    #[error("{} is a directory: name the safetensors file in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file's contents cannot be used.
    #[error("{} {fault}", path.display())]
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: FileFault,
    },
    /// The file cannot be written.
    #[error("cannot write the weights file {}: {source}; name another file, or one where there is room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}
