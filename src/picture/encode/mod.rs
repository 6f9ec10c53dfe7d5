//! Pixels to files.

mod dither;
mod failure;
mod png;
mod samples;
mod tiff;
mod whole;

use std::borrow::Cow;
use std::fmt;
use std::io::{Seek, Write};
use std::num::NonZeroU16;
use std::path::Path;

use image::ImageFormat;

use super::{FORMATS, Format, Mask, Picture, PictureError, exif, record};
use crate::{
    plan::Size,
    replace_file::{check_replaceable, replace_file},
};
use failure::Failure;

/// The most bytes of pixels in a file that counts in 32 bits, BMP or TIFF; a MiB is left for what is around them.
const LONGEST_FILE: u64 = (1 << 32) - (1 << 20);

/// How many bits a value takes in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Values between two levels are dithered: each neighbourhood has the mean of its values, and a gradient no bands.
    /// A value moves by less than a level, and one that is a level stays.
    #[default]
    Eight,
    /// Rounded to the nearest.
    Sixteen,
}

/// How a picture is encoded, where its format leaves a choice, and what goes into the file with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    /// Quality of a JPEG file, 1 to 100; values beyond are taken for the nearest of these.
    pub jpeg_quality: u8,
    /// Sixteen is for PNG and TIFF.
    pub depth: Depth,
    /// How opaque the picture is; fitted if it has another size. What cannot hold it is put on white, see
    /// [`Encoding::omissions`].
    pub alpha: Option<Mask>,
    /// A text that [`super::recorded`] finds again: iTXt with the keyword `impasto` in PNG, XMP in JPEG, WebP and TIFF.
    pub record: Option<String>,
    /// EXIF data, as in [`super::Opened::exif`].
    pub exif: Option<Vec<u8>>,
    /// Pixels per inch, for those who print; [`super::marks`] finds them again.
    pub density: Option<NonZeroU16>,
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding { jpeg_quality: 95, depth: Depth::default(), alpha: None, record: None, exif: None, density: None }
    }
}

/// What a format has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// How opaque the picture is.
    Alpha(&'static str),
    /// The record.
    Record(&'static str),
    /// The photograph's EXIF data.
    Exif(&'static str),
}

impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Omission::Alpha(format) => {
                write!(f, "{format} files hold no transparency: the picture is put on white; .png, .webp and .tiff do")
            }
            Omission::Record(format) => {
                write!(f, "{format} files hold no record of how a picture was made: all others that are written do")
            }
            Omission::Exif(format) => {
                write!(f, "{format} files are written without EXIF data: .png, .jpg and .webp keep it")
            }
        }
    }
}

