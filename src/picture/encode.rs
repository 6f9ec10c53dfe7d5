//! Pixels to files.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::codecs::{bmp::BmpEncoder, jpeg::JpegEncoder, png, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat};

use super::{FORMATS, Format, Picture, PictureError};
use crate::{plan::Size, replace_file::temporary_file_beside};

const JPEG_QUALITY: u8 = 95;

impl Picture {
    /// Writes the picture in the format of the path's extension: PNG, JPEG (quality 95), WebP (lossless), TIFF or BMP,
    /// 8 bits per channel, rounded to nearest after clamping to [0, 1].
    ///
    /// The file is written under another name in the same directory and then renamed, so that a failure leaves an
    /// earlier file untouched.
    ///
    /// # Errors
    /// If a value is not finite, if [`check_writable`] fails, or if writing fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PictureError> {
        let path = path.as_ref();
        let output = Output::at(path, self.size)?;
        let count = self.pixels.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(PictureError::NotFinite { path: path.into(), count, total: self.pixels.len() });
        }
        let bytes = self.encode(output.format).map_err(|error| PictureError::Encode {
            path: path.into(),
            format: output.format.name,
            reason: error.to_string(),
        })?;
        let failed = |reason| PictureError::Write { path: path.into(), reason };
        let mut file = temporary_file_beside(&output.file).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.persist(&output.file).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn encode(&self, format: &Format) -> image::ImageResult<Vec<u8>> {
        let bytes: Vec<u8> = self.pixels.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        let mut file = Cursor::new(Vec::new());
        let Size { width, height } = self.size;
        let colour = ExtendedColorType::Rgb8;
        match format.format {
            ImageFormat::Jpeg => {
                JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY).write_image(&bytes, width, height, colour)
            }
            ImageFormat::WebP => WebPEncoder::new_lossless(&mut file).write_image(&bytes, width, height, colour),
            ImageFormat::Tiff => TiffEncoder::new(&mut file).write_image(&bytes, width, height, colour),
            ImageFormat::Bmp => BmpEncoder::new(&mut file).write_image(&bytes, width, height, colour),
            _ => {
                let (compression, filter) = (png::CompressionType::Default, png::FilterType::Adaptive);
                png::PngEncoder::new_with_quality(&mut file, compression, filter)
                    .write_image(&bytes, width, height, colour)
            }
        }?;
        Ok(file.into_inner())
    }
}

/// Checks, before hours of work, that a picture of some size can be written to a path; leaves nothing behind.
///
/// # Errors
/// If the extension is unknown, the format cannot hold that size, the directory does not exist or no file can be created
/// in it, or the path names a directory or a write-protected file.
pub fn check_writable(path: impl AsRef<Path>, size: Size) -> Result<(), PictureError> {
    let path = path.as_ref();
    let output = Output::at(path, size)?;
    temporary_file_beside(&output.file).map_err(|reason| PictureError::Write { path: path.into(), reason })?;
    Ok(())
}

/// Where and how a picture is written.
struct Output {
    format: &'static Format,
    /// The file itself, even if the path is a link to it.
    file: PathBuf,
}

impl Output {
    fn at(path: &Path, size: Size) -> Result<Output, PictureError> {
        if path.is_dir() {
            return Err(PictureError::OutputIsDirectory { path: path.into() });
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let known = |format: &&Format| extension.as_deref().is_some_and(|name| format.extensions.contains(&name));
        let Some(format) = FORMATS.iter().find(known) else {
            return Err(PictureError::UnknownExtension { path: path.into() });
        };
        if size.width.max(size.height) > format.longest_side {
            let (format, limit) = (format.name, format.longest_side);
            return Err(PictureError::SideTooLong { path: path.into(), format, limit, size });
        }
        let file = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => ".".into(),
        };
        if !directory.is_dir() {
            return Err(PictureError::NoDirectory { path: path.into(), directory });
        }
        if fs::metadata(&file).is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(PictureError::WriteProtected { path: path.into() });
        }
        Ok(Output { format, file })
    }
}
