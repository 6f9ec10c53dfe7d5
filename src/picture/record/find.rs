//! Finding the record in a file, which may come from anyone.

use std::io::{self, ErrorKind, Read, Seek};
use std::path::Path;

use image::ImageFormat;
use tiff::decoder::{Decoder, Limits, ifd::Value};
use tiff::tags::{ResolutionUnit, Tag};

use super::super::{
    Detail, Format, PictureError,
    decode::{Source, caught},
    exif,
};
use super::{KEYWORD, xmp};

/// The most bytes of a file's part that are held while the record is looked for.
const LONGEST_PART: u32 = 1 << 20;

/// The most parts that are looked at. A PNG of 4 GiB has half a million of the usual size.
const MOST_PARTS: usize = 1 << 20;

/// Nothing of the pixels is needed.
const NONE: Detail = Detail::LongSide(1);

/// Units of densities in a TIFF, the first where none is given.
const INCH: u16 = ResolutionUnit::Inch as u16;
const CENTIMETRE: u16 = ResolutionUnit::Centimeter as u16;

/// What a file says of its picture besides the pixels, as far as [`super::super::Encoding`] writes it. It is a stranger's
/// word: whoever wrote the file may have written anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    /// The record of how it was made, see [`super::super::Encoding::record`].
    pub record: Option<String>,
    /// Pixels per inch, a number above zero.
    pub density: Option<f64>,
}

impl Marks {
    fn is_complete(&self) -> bool {
        self.record.is_some() && self.density.is_some()
    }
}

/// The record of how a picture was made, see [`marks`].
///
/// # Errors
/// As [`marks`].
pub fn recorded(path: impl AsRef<Path>) -> Result<Option<String>, PictureError> {
    Ok(marks(path)?.record)
}

/// Looks for what [`super::super::Encoding`] has put into a file.
///
/// # Errors
/// If the file cannot be read, or is not a picture in one of the formats that are read.
pub fn marks(path: impl AsRef<Path>) -> Result<Marks, PictureError> {
    let (format, source) = Source::open(path.as_ref(), NONE)?;
    marks_of(path.as_ref(), format, source)
}

/// The record of how a picture was made, from the contents of its file, which errors call `name`.
///
/// # Errors
/// As [`marks`].
pub fn recorded_in(name: &Path, contents: &[u8]) -> Result<Option<String>, PictureError> {
    let (format, source) = Source::hold(name, contents, NONE)?;
    Ok(marks_of(name, format, source)?.record)
}

fn marks_of(path: &Path, format: &Format, mut source: Source) -> Result<Marks, PictureError> {
    let mut marks = Marks::default();
    let looked = match format.format {
        ImageFormat::Png => in_png(&mut source, &mut marks),
        ImageFormat::Jpeg => in_jpeg(&mut source, &mut marks),
        ImageFormat::WebP => in_webp(&mut source, &mut marks),
        ImageFormat::Tiff => {
            marks = caught(|| in_tiff(&mut source)).flatten().unwrap_or_default();
            Ok(())
        }
        _ => Ok(()),
    };
    marks.density = marks.density.filter(|density| density.is_finite() && *density > 0.0);
    match looked {
        Ok(()) => Ok(marks),
        // What is cut short, or says that it goes on beyond its end, has no more.
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidInput) => Ok(marks),
        Err(reason) => Err(PictureError::Read { path: path.into(), reason }),
    }
}

