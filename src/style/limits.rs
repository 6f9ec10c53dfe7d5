//! What limits painting: where nothing of the photograph is seen, and where it stays.

use super::inputs::Inputs;
use crate::{
    picture::{Mask, Picture},
    plan::Size,
};

/// A value of the keep mask above which a pixel does not move at all: what it would change is less than one of 256
/// levels.
const KEPT: f32 = 1.0 - 1.0 / 512.0;

/// The masks of [`Inputs`] that concern the photograph, at the size of a picture.
pub(super) struct Limits {
    size: Size,
    alpha: Option<Mask>,
    keep: Option<Mask>,
}

impl Limits {
    /// None if everything is seen and nothing stays.
    pub fn new(inputs: &Inputs, size: Size) -> Option<Limits> {
        let fitted = |mask: &Option<Mask>| mask.as_ref().map(|mask| mask.resize(size));
        let limits = Limits { size, alpha: fitted(&inputs.alpha), keep: fitted(&inputs.keep) };
        (limits.alpha.is_some() || limits.keep.is_some()).then_some(limits)
    }

    /// How much of each pixel may be painted: what is seen and not kept.
    pub fn paintable(&self) -> Vec<f32> {
        let mut paintable = vec![1.0; self.size.pixels()];
        let mut limit = |mask: &Option<Mask>, factor: fn(f32) -> f32| {
            let values = mask.iter().flat_map(Mask::values);
            paintable.iter_mut().zip(values).for_each(|(value, mask)| *value *= factor(*mask));
        };
        limit(&self.alpha, |alpha| alpha);
        limit(&self.keep, |keep| 1.0 - keep);
        paintable
    }

    /// Which pixels move, 1, or do not, 0.
    pub fn freedom(&self) -> Vec<f32> {
        let value = |mask: &Option<Mask>, index: usize| mask.as_ref().map(|mask| mask.values()[index]);
        let moves = |index: usize| {
            value(&self.alpha, index).is_none_or(|alpha| alpha > 0.0)
                && value(&self.keep, index).is_none_or(|keep| keep < KEPT)
        };
        (0..self.size.pixels()).map(|index| if moves(index) { 1.0 } else { 0.0 }).collect()
    }

    /// A picture with the photograph where that stays, and where nothing is seen of it. Both are of these limits' size.
    pub fn put_back(&self, mut picture: Picture, photograph: &Picture) -> Picture {
        let mut put = |mask: &Option<Mask>, share: fn(f32) -> f32| {
            let values = mask.iter().flat_map(Mask::values);
            let pixels = picture.pixels_mut().chunks_exact_mut(3).zip(photograph.pixels().chunks_exact(3));
            for ((pixel, kept), mask) in pixels.zip(values) {
                let share = share(*mask);
                // Exactly, not up to rounding, where nothing or everything is kept.
                if share >= 1.0 {
                    pixel.copy_from_slice(kept);
                } else if share > 0.0 {
                    pixel.iter_mut().zip(kept).for_each(|(value, kept)| *value += share * (kept - *value));
                }
            }
        };
        put(&self.keep, |keep| keep);
        put(&self.alpha, |alpha| if alpha > 0.0 { 0.0 } else { 1.0 });
        picture
    }
}
