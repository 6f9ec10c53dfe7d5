//! Why a picture was not encoded.

use std::io;
use std::path::Path;

use image::ImageError;
use png::EncodingError;
use tiff::TiffError;

use crate::picture::PictureError;

/// See the module.
#[derive(Debug)]
pub(super) enum Failure {
    /// The encoder's words.
    Encoder(String),
    /// What the system says where the file goes.
    Write(io::Error),
}

impl Failure {
    pub(super) fn of(self, path: &Path, format: &'static str) -> PictureError {
        match self {
            Failure::Encoder(reason) => PictureError::Encode { path: path.into(), format, reason },
            Failure::Write(reason) => PictureError::Write { path: path.into(), reason },
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Write(error)
    }
}

impl From<EncodingError> for Failure {
    fn from(error: EncodingError) -> Failure {
        match error {
            EncodingError::IoError(error) => Failure::Write(error),
            error => Failure::Encoder(error.to_string()),
        }
    }
}

impl From<TiffError> for Failure {
    fn from(error: TiffError) -> Failure {
        match error {
            TiffError::IoError(error) => Failure::Write(error),
            error => Failure::Encoder(error.to_string()),
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Failure {
        Failure::Encoder(error.to_string())
    }
}

impl From<image_webp::EncodingError> for Failure {
    fn from(error: image_webp::EncodingError) -> Failure {
        Failure::Encoder(error.to_string())
    }
}