fn bytes<const N: usize>(source: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// So many bytes, unless there are fewer or they are too many.
fn part(source: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < length as usize { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn in_png(source: &mut (impl Read + Seek), marks: &mut Marks) -> io::Result<()> {
    /// Bytes of a chunk of densities: two numbers and a unit.
    const DENSITIES: u32 = 9;
    bytes::<8>(source)?;
    for _ in 0..MOST_PARTS {
        let length = u32::from_be_bytes(bytes(source)?);
        match &bytes(source)? {
            b"IEND" => break,
            b"iTXt" if length <= LONGEST_PART => {
                marks.record = marks.record.take().or(text_of_png(&part(source, length)?));
                bytes::<4>(source)?;
            }
            b"pHYs" if length == DENSITIES => {
                let ([a, b, c, d], [.., unit]) = (bytes(source)?, bytes::<5>(source)?);
                // Another unit than the metre says only how wide pixels are for their height.
                marks.density = (unit == 1).then(|| f64::from(u32::from_be_bytes([a, b, c, d])) * 0.0254);
                bytes::<4>(source)?;
            }
            _ => source.seek_relative(i64::from(length) + 4)?,
        }
        if marks.is_complete() {
            break;
        }
    }
    Ok(())
}

/// The text of an iTXt chunk that is ours: keyword, zero, two bytes that say how it is compressed, language, zero,
/// translated keyword, zero, text.
fn text_of_png(chunk: &[u8]) -> Option<String> {
    // Other programs may compress it; then it is not read, because it could grow without bound.
    let rest = chunk.strip_prefix(KEYWORD.as_bytes())?.strip_prefix(&[0, 0, 0])?;
    let text = rest.splitn(3, |byte| *byte == 0).nth(2)?;
    String::from_utf8(text.to_vec()).ok()
}

fn in_jpeg(source: &mut (impl Read + Seek), marks: &mut Marks) -> io::Result<()> {
    bytes::<2>(source)?;
    for _ in 0..MOST_PARTS {
        let [0xFF, kind] = bytes(source)? else { break };
        match kind {
            // Fill bytes come in any number.
            0xFF => source.seek_relative(-1)?,
            // The pixels, or the end.
            0xD8..=0xDA => break,
            _ => {
                let length = u32::from(u16::from_be_bytes(bytes(source)?)).saturating_sub(2);
                let segment = part(source, length)?;
                match kind {
                    0xE0 => marks.density = marks.density.or(density_of_jfif(&segment)),
                    0xE1 => {
                        let packet = segment.strip_prefix(xmp::SIGNATURE);
                        marks.record = marks.record.take().or(packet.and_then(xmp::record));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The density in the first segment of a JPEG: `JFIF` and zero, a version of two bytes, a unit, two densities.
fn density_of_jfif(segment: &[u8]) -> Option<f64> {
    let [_, _, unit, high, low, ..] = segment.strip_prefix(b"JFIF\0")? else { return None };
    let density = f64::from(u16::from_be_bytes([*high, *low]));
    match unit {
        1 => Some(density),
        2 => Some(density * 2.54),
        _ => None,
    }
}

fn in_webp(source: &mut (impl Read + Seek), marks: &mut Marks) -> io::Result<()> {
    bytes::<12>(source)?;
    for _ in 0..MOST_PARTS {
        let kind: [u8; 4] = bytes(source)?;
        let length = u32::from_le_bytes(bytes(source)?);
        let padding = i64::from(length % 2);
        match &kind {
            b"XMP " if length <= LONGEST_PART => {
                marks.record = marks.record.take().or(xmp::record(&part(source, length)?));
                source.seek_relative(padding)?;
            }
            b"EXIF" if length <= LONGEST_PART => {
                marks.density = marks.density.or(exif::density(&part(source, length)?));
                source.seek_relative(padding)?;
            }
            _ => source.seek_relative(i64::from(length) + padding)?,
        }
    }
    Ok(())
}

fn in_tiff(source: &mut (impl Read + Seek)) -> Option<Marks> {
    let mut limits = Limits::default();
    limits.ifd_value_size = LONGEST_PART as usize;
    let mut decoder = Decoder::new(source).ok()?.with_limits(limits);
    let packet = decoder.get_tag_u8_vec(Tag::Unknown(700)).ok();
    Some(Marks { record: packet.and_then(|packet| xmp::record(&packet)), density: density_of_tiff(&mut decoder) })
}

fn density_of_tiff(decoder: &mut Decoder<impl Read + Seek>) -> Option<f64> {
    let Value::Rational(pixels, units) = decoder.get_tag(Tag::XResolution).ok()? else { return None };
    let density = f64::from(pixels) / f64::from(units);
    match decoder.get_tag_u32(Tag::ResolutionUnit).map_or(INCH, |unit| unit as u16) {
        INCH => Some(density),
        CENTIMETRE => Some(density * 2.54),
        _ => None,
    }
}
