//! Files to pixels.

use std::error::Error;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use super::{FORMATS, Format, Picture, PictureError, colour};
use crate::plan::Size;

/// A square of side 16384: beyond it, the picture and its copies no longer fit in an ordinary machine's memory.
const MOST_PIXELS: usize = 1 << 28;

/// Enough for `MOST_PIXELS` of four 32-bit channels and as much again for the decoder's own arrays.
const MOST_MEMORY_GIB: u64 = 8;

impl Picture {
    /// Reads a PNG, JPEG, WebP, TIFF or BMP file, whatever its name.
    ///
    /// The picture is turned upright as its EXIF (or TIFF) orientation says, and converted to sRGB if it carries a
    /// colour profile; a profile that is broken or of another kind than the pixels is ignored. Grey and palette
    /// pictures become RGB; CMYK is converted without a profile. Values of floating-point files are taken as sRGB-coded
    /// and clamped to [0, 1].
    ///
    /// Transparent pictures are composited over white, as a viewer or a sheet of paper shows them. The colour under
    /// full transparency is arbitrary, often black or the remains of what was erased, and would be painted as if it
    /// belonged to the picture.
    ///
    /// # Errors
    /// If the file cannot be read, is not a picture in one of these formats, is damaged or incomplete, has more than
    /// 2^28 pixels (found from its header, before anything is decoded), or holds values that are not finite.
    pub fn open(path: impl AsRef<Path>) -> Result<Picture, PictureError> {
        let path = path.as_ref();
        let (format, bytes) = read(path)?;
        let failed = |error: ImageError| decoder_error(path, format, &error);

        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_MEMORY_GIB << 30);
        let mut reader = ImageReader::with_format(Cursor::new(&bytes), format.format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(failed)?;

        let (width, height) = decoder.dimensions();
        let size = Size { width, height };
        if size.pixels() == 0 {
            return Err(damaged(path, format, format!("its header says {size}")));
        }
        if size.pixels() > MOST_PIXELS {
            return Err(PictureError::TooManyPixels { path: path.into(), size, limit: MOST_PIXELS / 1_000_000 });
        }
        if format.format == image::ImageFormat::Jpeg && !jpeg_has_end(&bytes) {
            return Err(damaged(path, format, "it ends in the middle of the picture".into()));
        }

        let orientation = decoder.orientation().map_err(failed)?;
        let profile = decoder.icc_profile().ok().flatten();
        let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
        let (count, total) = not_finite(&image);
        if count > 0 {
            return Err(PictureError::NotFiniteInFile { path: path.into(), count, total });
        }
        image.apply_orientation(orientation);
        let size = Size { width: image.width(), height: image.height() };
        Ok(Picture { size, pixels: colour::to_srgb(&image, profile.as_deref()) })
    }
}

/// The bytes of a file whose first few identify a supported format.
fn read(path: &Path) -> Result<(&'static Format, Vec<u8>), PictureError> {
    if path.is_dir() {
        return Err(PictureError::Directory { path: path.into() });
    }
    let failed = |reason| PictureError::Read { path: path.into(), reason };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // The rest is read only if these begin a picture: the path may name something endless.
    file.by_ref().take(16).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.is_empty() {
        return Err(PictureError::Empty { path: path.into() });
    }
    let guess = image::guess_format(&bytes).ok();
    let Some(format) = FORMATS.iter().find(|format| Some(format.format) == guess) else {
        let found = match guess {
            Some(other) => format!("a file of type {}", other.to_mime_type()),
            None => "no picture in a format known here".into(),
        };
        return Err(PictureError::UnknownContent { path: path.into(), found });
    };
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok((format, bytes))
}

fn damaged(path: &Path, format: &Format, reason: String) -> PictureError {
    PictureError::Damaged { path: path.into(), format: format.name, reason }
}

fn decoder_error(path: &Path, format: &Format, error: &ImageError) -> PictureError {
    match error {
        ImageError::Unsupported(_) => {
            PictureError::Unsupported { path: path.into(), format: format.name, reason: cause(error) }
        }
        ImageError::Limits(_) => {
            PictureError::TooMuchMemory { path: path.into(), format: format.name, limit: MOST_MEMORY_GIB }
        }
        _ => damaged(path, format, cause(error)),
    }
}

/// The first cause of a decoder's error, in one line.
fn cause(error: &ImageError) -> String {
    let mut first: &dyn Error = error;
    while let Some(source) = first.source() {
        first = source;
    }
    first.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a JPEG file reaches the end-of-image marker of its picture. The decoder fills what is missing with grey,
/// which nobody wants to paint.
///
/// Segments are skipped by their lengths (ITU-T T.81, Annex B), because an embedded thumbnail has an end marker too.
fn jpeg_has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xFF)) {
        at += found + 1;
        match bytes.get(at) {
            Some(0xD9) => return true,
            // Fill bytes, stuffed zeros and restart markers, all of which stand alone.
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => match bytes.get(at + 1..at + 3) {
                Some(&[high, low]) => at += 1 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
            None => return false,
        }
    }
    false
}

/// How many values are NaN or infinite, and how many there are.
fn not_finite(image: &DynamicImage) -> (usize, usize) {
    let values = match image {
        DynamicImage::ImageRgb32F(image) => image.as_raw(),
        DynamicImage::ImageRgba32F(image) => image.as_raw(),
        _ => return (0, 0),
    };
    (values.iter().filter(|value| !value.is_finite()).count(), values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0, 2, 7, 0xFF, 0x00, 9, 0xFF, 0xD0, 3];
        let mut bytes = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        assert!(!jpeg_has_end(&bytes));
        bytes.extend([0xFF, 0xFF]);
        assert!(!jpeg_has_end(&bytes));
        bytes.push(0xD9);
        assert!(jpeg_has_end(&bytes));
        assert!((0..bytes.len()).all(|length| !jpeg_has_end(&bytes[..length])));
    }
}
