//! Finding the record in a file, which may come from anyone.

use std::io::{self, ErrorKind, Read, Seek};
use std::path::Path;

use image::ImageFormat;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

use super::super::{
    PictureError,
    decode::{Source, caught},
};
use super::{KEYWORD, xmp};

/// The most bytes of a file's part that are held while the record is looked for.
const LONGEST_PART: u32 = 1 << 20;

/// The most parts that are looked at. A PNG of 4 GiB has half a million of the usual size.
const MOST_PARTS: usize = 1 << 20;

/// The record of how a picture was made that [`super::super::Encoding::record`] has put into a file; none if there is
/// none. It is a stranger's text: whoever wrote the file may have written anything.
///
/// # Errors
/// If the file cannot be read, or is not a picture in one of the formats that are read.
pub fn recorded(path: impl AsRef<Path>) -> Result<Option<String>, PictureError> {
    let path = path.as_ref();
    let (format, mut source) = Source::open(path)?;
    let found = match format.format {
        ImageFormat::Png => in_png(&mut source),
        ImageFormat::Jpeg => in_jpeg(&mut source),
        ImageFormat::WebP => in_webp(&mut source),
        ImageFormat::Tiff => Ok(caught(|| in_tiff(&mut source)).flatten()),
        _ => Ok(None),
    };
    match found {
        Ok(found) => Ok(found),
        // What is cut short before a record, or says that it goes on beyond its end, has none.
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidInput) => Ok(None),
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

fn in_png(source: &mut (impl Read + Seek)) -> io::Result<Option<String>> {
    bytes::<8>(source)?;
    for _ in 0..MOST_PARTS {
        let length = u32::from_be_bytes(bytes(source)?);
        match &bytes(source)? {
            b"IEND" => break,
            b"iTXt" if length <= LONGEST_PART => {
                if let Some(text) = text_of_png(&part(source, length)?) {
                    return Ok(Some(text));
                }
                bytes::<4>(source)?;
            }
            _ => source.seek_relative(i64::from(length) + 4)?,
        }
    }
    Ok(None)
}

/// The text of an iTXt chunk that is ours: keyword, zero, two bytes that say how it is compressed, language, zero,
/// translated keyword, zero, text.
fn text_of_png(chunk: &[u8]) -> Option<String> {
    // Other programs may compress it; then it is not read, because it could grow without bound.
    let rest = chunk.strip_prefix(KEYWORD.as_bytes())?.strip_prefix(&[0, 0, 0])?;
    let text = rest.splitn(3, |byte| *byte == 0).nth(2)?;
    String::from_utf8(text.to_vec()).ok()
}

fn in_jpeg(source: &mut (impl Read + Seek)) -> io::Result<Option<String>> {
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
                let packet = segment.strip_prefix(xmp::SIGNATURE).filter(|_| kind == 0xE1);
                if let Some(text) = packet.and_then(xmp::record) {
                    return Ok(Some(text));
                }
            }
        }
    }
    Ok(None)
}

fn in_webp(source: &mut (impl Read + Seek)) -> io::Result<Option<String>> {
    bytes::<12>(source)?;
    for _ in 0..MOST_PARTS {
        let kind: [u8; 4] = bytes(source)?;
        let length = u32::from_le_bytes(bytes(source)?);
        if &kind == b"XMP " && length <= LONGEST_PART {
            return Ok(xmp::record(&part(source, length)?));
        }
        source.seek_relative(i64::from(length) + i64::from(length % 2))?;
    }
    Ok(None)
}

fn in_tiff(source: &mut (impl Read + Seek)) -> Option<String> {
    let mut limits = Limits::default();
    limits.ifd_value_size = LONGEST_PART as usize;
    let mut decoder = Decoder::new(source).ok()?.with_limits(limits);
    let packet = decoder.get_tag_u8_vec(Tag::Unknown(700)).ok()?;
    xmp::record(&packet)
}
