//! Loss of Gram matrix, mean and standard deviation, and its gradients.

use crate::host_memory::HostMemory;
use crate::plan::{MomentsLoss, TargetScalars};

pub(super) fn moments_loss(step: &MomentsLoss, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let (value_scale, gradient_scale) = super::content_loss::scales(step.coefficients, memory);
    let TargetScalars { regularisation, factors, .. } = memory.structure(step.scalars);
    let factors = factors.map(f64::from);
    let values = |slot, count: usize| -> Vec<f64> {
        memory.values(slot)[..count].iter().map(|&value| f64::from(value)).collect()
    };
    let (gram, target) = (values(step.gram, channels * channels), values(step.target, channels * channels));
    let (mean, target_mean) = (values(step.mean, channels), values(step.target_mean, channels));
    let deviation = |gram: &[f64], mean: &[f64], channel: usize| {
        let variance = gram[channel * channels + channel] - mean[channel] * mean[channel];
        (variance.max(0.0) + f64::from(regularisation)).sqrt()
    };
    let mut value = 0.0;
    let mut matrix: Vec<f64> = gram
        .iter()
        .zip(&target)
        .map(|(gram, target)| {
            value += factors[0] * (gram - target).powi(2);
            2.0 * factors[0] * (gram - target)
        })
        .collect();
    let mut constant = vec![0.0; channels];
    for channel in 0..channels {
        let own = deviation(&gram, &mean, channel);
        let difference = own - deviation(&target, &target_mean, channel);
        let of_mean = mean[channel] - target_mean[channel];
        value += factors[1] * of_mean.powi(2) + factors[2] * difference.powi(2);
        let slope = factors[2] * difference / own;
        matrix[channel * channels + channel] += slope;
        constant[channel] = factors[1] * of_mean - slope * mean[channel];
    }
    for (slot, new) in [(step.gram_gradient, &matrix), (step.mean_gradient, &constant)] {
        super::add(slot, new, gradient_scale, step.accumulate, memory);
    }
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
}
