//! Content loss of one layer and its gradient.

use super::{destination, gram::rows};
use crate::host_memory::HostMemory;
use crate::plan::{Coefficients, ContentLoss, Map};

/// Scale of a loss value and of its gradient.
pub(super) fn scales(coefficients: Coefficients, memory: &HostMemory) -> (f64, f64) {
    let pair = &memory.values(coefficients.slot)[2 * coefficients.loss..][..2];
    (f64::from(pair[0]), f64::from(pair[1]))
}

pub(super) fn content_loss(step: &ContentLoss, memory: &mut HostMemory) {
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let differences = |some| -> Vec<f64> {
        let features = rows(step.features, some, step.shape, memory);
        let target = rows(Map::whole(step.target), some, step.shape, memory);
        features.iter().zip(target).map(|(&f, &t)| f64::from(f) - f64::from(t)).collect()
    };
    let (channels, first) = (step.shape.channels as usize, step.summed.first_pixel(step.shape));
    let weight =
        |index: usize| step.weights.map_or(1.0, |weights| f64::from(memory.values(weights)[first + index / channels]));
    let summed = differences(step.summed);
    let sum: f64 = summed.iter().enumerate().map(|(index, difference)| weight(index) * difference * difference).sum();
    let new: Vec<f64> = differences(step.rows).iter().map(|difference| gradient_scale * difference).collect();
    destination::store(step.into, step.shape, step.rows, &new, memory);
    let loss = &mut memory.values_mut(step.losses)[step.coefficients.loss];
    let old = if step.accumulate { f64::from(*loss) } else { 0.0 };
    *loss = (old + value_scale * sum) as f32;
}
