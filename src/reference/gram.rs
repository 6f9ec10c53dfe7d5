//! Gram matrix of a feature map, and the gradient that comes back through it.

use super::destination;
use crate::host_memory::HostMemory;
use crate::plan::{FeatureShape, Gram, GramBackward, Map, Rows};

pub(super) fn gram(step: &Gram, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = rows(step.features, step.rows, step.shape, memory);
    let mut sums = vec![0.0; channels * channels];
    for pixel in features.chunks(channels) {
        for (row, &first) in sums.chunks_mut(channels).zip(pixel) {
            for (sum, &second) in row.iter_mut().zip(pixel) {
                *sum += f64::from(first) * f64::from(second);
            }
        }
    }
    let gram = memory.values_mut(step.gram);
    for (gram, sum) in gram.iter_mut().zip(&sums) {
        let old = if step.accumulate { f64::from(*gram) } else { 0.0 };
        *gram = (old + sum / step.pixels as f64) as f32;
    }
}

/// The values of some rows of a map.
pub(super) fn rows(map: Map, rows: Rows, shape: FeatureShape, memory: &HostMemory) -> &[f32] {
    let channels = shape.channels as usize;
    let first = rows.first_pixel(shape) - map.first_pixel(shape);
    &memory.values(map.slot)[first * channels..][..rows.pixels(shape) * channels]
}

pub(super) fn gram_backward(step: &GramBackward, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = rows(step.features, step.rows, step.shape, memory);
    let matrix = memory.values(step.gram_gradient);
    let mut new = vec![0.0; features.len()];
    for (new, pixel) in new.chunks_mut(channels).zip(features.chunks(channels)) {
        for (&feature, row) in pixel.iter().zip(matrix.chunks(channels)) {
            for (new, &factor) in new.iter_mut().zip(row) {
                *new += f64::from(feature) * f64::from(factor);
            }
        }
    }
    destination::store(step.into, step.shape, step.rows, &new, memory);
}
