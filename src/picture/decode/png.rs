//! PNG, row by row.

use png::{BitDepth, Decoder, DecodingError, Limits, Reader, Transformations};

use super::super::{PictureError, colour};
use super::code_points::{Codes, profile};
use super::{Failure, Frames, Job, Opened, Source, Traits, canvas::Canvas, orientation};
use crate::plan::Size;

/// For colour profiles, EXIF data and the decoder's own arrays besides rows.
const METADATA: usize = 16 << 20;

/// Bytes that one byte of deflate can become at most (RFC 1951: 258 bytes from a match of two bits).
const MOST_INFLATED: u64 = 1032;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    let (length, held) = (source.length(), source.held());
    let failed = |error| png_error(job, error);
    let mut decoder = Decoder::new_with_limits(source, Limits { bytes: METADATA });
    // Texts may be compressed without bound, and nobody reads them.
    decoder.set_ignore_text_chunk(true);
    let info = decoder.read_header_info().map_err(failed)?;
    let own = Size { width: info.width, height: info.height };
    let bits = u64::from(info.bit_depth as u8) * info.color_type.samples() as u64;
    // In memory, an alpha channel may come on top.
    let row = 2 * (u64::from(own.width) * bits.max(24)).div_ceil(8);
    let interlaced = info.interlaced;
    let admit = |channels| match held + METADATA as u64 {
        work if interlaced => job.admit(own, channels, work.saturating_add(row.saturating_mul(own.height.into()))),
        work => job.admit_rows(own, channels, work + 4 * row),
    };
    admit(info.color_type.samples())?;
    let bytes = (u64::from(own.width) * bits).div_ceil(8).saturating_mul(own.height.into());
    if bytes > length.saturating_mul(MOST_INFLATED) {
        return Err(job.damaged(format_args!("{length} bytes cannot hold {own}")).into());
    }
    decoder.set_limits(Limits { bytes: METADATA + 2 * row as usize });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(failed)?;

    let info = reader.info();
    let animated = info.animation_control.is_some_and(|control| control.num_frames > 1);
    let traits = Traits {
        orientation: orientation(info.exif_metadata.as_deref()),
        profile: match &info.coding_independent_code_points {
            // They come before a profile (PNG, third edition, section 4.3).
            Some(codes) => profile(Codes {
                primaries: codes.color_primaries,
                transfer: codes.transfer_function,
                matrix: codes.matrix_coefficients,
                full_range: codes.is_video_full_range_image,
            }),
            None => info.icc_profile.as_ref().map(|profile| profile.to_vec()),
        },
        frames: if animated { Frames::Animated } else { Frames::Single },
        exif: info.exif_metadata.as_deref().map(<[u8]>::to_vec),
        ..Traits::default()
    };
    let (colour, depth) = reader.output_color_type();
    // By now it is known whether one colour, or entries of the palette, are transparent.
    admit(colour.samples())?;
    let mut canvas = job.canvas(own, 1, colour.samples(), &traits);
    if interlaced {
        let size = reader.output_buffer_size().ok_or_else(|| job.damaged(format_args!("its header says {own}")))?;
        let mut samples = vec![0; size];
        reader.next_frame(&mut samples).map_err(failed)?;
        let length = size / own.height as usize;
        for rows in samples.chunks(length * canvas.batch()) {
            push(&mut canvas, rows, depth)?;
        }
    } else {
        read_rows(&mut reader, &mut canvas, depth, job, own)?;
    }
    job.finish(own, canvas, &traits)
}

fn read_rows(
    reader: &mut Reader<&mut Source>,
    canvas: &mut Canvas,
    depth: BitDepth,
    job: &Job,
    own: Size,
) -> Result<(), Failure> {
    let length = reader.output_line_size(own.width);
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().map_err(|error| png_error(job, error))? {
        if Some(row.data().len()) != length {
            return Err(job.damaged("its first frame is not the size of the picture").into());
        }
        rows.extend_from_slice(row.data());
        if rows.len() >= canvas.batch() * row.data().len() {
            push(canvas, &rows, depth)?;
            rows.clear();
        }
    }
    push(canvas, &rows, depth)
}

fn push(canvas: &mut Canvas, rows: &[u8], depth: BitDepth) -> Result<(), Failure> {
    if depth == BitDepth::Sixteen {
        let (words, _) = rows.as_chunks::<2>();
        canvas.push(words, |bytes| colour::word(u16::from_be_bytes(bytes)))
    } else {
        canvas.push(rows, colour::byte)
    }
}

fn png_error(job: &Job, error: DecodingError) -> PictureError {
    match error {
        DecodingError::IoError(reason) => job.failed(reason),
        DecodingError::LimitsExceeded => {
            job.unsupported(format_args!("what is not pixels in it takes more than {} MiB", METADATA >> 20))
        }
        error => job.damaged(error),
    }
}
