//! PNG, row by row.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder, Filter, Info, PixelDimensions, SrgbRenderingIntent, Unit};

use super::samples::{Samples, rows_at_once, strips};
use super::{Depth, Encoding, Failure, exif_of, per_metre, row_bytes};
use crate::picture::{Picture, record};

/// Bytes of compressed pixels in a chunk.
const CHUNK: usize = 1 << 20;

pub(super) fn write(picture: &Picture, encoding: &Encoding, file: &mut impl Write) -> Result<(), Failure> {
    let mut info = Info::with_size(picture.size.width, picture.size.height);
    info.exif_metadata = exif_of(encoding);
    info.pixel_dims =
        per_metre(encoding).map(|pixels| PixelDimensions { xppu: pixels, yppu: pixels, unit: Unit::Meter });
    let mut encoder = Encoder::with_info(file, info)?;
    encoder.set_color(if encoding.alpha.is_some() { ColorType::Rgba } else { ColorType::Rgb });
    encoder.set_depth(match encoding.depth {
        Depth::Eight => BitDepth::Eight,
        Depth::Sixteen => BitDepth::Sixteen,
    });
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Adaptive);
    if let Some(text) = &encoding.record {
        encoder.add_itxt_chunk(record::KEYWORD.to_owned(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer_with_size(CHUNK)?;
    let samples = Samples::new(picture, encoding.alpha.as_ref());
    for rows in strips(picture.size, rows_at_once(picture.size, row_bytes(picture.size, encoding))) {
        let bytes = match encoding.depth {
            Depth::Eight => samples.bytes(rows),
            Depth::Sixteen => samples.words(rows).into_iter().flat_map(u16::to_be_bytes).collect(),
        };
        stream.write_all(&bytes)?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}
