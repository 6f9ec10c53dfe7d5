//! Content loss of one layer and its gradient.

use super::destination::in_bands;
use super::simd::vectorised;
use super::sums::squared_distance;
use crate::host_memory::HostMemory;
use crate::plan::{Coefficients, ContentLoss};

/// Scale of a loss value and of its gradient.
pub(super) fn scales(coefficients: Coefficients, memory: &HostMemory) -> (f64, f32) {
    let pair = &memory.values(coefficients.slot)[2 * coefficients.loss..][..2];
    (f64::from(pair[0]), pair[1])
}

pub(super) fn content_loss(step: &ContentLoss, memory: &mut HostMemory) {
    let shape = step.shape;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let all = ..shape.values();
    let sum = squared_distance(&memory.values(step.features.slot)[all], &memory.values(step.target)[all]);
    let row = shape.padded_width() * shape.channels as usize;
    in_bands(step.into, shape, 1, memory, |y, output, memory| {
        let [features, target] =
            [step.features.slot, step.target].map(|slot| &memory.values(slot)[(y + 1) * row..][..row]);
        vectorised(
            #[inline(always)]
            || {
                for (output, (feature, target)) in output.iter_mut().zip(features.iter().zip(target)) {
                    let new = gradient_scale * (feature - target);
                    *output = if step.into.accumulate { *output + new } else { new };
                }
            },
        );
    });
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sum) as f32;
}
