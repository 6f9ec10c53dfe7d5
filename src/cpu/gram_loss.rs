//! Loss of a Gram matrix and its gradient.

use super::content_loss::scales;
use super::sums::squared_distance;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::GramLoss;

pub(super) fn gram_loss(step: &GramLoss, memory: &mut HostMemory) {
    let all = ..(step.channels * step.channels) as usize;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let mut words = memory.take(step.gram_gradient);
    let (gram, target) = (&memory.values(step.gram)[all], &memory.values(step.target)[all]);
    let sum = squared_distance(gram, target);
    for (gradient, (gram, target)) in numbers(&mut words).iter_mut().zip(gram.iter().zip(target)) {
        let new = gradient_scale * (gram - target);
        *gradient = if step.accumulate { *gradient + new } else { new };
    }
    memory.put(step.gram_gradient, words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sum) as f32;
}
