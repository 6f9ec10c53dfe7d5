//! Pixels to files.

use std::io::{Cursor, Write};
use std::path::Path;

use image::codecs::{bmp::BmpEncoder, jpeg::JpegEncoder, png, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageFormat};

use super::{FORMATS, Format, Picture, PictureError};
use crate::{
    plan::Size,
    replace_file::{check_replaceable, replace_file},
};

/// How a picture is encoded, where its format leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Quality of a JPEG file, 1 to 100; values beyond are taken for the nearest of these.
    pub jpeg_quality: u8,
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding { jpeg_quality: 95 }
    }
}

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
        self.save_as(path, Encoding::default())
    }

    /// [`Picture::save`], with a choice.
    ///
    /// # Errors
    /// As [`Picture::save`].
    pub fn save_as(&self, path: impl AsRef<Path>, encoding: Encoding) -> Result<(), PictureError> {
        let path = path.as_ref();
        let bytes = self.encode(path, format(path, self.size)?, encoding)?;
        let failed = |reason| PictureError::Write { path: path.into(), reason };
        replace_file(path, |file| file.write_all(&bytes)).map_err(failed)
    }

    /// The bytes of a PNG file. `name` is what errors call it.
    ///
    /// # Errors
    /// If a value is not finite.
    pub fn to_png(&self, name: impl AsRef<Path>) -> Result<Vec<u8>, PictureError> {
        let png = FORMATS.iter().find(|format| format.format == ImageFormat::Png).expect("PNG is in the table");
        self.encode(name.as_ref(), png, Encoding::default())
    }

    fn encode(&self, path: &Path, format: &Format, encoding: Encoding) -> Result<Vec<u8>, PictureError> {
        let count = self.pixels.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(PictureError::NotFinite { path: path.into(), count, total: self.pixels.len() });
        }
        let failed = |error: image::ImageError| PictureError::Encode {
            path: path.into(),
            format: format.name,
            reason: error.to_string(),
        };
        let bytes: Vec<u8> = self.pixels.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        let mut file = Cursor::new(Vec::new());
        let Size { width, height } = self.size;
        let colour = ExtendedColorType::Rgb8;
        match format.format {
            ImageFormat::Jpeg => {
                let quality = encoding.jpeg_quality.clamp(1, 100);
                JpegEncoder::new_with_quality(&mut file, quality).write_image(&bytes, width, height, colour)
            }
            ImageFormat::WebP => WebPEncoder::new_lossless(&mut file).write_image(&bytes, width, height, colour),
            ImageFormat::Tiff => TiffEncoder::new(&mut file).write_image(&bytes, width, height, colour),
            ImageFormat::Bmp => BmpEncoder::new(&mut file).write_image(&bytes, width, height, colour),
            _ => {
                let (compression, filter) = (png::CompressionType::Default, png::FilterType::Adaptive);
                png::PngEncoder::new_with_quality(&mut file, compression, filter)
                    .write_image(&bytes, width, height, colour)
            }
        }
        .map_err(failed)?;
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
    format(path, size)?;
    check_replaceable(path).map_err(|reason| PictureError::Write { path: path.into(), reason })
}

/// The format of a file of that name, if a picture of that size can be written there.
fn format(path: &Path, size: Size) -> Result<&'static Format, PictureError> {
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
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(PictureError::NoDirectory { path: path.into(), directory: directory.into() });
    }
    if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(PictureError::WriteProtected { path: path.into() });
    }
    Ok(format)
}
