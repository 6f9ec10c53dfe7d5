//! TIFF, strip by strip where that is how it is stored.

use std::io::Seek;

use image::codecs::tiff::TiffDecoder;
use image::{ImageDecoder, Limits as ImageLimits};
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::{
    TiffError,
    tags::{ExtraSamples, Tag},
};

use super::super::{PictureError, colour};
use super::{Failure, Job, Opened, Source, Traits, WORK_MIB, whole};

/// Bytes that one byte of a strip can become at most: LZW's longest string, of a code of 12 bits.
const MOST_EXPANDED: u64 = 4096;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    let (length, held) = (source.length(), source.held());
    // Looks at the kinds of samples, of which not all are read.
    let mut header = TiffDecoder::new(&mut *source).map_err(|error| whole::image_error(job, error))?;
    let own = whole::dimensions(&header);
    let channels = whole::channels(&header);
    job.admit_rows(own, channels, held)?;
    // Read before the limits are raised, so that it is short.
    let profile = header.icc_profile().ok().flatten();
    let orientation = header.orientation().map_err(|error| whole::image_error(job, error))?;
    let plain = header.original_color_type() == header.color_type().into();
    let (total, row) = (header.total_bytes(), header.total_bytes() / u64::from(own.height));

    let rewind = |source: &mut Source| source.rewind().map_err(|reason| job.failed(reason));
    let failed = |error| tiff_error(job, error);
    rewind(source)?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = (WORK_MIB << 20) as usize;
    limits.intermediate_buffer_size = (WORK_MIB << 20) as usize;
    let mut strips = Decoder::new(&mut *source).map_err(failed)?.with_limits(limits);
    let extra = strips.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(failed)?.unwrap_or_default();
    let premultiplied = extra.first() == Some(&ExtraSamples::AssociatedAlpha.to_u16());
    let traits = Traits { orientation, profile, premultiplied, ..Traits::default() };
    let planar = strips.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(failed)? == Some(2);
    if !plain || planar || strips.get_chunk_type() != ChunkType::Strip {
        rewind(source)?;
        let mut decoder = TiffDecoder::new(source).map_err(|error| whole::image_error(job, error))?;
        // Decoded into one array and copied into another; with a third for CMYK, which is converted.
        job.admit(own, channels, total.saturating_mul(if plain { 2 } else { 3 }).saturating_add(held))?;
        let mut limits = ImageLimits::no_limits();
        limits.max_alloc = Some(WORK_MIB << 20);
        decoder.set_limits(limits).map_err(|error| whole::image_error(job, error))?;
        return whole::decode_samples(decoder, job, &traits);
    }

    let (_, height) = strips.chunk_dimensions();
    if total > length.saturating_mul(MOST_EXPANDED) {
        return Err(job.damaged(format_args!("{length} bytes cannot hold {own}")).into());
    }
    // A strip, and as much again of its compressed bytes.
    let strip = (2 * row).saturating_mul(height.min(own.height).into());
    job.admit_rows(own, channels, strip.saturating_add(held))?;
    let mut canvas = job.canvas(own, 1, channels, &traits);
    let mut not_finite = 0;
    for index in 0..strips.strip_count().map_err(failed)? {
        match strips.read_chunk(index).map_err(failed)? {
            DecodingResult::U8(samples) => canvas.push(&samples, colour::byte)?,
            DecodingResult::U16(samples) => canvas.push(&samples, colour::word)?,
            DecodingResult::F32(samples) => {
                not_finite += samples.iter().filter(|value| !value.is_finite()).count();
                canvas.push(&samples, colour::float)?;
            }
            _ => return Err(job.unsupported("its samples are of a kind of their own").into()),
        }
    }
    if not_finite > 0 {
        let total = channels * own.pixels();
        return Err(PictureError::NotFiniteInFile { path: job.path.into(), count: not_finite, total }.into());
    }
    job.finish(own, canvas, &traits)
}

fn tiff_error(job: &Job, error: TiffError) -> PictureError {
    match error {
        TiffError::IoError(reason) => job.failed(reason),
        TiffError::UnsupportedError(feature) => job.unsupported(feature),
        error => job.damaged(error),
    }
}
