//! Matrices of channels: covariances, products, and what their roots need.

use crate::host_memory::HostMemory;
use crate::plan::{Covariance, Factor, MatrixProduct, MatrixScale, RootFactors, TargetScalars};

pub(super) fn covariance(step: &Covariance, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let mean: Vec<f64> = memory.values(step.mean)[..channels].iter().map(|&value| f64::from(value)).collect();
    let gram = &memory.values(step.gram)[..channels * channels];
    let entry = |(index, &gram): (usize, &f32)| {
        let (row, column) = (index / channels, index % channels);
        let added = if row == column { f64::from(regularisation) } else { 0.0 };
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

pub(super) fn matrix_scale(step: &MatrixScale, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let [scale, unit] = pair(Some(step.factor), memory);
    let input = &memory.values(step.input)[..channels * channels];
    let entry = |(index, &value): (usize, &f32)| {
        let added = if index / channels == index % channels { unit } else { 0.0 };
        (scale * f64::from(value) + added) as f32
    };
    let output: Vec<f32> = input.iter().enumerate().map(entry).collect();
    memory.values_mut(step.output)[..output.len()].copy_from_slice(&output);
}

pub(super) fn root_factors(step: &RootFactors, memory: &mut HostMemory) {
    let matrix = &memory.values(step.matrix)[..(step.channels as usize).pow(2)];
    let squares = matrix.iter().map(|&value| f64::from(value).powi(2)).sum();
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let pairs = RootFactors::pairs(squares, f64::from(regularisation), step.kind);
    let factors = memory.values_mut(step.factors);
    pairs.iter().flatten().zip(factors).for_each(|(value, factor)| *factor = *value as f32);
}
