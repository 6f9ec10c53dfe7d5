//! Samples of any kind to sRGB.

use std::sync::Arc;

use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformF32Executor, TransformOptions};
use rayon::prelude::*;

/// How the colour channels of a file become red, green and blue.
enum Conversion {
    /// Unchanged; grey becomes three equal values.
    Copy,
    /// Through a colour profile, from as many channels as the file has.
    Profile(Arc<TransformF32Executor>),
}

/// The picture in sRGB, `[height][width][3]` in [0, 1], composited over white.
pub(super) fn to_srgb(image: &DynamicImage, profile: Option<&[u8]>) -> Vec<f32> {
    let grey = !image.color().has_color();
    if let Some(conversion) = profile.and_then(|bytes| from_profile(bytes, grey))
        && let Some(pixels) = convert(image, &conversion)
    {
        return pixels;
    }
    convert(image, &Conversion::Copy).expect("copied values are finite, because the decoder checked them")
}

/// The conversion from a profile to sRGB; None if the profile is broken or is for other channels than the pixels have.
fn from_profile(bytes: &[u8], grey: bool) -> Option<Conversion> {
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let layout = match (profile.color_space, grey) {
        (DataColorSpace::Gray, true) => Layout::Gray,
        (DataColorSpace::Rgb, false) => Layout::Rgb,
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_f32(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    Some(Conversion::Profile(transform))
}

/// None if the conversion fails or gives values that are not finite.
fn convert(image: &DynamicImage, conversion: &Conversion) -> Option<Vec<f32>> {
    let channels = usize::from(image.color().channel_count());
    let width = image.width() as usize;
    let byte = |value: u8| f32::from(value) / 255.0;
    let word = |value: u16| f32::from(value) / 65535.0;
    let float = |value: f32| value.clamp(0.0, 1.0);
    match image {
        DynamicImage::ImageLuma8(image) => rows(image, channels, width, byte, conversion),
        DynamicImage::ImageLumaA8(image) => rows(image, channels, width, byte, conversion),
        DynamicImage::ImageRgb8(image) => rows(image, channels, width, byte, conversion),
        DynamicImage::ImageRgba8(image) => rows(image, channels, width, byte, conversion),
        DynamicImage::ImageLuma16(image) => rows(image, channels, width, word, conversion),
        DynamicImage::ImageLumaA16(image) => rows(image, channels, width, word, conversion),
        DynamicImage::ImageRgb16(image) => rows(image, channels, width, word, conversion),
        DynamicImage::ImageRgba16(image) => rows(image, channels, width, word, conversion),
        DynamicImage::ImageRgb32F(image) => rows(image, channels, width, float, conversion),
        DynamicImage::ImageRgba32F(image) => rows(image, channels, width, float, conversion),
        // The enum is non-exhaustive; none of the formats read has another kind.
        other => rows(&other.to_rgba16(), 4, width, word, conversion),
    }
}

/// Converts `samples`, `[height][width][channels]`; if the number of channels is even, the last is alpha.
fn rows<T: Copy + Sync>(
    samples: &[T],
    channels: usize,
    width: usize,
    value: impl Fn(T) -> f32 + Sync,
    conversion: &Conversion,
) -> Option<Vec<f32>> {
    let colours = if channels < 3 { 1 } else { 3 };
    let mut pixels = vec![0.0; samples.len() / channels * 3];
    pixels.par_chunks_mut(3 * width).zip(samples.par_chunks(channels * width)).try_for_each(|(pixels, samples)| {
        let colour: Vec<f32> =
            samples.chunks_exact(channels).flat_map(|sample| &sample[..colours]).map(|&sample| value(sample)).collect();
        match conversion {
            Conversion::Profile(transform) => transform.transform(&colour, pixels).ok()?,
            Conversion::Copy => {
                for (pixel, colour) in pixels.chunks_exact_mut(3).zip(colour.chunks_exact(colours)) {
                    pixel.copy_from_slice(&[colour[0], colour[colours / 2], colour[colours - 1]]);
                }
            }
        }
        if channels > colours {
            for (pixel, sample) in pixels.chunks_exact_mut(3).zip(samples.chunks_exact(channels)) {
                let alpha = value(sample[colours]);
                pixel.iter_mut().for_each(|value| *value = *value * alpha + (1.0 - alpha));
            }
        }
        pixels.iter().all(|value| value.is_finite()).then_some(())
    })?;
    pixels.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    Some(pixels)
}
