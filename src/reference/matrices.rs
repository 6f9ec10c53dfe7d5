//! Matrices of channels: covariances, products, and the numbers for polar factors.

use crate::host_memory::HostMemory;
use crate::plan::{Covariance, Factor, MatrixProduct, PolarFactors, TargetScalars};

pub(super) fn covariance(step: &Covariance, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let mean: Vec<f64> = memory.values(step.mean)[..channels].iter().map(|&value| f64::from(value)).collect();
    let gram = &memory.values(step.gram)[..channels * channels];
    let trace: f64 = gram.iter().step_by(channels + 1).map(|&value| f64::from(value)).sum();
    let least = f64::from(Covariance::TRACE_PART) * trace;
    let entry = |(index, &gram): (usize, &f32)| {
        let (row, column) = (index / channels, index % channels);
        let added = if row == column { f64::from(regularisation).max(least) } else { 0.0 };
        (f64::from(gram) - mean[row] * mean[column] + added) as f32
    };
    let covariance: Vec<f32> = gram.iter().enumerate().map(entry).collect();
    memory.values_mut(step.covariance)[..covariance.len()].copy_from_slice(&covariance);
}

/// (u, v), (1, 0) without a factor.
fn pair(factor: Option<Factor>, memory: &HostMemory) -> [f64; 2] {
    factor.map_or([1.0, 0.0], |Factor { slot, index }| [0, 1].map(|i| f64::from(memory.values(slot)[2 * index + i])))
}

pub(super) fn matrix_product(step: &MatrixProduct, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let [scale, unit] = pair(step.factor, memory);
    let (left, right) = (memory.values(step.left), memory.values(step.right));
    let mut output = vec![0.0; channels * channels];
    for row in 0..channels {
        for column in 0..channels {
            let left = |k: usize| left[if step.transposed { k * channels + row } else { row * channels + k }];
            let products = (0..channels).map(|k| f64::from(left(k)) * f64::from(right[k * channels + column]));
            let added = if row == column { unit } else { 0.0 };
            output[row * channels + column] = (scale * products.sum::<f64>() + added) as f32;
        }
    }
    memory.values_mut(step.output)[..output.len()].copy_from_slice(&output);
}

pub(super) fn polar_factors(step: &PolarFactors, memory: &mut HostMemory) {
    let squares = f64::from(memory.values(step.squares)[0]);
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let pairs = PolarFactors::pairs(squares, f64::from(regularisation));
    let factors = memory.values_mut(step.factors);
    pairs.iter().flatten().zip(factors).for_each(|(value, factor)| *factor = *value as f32);
}
