//! Content loss of one layer and its gradient.

use super::destination::in_bands;
use super::maps;
use super::simd::vectorised;
use super::sums::squared_distance;
use crate::host_memory::HostMemory;
use crate::plan::{Coefficients, ContentLoss, Map, Rows};

/// Scale of a loss value and of its gradient.
pub(super) fn scales(coefficients: Coefficients, memory: &HostMemory) -> (f64, f32) {
    let pair = &memory.values(coefficients.slot)[2 * coefficients.loss..][..2];
    (f64::from(pair[0]), pair[1])
}

pub(super) fn content_loss(step: &ContentLoss, memory: &mut HostMemory) {
    let shape = step.shape;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    fn both<'a>(step: &ContentLoss, rows: Rows, memory: &'a HostMemory) -> [&'a [f32]; 2] {
        [step.features, Map::whole(step.target)].map(|map| maps::rows(map, rows, step.shape, memory))
    }
    let [features, target] = both(step, step.summed, memory);
    let sum = squared_distance(features, target);
    in_bands(step.into, shape, step.rows, 1, memory, |y, output, memory| {
        let [features, target] = both(step, Rows { first: y as u32, end: y as u32 + 1 }, memory);
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
    let loss = &mut memory.values_mut(step.losses)[step.coefficients.loss];
    let old = if step.accumulate { f64::from(*loss) } else { 0.0 };
    *loss = (old + value_scale * sum) as f32;
}
