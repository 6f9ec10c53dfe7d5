//! Content loss of one layer and its gradient.

use super::destination;
use crate::host_memory::HostMemory;
use crate::plan::{Coefficients, ContentLoss};

/// Scale of a loss value and of its gradient.
pub(super) fn scales(coefficients: Coefficients, memory: &HostMemory) -> (f64, f64) {
    let pair = &memory.values(coefficients.slot)[2 * coefficients.loss..][..2];
    (f64::from(pair[0]), f64::from(pair[1]))
}

pub(super) fn content_loss(step: &ContentLoss, memory: &mut HostMemory) {
    let words = step.shape.values();
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let (features, target) = (&memory.values(step.features)[..words], &memory.values(step.target)[..words]);
    let differences: Vec<f64> = features.iter().zip(target).map(|(&f, &t)| f64::from(f) - f64::from(t)).collect();
    let sum: f64 = differences.iter().map(|difference| difference * difference).sum();
    let new: Vec<f64> = differences.iter().map(|difference| gradient_scale * difference).collect();
    destination::store(step.into, step.shape, &new, memory);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sum) as f32;
}
