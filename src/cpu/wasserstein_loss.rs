//! Wasserstein distance from covariances and their roots, and its gradients.

use super::content_loss::scales;
use super::sums::dot;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Factor, TargetScalars, WassersteinLoss};

pub(super) fn wasserstein_loss(step: &WassersteinLoss, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let TargetScalars { trace, .. } = memory.structure(step.scalars);
    let mut matrix_words = memory.take(step.gram_gradient);
    let mut constant_words = memory.take(step.mean_gradient);
    let factors = memory.values(step.factors);
    let (root, inverse_root) = (factors[2 * Factor::ROOT], factors[2 * Factor::INVERSE_ROOT]);
    let (mean, target_mean) = (&memory.values(step.mean)[..channels], memory.values(step.target_mean));
    let [covariance, roots, product] = [step.covariance, step.root, step.product].map(|slot| memory.values(slot));
    let scale = gradient_scale / channels as f32;
    let mut value = f64::from(trace);
    let rows = numbers(&mut matrix_words)[..channels * channels].chunks_exact_mut(channels);
    for (i, (row, constant)) in rows.zip(numbers(&mut constant_words)).enumerate() {
        let diagonal = i * channels + i;
        let of_mean = mean[i] - target_mean[i];
        value += f64::from(of_mean * of_mean) + f64::from(covariance[diagonal]);
        value -= 2.0 * f64::from(root) * f64::from(roots[diagonal]);
        let product = &product[i * channels..][..channels];
        let along_mean = mean[i] - inverse_root * dot(product, mean) as f32;
        let new = scale * (of_mean - along_mean);
        *constant = if step.accumulate { *constant + new } else { new };
        for (j, (entry, product)) in row.iter_mut().zip(product).enumerate() {
            let unit = if i == j { 1.0 } else { 0.0 };
            let new = scale * (unit - inverse_root * product);
            *entry = if step.accumulate { *entry + new } else { new };
        }
    }
    memory.put(step.gram_gradient, matrix_words);
    memory.put(step.mean_gradient, constant_words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value / channels as f64) as f32;
}
