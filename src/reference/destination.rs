//! Where a backward step puts its gradient.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Destination, FeatureShape};

/// `output = mask * (new + old)` with a zero halo; `new` has the layout of `shape`, its halo does not matter.
pub(super) fn store(into: Destination, shape: FeatureShape, new: &[f64], memory: &mut HostMemory) {
    let channels = shape.channels as usize;
    let mut words = memory.take(into.output);
    let output = &mut numbers(&mut words)[..shape.values()];
    for (pixel, inside) in interior(shape).into_iter().enumerate() {
        for channel in 0..channels {
            let value = pixel * channels + channel;
            let passes = into.mask.is_none_or(|mask| {
                let (word, bit) = shape.mask_bit(pixel, channel);
                memory.words(mask)[word] >> bit & 1 == 1
            });
            let old = if into.accumulate { f64::from(output[value]) } else { 0.0 };
            output[value] = if inside && passes { (new[value] + old) as f32 } else { 0.0 };
        }
    }
    memory.put(into.output, words);
}

/// For every padded pixel whether it belongs to the map itself.
fn interior(shape: FeatureShape) -> Vec<bool> {
    let mut inside = vec![false; shape.padded_pixels()];
    for y in 0..shape.height as usize {
        for x in 0..shape.width as usize {
            inside[shape.pixel(x, y)] = true;
        }
    }
    inside
}
