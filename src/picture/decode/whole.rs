//! BMP and PNM, and what is common to decoders that decode the whole picture before it is converted.

use std::error::Error;
use std::io::{BufReader, Read, Seek};

use image::codecs::{bmp::BmpDecoder, pnm::PnmDecoder};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat};

use super::super::{PictureError, colour};
use super::{Failure, Job, Opened, Source, Traits};
use crate::plan::Size;

/// With comments.
const LONGEST_PNM_HEADER: u64 = 1 << 16;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    let failed = |error: ImageError| image_error(job, error);
    let held = source.held();
    match job.format.format {
        ImageFormat::Bmp => {
            let mut decoder = BmpDecoder::new(source).map_err(failed)?;
            job.admit(dimensions(&decoder), channels(&decoder), held + decoder.total_bytes())?;
            let profile = decoder.icc_profile().ok().flatten();
            decode_samples(decoder, job, &Traits { profile, ..Traits::default() })
        }
        _ => {
            // The decoder collects a number of any length.
            PnmDecoder::new(BufReader::new(source.by_ref().take(LONGEST_PNM_HEADER))).map_err(failed)?;
            source.rewind().map_err(|reason| job.failed(reason))?;
            let decoder = PnmDecoder::new(source).map_err(failed)?;
            job.admit(dimensions(&decoder), channels(&decoder), held + decoder.total_bytes())?;
            decode_samples(decoder, job, &Traits::default())
        }
    }
}

/// How many values a pixel has when it is decoded.
pub(super) fn channels(decoder: &impl ImageDecoder) -> usize {
    decoder.color_type().channel_count().into()
}

pub(super) fn dimensions(decoder: &impl ImageDecoder) -> Size {
    let (width, height) = decoder.dimensions();
    Size { width, height }
}

/// Decodes a picture that has been admitted.
pub(super) fn decode_samples(decoder: impl ImageDecoder, job: &Job, traits: &Traits) -> Result<Opened, Failure> {
    let own = dimensions(&decoder);
    let channels = channels(&decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| image_error(job, error))?;
    let (count, total) = not_finite(&image);
    if count > 0 {
        return Err(PictureError::NotFiniteInFile { path: job.path.into(), count, total }.into());
    }
    let mut canvas = job.canvas(own, 1, channels, traits);
    match &image {
        DynamicImage::ImageLuma8(image) => canvas.push(image, colour::byte),
        DynamicImage::ImageLumaA8(image) => canvas.push(image, colour::byte),
        DynamicImage::ImageRgb8(image) => canvas.push(image, colour::byte),
        DynamicImage::ImageRgba8(image) => canvas.push(image, colour::byte),
        DynamicImage::ImageLuma16(image) => canvas.push(image, colour::word),
        DynamicImage::ImageLumaA16(image) => canvas.push(image, colour::word),
        DynamicImage::ImageRgb16(image) => canvas.push(image, colour::word),
        DynamicImage::ImageRgba16(image) => canvas.push(image, colour::word),
        DynamicImage::ImageRgb32F(image) => canvas.push(image, colour::float),
        DynamicImage::ImageRgba32F(image) => canvas.push(image, colour::float),
        // The enum is non-exhaustive; none of the formats read has another kind.
        other => return Err(job.unsupported(format_args!("{:?}", other.color())).into()),
    }?;
    job.finish(own, canvas, traits)
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

pub(super) fn image_error(job: &Job, error: ImageError) -> PictureError {
    match error {
        ImageError::IoError(reason) => job.failed(reason),
        ImageError::Unsupported(_) => job.unsupported(cause(&error)),
        ImageError::Limits(_) => job.damaged("its parts are larger than the picture"),
        _ => job.damaged(cause(&error)),
    }
}

/// The first cause of a decoder's error.
fn cause(error: &ImageError) -> String {
    let mut first: &dyn Error = error;
    while let Some(source) = first.source() {
        first = source;
    }
    first.to_string()
}