impl Encoding {
    /// What a file of that name will lack; nothing if its name says nothing of its format.
    pub fn omissions(&self, path: impl AsRef<Path>) -> Vec<Omission> {
        let Some(Format { format, name, .. }) = named(path.as_ref()) else { return Vec::new() };
        let (jpeg, tiff, bmp) =
            (*format == ImageFormat::Jpeg, *format == ImageFormat::Tiff, *format == ImageFormat::Bmp);
        [
            (self.alpha.is_some() && (jpeg || bmp)).then_some(Omission::Alpha(name)),
            (self.record.is_some() && bmp).then_some(Omission::Record(name)),
            (self.exif.is_some() && (tiff || bmp)).then_some(Omission::Exif(name)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Picture {
    /// Writes the picture in the format of the path's extension: PNG, JPEG (quality 95), WebP (lossless), TIFF or BMP,
    /// 8 bits per channel, dithered after clamping to [0, 1], and marked as sRGB where the format can say so.
    ///
    /// The file is written under another name in the same directory and then renamed, so that a failure leaves an
    /// earlier file untouched. PNG and TIFF take the memory of some rows beside the picture; the others all samples, and
    /// the whole file.
    ///
    /// # Errors
    /// If a value is not finite, if [`check_writable`] fails, or if writing fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PictureError> {
        self.save_as(path, &Encoding::default())
    }

    /// [`Picture::save`], with choices.
    ///
    /// # Errors
    /// As [`Picture::save`].
    pub fn save_as(&self, path: impl AsRef<Path>, encoding: &Encoding) -> Result<(), PictureError> {
        let path = path.as_ref();
        let format = format(path, self.size, encoding)?;
        self.check_finite(path)?;
        replace_file(path, |file| encode(self, format.format, encoding, file))
            .map_err(|failure| failure.of(path, format.name))
    }

    /// Writes a PNG file to anything that takes bytes. `name` is what errors call it.
    ///
    /// # Errors
    /// If a value is not finite, the record is too long, or writing fails.
    pub fn write_png(
        &self,
        name: impl AsRef<Path>,
        encoding: &Encoding,
        mut file: impl Write,
    ) -> Result<(), PictureError> {
        let name = name.as_ref();
        record::check(name, encoding.record.as_deref())?;
        self.check_finite(name)?;
        png::write(self, encoding, &mut file).map_err(|failure| failure.of(name, "PNG"))
    }

    /// The bytes of a PNG file. `name` is what errors call it.
    ///
    /// # Errors
    /// If a value is not finite, or the record is too long.
    pub fn to_png(&self, name: impl AsRef<Path>, encoding: &Encoding) -> Result<Vec<u8>, PictureError> {
        let mut file = Vec::new();
        self.write_png(name, encoding, &mut file)?;
        Ok(file)
    }

    fn check_finite(&self, path: &Path) -> Result<(), PictureError> {
        let count = self.pixels.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(PictureError::NotFinite { path: path.into(), count, total: self.pixels.len() });
        }
        Ok(())
    }
}

fn encode(
    picture: &Picture,
    format: ImageFormat,
    encoding: &Encoding,
    file: &mut (impl Write + Seek),
) -> Result<(), Failure> {
    match format {
        ImageFormat::Jpeg => Ok(file.write_all(&whole::jpeg(picture, encoding)?)?),
        ImageFormat::Bmp => Ok(file.write_all(&whole::bmp(picture, encoding)?)?),
        ImageFormat::WebP => Ok(file.write_all(&whole::webp(picture, encoding)?)?),
        ImageFormat::Tiff => tiff::write(picture, encoding, file),
        _ => png::write(picture, encoding, file),
    }
}

/// The EXIF data that goes into a file: that of the photograph says how dense the photograph was.
fn exif_of(encoding: &Encoding) -> Option<Cow<'_, [u8]>> {
    let exif = encoding.exif.as_deref()?;
    Some(match encoding.density {
        Some(density) => Cow::Owned(exif::with_density(exif, density)),
        None => Cow::Borrowed(exif),
    })
}

/// Pixels per metre: what PNG and BMP files count in.
fn per_metre(encoding: &Encoding) -> Option<u32> {
    encoding.density.map(|density| (f64::from(density.get()) / 0.0254).round() as u32)
}

/// Checks, before hours of work, that a picture of some size can be written to a path; leaves nothing behind.
///
/// # Errors
/// If the extension is unknown, the format cannot hold that size or so many bits, the record is too long, the directory
/// does not exist or no file can be created in it, or the path names a directory or a write-protected file.
pub fn check_writable(path: impl AsRef<Path>, size: Size, encoding: &Encoding) -> Result<(), PictureError> {
    let path = path.as_ref();
    format(path, size, encoding)?;
    check_replaceable(path).map_err(|reason| PictureError::Write { path: path.into(), reason })
}

/// Bytes of a row of pixels that are not compressed.
fn row_bytes(size: Size, encoding: &Encoding) -> u64 {
    let channels = if encoding.alpha.is_some() { 4 } else { 3 };
    let value = match encoding.depth {
        Depth::Eight => 1,
        Depth::Sixteen => 2,
    };
    u64::from(size.width) * channels * value
}

/// Bytes of all of them.
fn pixel_bytes(size: Size, encoding: &Encoding) -> u64 {
    row_bytes(size, encoding).saturating_mul(size.height.into())
}

/// The format that a path's extension names.
fn named(path: &Path) -> Option<&'static Format> {
    let extension = path.extension()?.to_string_lossy().to_lowercase();
    FORMATS.iter().find(|format| format.extensions.contains(&&*extension))
}

/// The format of a file of that name, if such a picture can be written there.
fn format(path: &Path, size: Size, encoding: &Encoding) -> Result<&'static Format, PictureError> {
    if path.is_dir() {
        return Err(PictureError::OutputIsDirectory { path: path.into() });
    }
    let Some(format) = named(path) else {
        return Err(PictureError::UnknownExtension { path: path.into() });
    };
    if size.long_side() > format.longest_side {
        let (format, limit) = (format.name, format.longest_side);
        return Err(PictureError::SideTooLong { path: path.into(), format, limit, size });
    }
    let bytes = pixel_bytes(size, encoding);
    if format.format == ImageFormat::Bmp && bytes > LONGEST_FILE {
        let (format, mebibytes) = (format.name, bytes >> 20);
        return Err(PictureError::FileTooLong { path: path.into(), format, mebibytes, size });
    }
    if encoding.depth == Depth::Sixteen && !matches!(format.format, ImageFormat::Png | ImageFormat::Tiff) {
        return Err(PictureError::EightBitsOnly { path: path.into(), format: format.name });
    }
    record::check(path, encoding.record.as_deref())?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(PictureError::NoDirectory { path: path.into(), directory: directory.into() });
    }
    if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(PictureError::WriteProtected { path: path.into() });
    }
    Ok(format)
}
