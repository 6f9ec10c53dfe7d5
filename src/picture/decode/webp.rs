//! WebP.

use image_webp::{DecodingError, WebPDecoder};

use super::super::{PictureError, colour};
use super::{Failure, Frames, Job, Opened, Source, Traits, orientation};
use crate::plan::Size;

/// For the colour profile, and for EXIF data.
const METADATA: usize = 16 << 20;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    // The decoder may hold compressed bytes.
    let held = source.held() + source.length();
    let failed = |error| webp_error(job, error);
    let mut decoder = WebPDecoder::new(source).map_err(failed)?;
    decoder.set_memory_limit(METADATA);
    let (width, height) = decoder.dimensions();
    let own = Size { width, height };
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    // Bytes for a pixel: an array of four channels or of planes; what decodes a transparency that is stored apart; the
    // canvas of an animation and its frame.
    let work = match (decoder.is_animated(), decoder.has_alpha()) {
        (true, _) => 12,
        (false, true) => 7,
        (false, false) => 4,
    };
    job.admit(own, channels, held + (work + channels as u64) * own.pixels() as u64)?;
    let exif = decoder.exif_metadata().ok().flatten();
    let traits = Traits {
        orientation: orientation(exif.as_deref()),
        profile: decoder.icc_profile().ok().flatten(),
        frames: if decoder.is_animated() && decoder.num_frames() > 1 { Frames::Animated } else { Frames::Single },
        exif,
        ..Traits::default()
    };
    let mut samples = vec![0; channels * own.pixels()];
    decoder.read_image(&mut samples).map_err(failed)?;
    let mut canvas = job.canvas(own, 1, channels, &traits);
    canvas.push(&samples, colour::byte)?;
    job.finish(own, canvas, &traits)
}

fn webp_error(job: &Job, error: DecodingError) -> PictureError {
    match error {
        DecodingError::IoError(reason) => job.failed(reason),
        DecodingError::UnsupportedFeature(feature) => job.unsupported(feature),
        error => job.damaged(error),
    }
}
