//! Where a backward step puts its gradient.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Destination, FeatureShape, Rows};

/// `output = mask * (new + old)` with a zero halo; `new` has the padded pixels of `rows`, its halo does not matter.
pub(super) fn store(into: Destination, shape: FeatureShape, rows: Rows, new: &[f64], memory: &mut HostMemory) {
    let channels = shape.channels as usize;
    let mut words = memory.take(into.output.slot);
    let output = &mut numbers(&mut words)[(rows.first_pixel(shape) - into.output.first_pixel(shape)) * channels..];
    for (index, (new, output)) in new.iter().zip(output).enumerate() {
        let (pixel, channel) = (rows.first_pixel(shape) + index / channels, index % channels);
        let passes = into.mask.is_none_or(|mask| {
            let (word, bit) = shape.mask_bit(pixel, channel);
            memory.words(mask)[word] >> bit & 1 == 1
        });
        let old = if into.accumulate { f64::from(*output) } else { 0.0 };
        *output = if shape.is_halo(pixel) || !passes { 0.0 } else { (new + old) as f32 };
    }
    memory.put(into.output.slot, words);
}
