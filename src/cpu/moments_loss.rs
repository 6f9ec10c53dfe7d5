//! Loss of Gram matrix, mean and standard deviation, and its gradients.

use super::content_loss::scales;
use super::sums::squared_distance;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{MomentsLoss, TargetScalars};

pub(super) fn moments_loss(step: &MomentsLoss, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let all = ..channels * channels;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let TargetScalars { regularisation, factors, .. } = memory.structure(step.scalars);
    let mut matrix_words = memory.take(step.gram_gradient);
    let mut constant_words = memory.take(step.mean_gradient);
    let (gram, target) = (&memory.values(step.gram)[all], &memory.values(step.target)[all]);
    let (mean, target_mean) = (memory.values(step.mean), memory.values(step.target_mean));
    let mut value = f64::from(factors[0]) * squared_distance(gram, target);
    let matrix = numbers(&mut matrix_words);
    for (entry, (gram, target)) in matrix.iter_mut().zip(gram.iter().zip(target)) {
        let new = gradient_scale * 2.0 * factors[0] * (gram - target);
        *entry = if step.accumulate { *entry + new } else { new };
    }
    let deviation = |gram: &[f32], mean: f32, channel: usize| {
        ((gram[channel * channels + channel] - mean * mean).max(0.0) + regularisation).sqrt()
    };
    for (channel, entry) in numbers(&mut constant_words)[..channels].iter_mut().enumerate() {
        let own = deviation(gram, mean[channel], channel);
        let difference = own - deviation(target, target_mean[channel], channel);
        let of_mean = mean[channel] - target_mean[channel];
        value += f64::from(factors[1] * of_mean * of_mean + factors[2] * difference * difference);
        let slope = factors[2] * difference / own;
        matrix[channel * channels + channel] += gradient_scale * slope;
        let new = gradient_scale * (factors[1] * of_mean - slope * mean[channel]);
        *entry = if step.accumulate { *entry + new } else { new };
    }
    memory.put(step.gram_gradient, matrix_words);
    memory.put(step.mean_gradient, constant_words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
}
