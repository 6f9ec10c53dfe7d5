//! Style loss of one layer and its gradient with respect to the Gram matrix.

use crate::host_memory::HostMemory;
use crate::plan::StyleLoss;

pub(super) fn style_loss(step: &StyleLoss, memory: &mut HostMemory) {
    let words = (step.channels * step.channels) as usize;
    let (value_scale, gradient_scale) = super::content_loss::scales(step.coefficients, memory);
    let (gram, target) = (&memory.values(step.gram)[..words], &memory.values(step.target)[..words]);
    let differences: Vec<f64> = gram.iter().zip(target).map(|(&g, &t)| f64::from(g) - f64::from(t)).collect();
    let sum: f64 = differences.iter().map(|difference| difference * difference).sum();
    let gradient = memory.values_mut(step.gram_gradient);
    for (gradient, difference) in gradient.iter_mut().zip(&differences) {
        let old = if step.accumulate { f64::from(*gradient) } else { 0.0 };
        *gradient = (old + gradient_scale * difference) as f32;
    }
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sum) as f32;
}
