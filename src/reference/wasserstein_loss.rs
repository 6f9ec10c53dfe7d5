//! Wasserstein distance from covariances and their roots, and its gradients.

use crate::host_memory::HostMemory;
use crate::plan::{TargetScalars, WassersteinLoss};

pub(super) fn wasserstein_loss(step: &WassersteinLoss, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let (value_scale, gradient_scale) = super::content_loss::scales(step.coefficients, memory);
    let TargetScalars { trace, .. } = memory.structure(step.scalars);
    let number = |slot, index: usize| f64::from(memory.values(slot)[index]);
    let mut value = f64::from(trace);
    let mut matrix = vec![0.0; channels * channels];
    let mut constant = vec![0.0; channels];
    for (i, constant) in constant.iter_mut().enumerate() {
        let of_mean = number(step.mean, i) - number(step.target_mean, i);
        value += of_mean.powi(2) + number(step.covariance, i * channels + i);
        *constant = of_mean / channels as f64;
        for j in 0..channels {
            let (index, mirrored) = (i * channels + j, j * channels + i);
            value -= 2.0 * number(step.polar, index) * number(step.overlap, index);
            let transport = (number(step.transport, index) + number(step.transport, mirrored)) / 2.0;
            let unit = f64::from(u8::from(i == j));
            matrix[index] = (unit - transport) / channels as f64;
            *constant -= matrix[index] * number(step.mean, j);
        }
    }
    for (slot, new) in [(step.gram_gradient, &matrix), (step.mean_gradient, &constant)] {
        super::add(slot, new, gradient_scale, step.accumulate, memory);
    }
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value / channels as f64) as f32;
}
