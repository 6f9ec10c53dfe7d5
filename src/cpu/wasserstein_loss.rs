//! Wasserstein distance from covariances and their roots, and its gradients.

use super::content_loss::scales;
use super::sums::dot;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{TargetScalars, WassersteinLoss};

pub(super) fn wasserstein_loss(step: &WassersteinLoss, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let all = ..channels * channels;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let TargetScalars { trace, .. } = memory.structure(step.scalars);
    let mut matrix_words = memory.take(step.gram_gradient);
    let mut constant_words = memory.take(step.mean_gradient);
    let (mean, target_mean) = (&memory.values(step.mean)[..channels], memory.values(step.target_mean));
    let [covariance, polar, overlap, transport] =
        [step.covariance, step.polar, step.overlap, step.transport].map(|slot| &memory.values(slot)[all]);
    let scale = gradient_scale / channels as f32;
    let mut value = f64::from(trace) - 2.0 * dot(polar, overlap);
    let matrix = &mut numbers(&mut matrix_words)[all];
    for (i, constant) in numbers(&mut constant_words)[..channels].iter_mut().enumerate() {
        let of_mean = mean[i] - target_mean[i];
        value += f64::from(of_mean * of_mean) + f64::from(covariance[i * channels + i]);
        let mut along_mean = f64::from(mean[i]);
        for j in 0..channels {
            let symmetric = 0.5 * (transport[i * channels + j] + transport[j * channels + i]);
            along_mean -= f64::from(symmetric) * f64::from(mean[j]);
            let unit = if i == j { 1.0 } else { 0.0 };
            let (entry, new) = (&mut matrix[i * channels + j], scale * (unit - symmetric));
            *entry = if step.accumulate { *entry + new } else { new };
        }
        let new = scale * (of_mean - along_mean as f32);
        *constant = if step.accumulate { *constant + new } else { new };
    }
    memory.put(step.gram_gradient, matrix_words);
    memory.put(step.mean_gradient, constant_words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value / channels as f64) as f32;
}
