//! Samples of any kind to sRGB.

use std::sync::Arc;

use moxcms::{
    ColorDateTime, ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformF32Executor, TransformOptions,
};

/// The longest colour profile that is obeyed. Profiles of cameras and screens take kilobytes, and large tables a MiB or
/// two; a damaged or hostile file can claim thousands.
const LONGEST_PROFILE: usize = 4 << 20;

/// How the channels of a file become red, green and blue.
pub(super) struct Colours {
    /// Grey, grey and alpha, RGB, or RGB and alpha.
    channels: usize,
    /// Whether the other channels have been multiplied by alpha.
    premultiplied: bool,
    /// None leaves them unchanged; grey becomes three equal values.
    profile: Option<Arc<TransformF32Executor>>,
}

impl Colours {
    /// A profile that is broken, very long, or for other channels than the pixels have, is ignored.
    pub(super) fn new(channels: usize, premultiplied: bool, profile: Option<&[u8]>) -> Colours {
        let profile = profile.filter(|bytes| bytes.len() <= LONGEST_PROFILE);
        Colours { channels, premultiplied, profile: profile.and_then(|bytes| from_profile(bytes, channels < 3)) }
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Whether the last channel says how opaque a pixel is.
    pub(super) fn alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// A row in sRGB, `[width][3]` in [0, 1], as if all of it were opaque.
    ///
    /// None if the profile fails or gives values that are not finite.
    pub(super) fn convert<T: Copy>(&self, samples: &[T], value: impl Fn(T) -> f32, pixels: &mut [f32]) -> Option<()> {
        let channels = self.channels;
        let colours = if channels < 3 { 1 } else { 3 };
        let colour = |sample: &[T], channel: usize| {
            let alpha = if self.premultiplied && channels > colours { value(sample[colours]) } else { 1.0 };
            value(sample[channel]) / if alpha > 0.0 { alpha } else { 1.0 }
        };
        match &self.profile {
            Some(transform) => {
                let values = samples
                    .chunks_exact(channels)
                    .flat_map(|sample| (0..colours).map(|channel| colour(sample, channel).min(1.0)));
                transform.transform(&values.collect::<Vec<f32>>(), pixels).ok()?;
                if !pixels.iter().all(|value| value.is_finite()) {
                    return None;
                }
            }
            None => {
                for (pixel, sample) in pixels.chunks_exact_mut(3).zip(samples.chunks_exact(channels)) {
                    pixel.copy_from_slice(&[0, colours / 2, colours - 1].map(|channel| colour(sample, channel)));
                }
            }
        }
        pixels.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
        Some(())
    }
}

/// A small profile that says sRGB.
pub(super) fn srgb_profile() -> Vec<u8> {
    let mut profile = ColorProfile::new_srgb();
    // Code points for video, which contradict nothing and help nobody.
    profile.cicp = None;
    // Else it would be of today, and no file like another.
    profile.creation_date_time =
        ColorDateTime { year: 2024, month: 1, day_of_the_month: 1, hours: 0, minutes: 0, seconds: 0 };
    profile.encode().expect("a profile of a matrix and a curve can be encoded")
}

/// The conversion from a profile to sRGB, relative to both white points; what sRGB lacks is clipped. None if the profile
/// is broken, is for other channels than the pixels have, or is of sRGB itself.
fn from_profile(bytes: &[u8], grey: bool) -> Option<Arc<TransformF32Executor>> {
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let layout = match (profile.color_space, grey) {
        (DataColorSpace::Gray, true) => Layout::Gray,
        (DataColorSpace::Rgb, false) => Layout::Rgb,
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    let options =
        TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..TransformOptions::default() };
    let transform = profile.create_transform_f32(layout, &srgb, Layout::Rgb, options).ok()?;
    changes_something(&*transform, grey).then_some(transform)
}

/// Whether a conversion moves a value by half a level of 8 bits or more. Most profiles say sRGB in one way or another, and
/// what they hold is best left as it is, to the bit.
fn changes_something(transform: &TransformF32Executor, grey: bool) -> bool {
    const LEVELS: usize = 9;
    let level = |index: usize| (index % LEVELS) as f32 / (LEVELS - 1) as f32;
    let before: Vec<[f32; 3]> = if grey {
        (0..=255).map(|value| [byte(value); 3]).collect()
    } else {
        (0..LEVELS.pow(3)).map(|index| [index, index / LEVELS, index / LEVELS.pow(2)].map(level)).collect()
    };
    let values: Vec<f32> = before.iter().flat_map(|colour| &colour[..if grey { 1 } else { 3 }]).copied().collect();
    let mut after = vec![0.0; 3 * before.len()];
    transform.transform(&values, &mut after).is_err()
        || !before.as_flattened().iter().zip(&after).all(|(before, after)| (before - after).abs() < 0.5 / 255.0)
}

/// The value of a sample of 8 bits.
pub(super) fn byte(sample: u8) -> f32 {
    f32::from(sample) / 255.0
}

/// The value of a sample of 16 bits.
pub(super) fn word(sample: u16) -> f32 {
    f32::from(sample) / 65535.0
}

/// The value of a floating-point sample.
pub(super) fn float(sample: f32) -> f32 {
    sample.clamp(0.0, 1.0)
}
