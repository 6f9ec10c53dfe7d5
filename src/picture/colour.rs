//! Samples of any kind to sRGB.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformF32Executor, TransformOptions};

/// The longest colour profile that is obeyed. Profiles of cameras and screens take kilobytes, and large tables a MiB or
/// two; a damaged or hostile file can claim thousands.
const LONGEST_PROFILE: usize = 4 << 20;

/// How the channels of a file become red, green and blue.
pub(super) struct Colours {
    /// Grey, grey and alpha, RGB, or RGB and alpha.
    channels: usize,
    /// None leaves them unchanged; grey becomes three equal values.
    profile: Option<Arc<TransformF32Executor>>,
}

impl Colours {
    /// A profile that is broken, very long, or for other channels than the pixels have, is ignored.
    pub(super) fn new(channels: usize, profile: Option<&[u8]>) -> Colours {
        let profile = profile.filter(|bytes| bytes.len() <= LONGEST_PROFILE);
        Colours { channels, profile: profile.and_then(|bytes| from_profile(bytes, channels < 3)) }
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
        match &self.profile {
            Some(transform) => {
                let colour = samples.chunks_exact(channels).flat_map(|sample| &sample[..colours]);
                let colour: Vec<f32> = colour.map(|&sample| value(sample)).collect();
                transform.transform(&colour, pixels).ok()?;
                if !pixels.iter().all(|value| value.is_finite()) {
                    return None;
                }
            }
            None => {
                for (pixel, sample) in pixels.chunks_exact_mut(3).zip(samples.chunks_exact(channels)) {
                    pixel.copy_from_slice(&[sample[0], sample[colours / 2], sample[colours - 1]].map(&value));
                }
            }
        }
        pixels.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
        Some(())
    }
}

/// The conversion from a profile to sRGB; None if the profile is broken or is for other channels than the pixels have.
fn from_profile(bytes: &[u8], grey: bool) -> Option<Arc<TransformF32Executor>> {
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let layout = match (profile.color_space, grey) {
        (DataColorSpace::Gray, true) => Layout::Gray,
        (DataColorSpace::Rgb, false) => Layout::Rgb,
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    profile.create_transform_f32(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()
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
