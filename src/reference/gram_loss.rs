//! Loss of a Gram matrix and its gradient.

use crate::host_memory::HostMemory;
use crate::plan::GramLoss;

pub(super) fn gram_loss(step: &GramLoss, memory: &mut HostMemory) {
    let words = (step.channels * step.channels) as usize;
    let (value_scale, gradient_scale) = super::content_loss::scales(step.coefficients, memory);
    let (gram, target) = (&memory.values(step.gram)[..words], &memory.values(step.target)[..words]);
    let differences: Vec<f64> = gram.iter().zip(target).map(|(&g, &t)| f64::from(g) - f64::from(t)).collect();
    let sum: f64 = differences.iter().map(|difference| difference * difference).sum();
    super::add(step.gram_gradient, &differences, gradient_scale, step.accumulate, memory);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sum) as f32;
}
