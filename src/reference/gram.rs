//! Gram matrix of a feature map, and the gradient that comes back through it.

use super::destination;
use crate::host_memory::HostMemory;
use crate::plan::{Gram, GramBackward};

pub(super) fn gram(step: &Gram, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = &memory.values(step.features)[..step.shape.values()];
    let mut sums = vec![0.0; channels * channels];
    for pixel in features.chunks(channels) {
        for (row, &first) in sums.chunks_mut(channels).zip(pixel) {
            for (sum, &second) in row.iter_mut().zip(pixel) {
                *sum += f64::from(first) * f64::from(second);
            }
        }
    }
    let gram = memory.values_mut(step.gram);
    gram.iter_mut().zip(&sums).for_each(|(gram, sum)| *gram = (sum / step.pixels as f64) as f32);
}

pub(super) fn gram_backward(step: &GramBackward, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = &memory.values(step.features)[..step.shape.values()];
    let matrix = memory.values(step.gram_gradient);
    let mut new = vec![0.0; step.shape.values()];
    for (new, pixel) in new.chunks_mut(channels).zip(features.chunks(channels)) {
        for (&feature, row) in pixel.iter().zip(matrix.chunks(channels)) {
            for (new, &factor) in new.iter_mut().zip(row) {
                *new += f64::from(feature) * f64::from(factor);
            }
        }
    }
    destination::store(step.into, step.shape, &new, memory);
}
