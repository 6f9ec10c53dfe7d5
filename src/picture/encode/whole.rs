//! The formats whose encoders take all samples at once: they and the file are in memory while they are written.

use std::borrow::Cow;

use image::codecs::{
    bmp::BmpEncoder,
    jpeg::{JpegEncoder, PixelDensity},
};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use image_webp::WebPEncoder;

use super::{Encoding, exif_of, per_metre, samples::Samples};
use crate::picture::{Picture, colour::srgb_profile, exif, record};

/// Red, green and blue over white.
fn opaque(picture: &Picture, encoding: &Encoding) -> Vec<u8> {
    let all = 0..picture.size.height;
    match &encoding.alpha {
        None => Samples::new(picture, None).bytes(all),
        Some(alpha) => Samples::new(&picture.over_white(alpha), None).bytes(all),
    }
}

pub(super) fn jpeg(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, encoding.jpeg_quality.clamp(1, 100));
    encoder.set_icc_profile(srgb_profile()).map_err(ImageError::Unsupported)?;
    if let Some(exif) = exif_of(encoding) {
        encoder.set_exif_metadata(exif.into_owned()).map_err(ImageError::Unsupported)?;
    }
    if let Some(density) = encoding.density {
        encoder.set_pixel_density(PixelDensity::dpi(density.get()));
    }
    let (width, height) = (picture.size.width, picture.size.height);
    encoder.write_image(&opaque(picture, encoding), width, height, ExtendedColorType::Rgb8)?;
    if let Some(text) = &encoding.record {
        record::insert_into_jpeg(&mut file, text);
    }
    Ok(file)
}

pub(super) fn webp(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, image_webp::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(srgb_profile());
    // The format has no other place for a density.
    let exif = exif_of(encoding).or_else(|| Some(Cow::Owned(exif::with_density(exif::EMPTY, encoding.density?))));
    encoder.set_exif_metadata(exif.unwrap_or_default().into_owned());
    encoder.set_xmp_metadata(encoding.record.as_deref().map(record::packet).unwrap_or_default());
    let colour = if encoding.alpha.is_some() { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    let samples = Samples::new(picture, encoding.alpha.as_ref()).bytes(0..picture.size.height);
    encoder.encode(&samples, picture.size.width, picture.size.height, colour)?;
    Ok(file)
}

pub(super) fn bmp(picture: &Picture, encoding: &Encoding) -> Result<Vec<u8>, ImageError> {
    /// Of both densities in the file: biXPelsPerMeter and biYPelsPerMeter of BITMAPINFOHEADER.
    const DENSITIES: std::ops::Range<usize> = 38..46;
    let mut file = Vec::new();
    let (width, height) = (picture.size.width, picture.size.height);
    BmpEncoder::new(&mut file).write_image(&opaque(picture, encoding), width, height, ExtendedColorType::Rgb8)?;
    if let Some(pixels) = per_metre(encoding) {
        file[DENSITIES].copy_from_slice(&[pixels.to_le_bytes(); 2].concat());
    }
    Ok(file)
}
