//! Statistics of a feature map, and the gradient that comes back through them.

use super::destination;
use crate::host_memory::HostMemory;
use crate::plan::{ChannelMean, FeatureShape, Gram, GramBackward, Map, Rows, SlotId};

pub(super) fn gram(step: &Gram, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = rows(step.features, step.rows, step.shape, memory);
    let mut sums = vec![0.0; channels * channels];
    for (pixel, weight) in features.chunks(channels).zip(weights(step.weights, step.rows, step.shape, memory)) {
        for (row, &first) in sums.chunks_mut(channels).zip(pixel) {
            for (sum, &second) in row.iter_mut().zip(pixel) {
                *sum += weight * f64::from(first) * f64::from(second);
            }
        }
    }
    let gram = memory.values_mut(step.gram);
    for (gram, sum) in gram.iter_mut().zip(&sums) {
        let old = if step.accumulate { f64::from(*gram) } else { 0.0 };
        *gram = (old + sum / step.pixels as f64) as f32;
    }
}

pub(super) fn channel_mean(step: &ChannelMean, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let features = rows(step.features, step.rows, step.shape, memory);
    let mut sums = vec![0.0; channels];
    for (pixel, weight) in features.chunks(channels).zip(weights(step.weights, step.rows, step.shape, memory)) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += weight * f64::from(value));
    }
    for (mean, sum) in memory.values_mut(step.mean).iter_mut().zip(&sums) {
        let old = if step.accumulate { f64::from(*mean) } else { 0.0 };
        *mean = (old + sum / step.pixels as f64) as f32;
    }
}

/// The weight of each padded pixel of some rows.
fn weights(slot: Option<SlotId>, rows: Rows, shape: FeatureShape, memory: &HostMemory) -> Vec<f64> {
    let pixels = rows.first_pixel(shape)..rows.first_pixel(shape) + rows.pixels(shape);
    pixels.map(|pixel| slot.map_or(1.0, |slot| f64::from(memory.values(slot)[pixel]))).collect()
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
    let constant: Vec<f64> = match step.mean_gradient {
        Some(slot) => memory.values(slot)[..channels].iter().map(|&value| f64::from(value)).collect(),
        None => vec![0.0; channels],
    };
    let mut new = vec![0.0; features.len()];
    let weights = weights(step.weights, step.rows, step.shape, memory);
    for ((new, pixel), weight) in new.chunks_mut(channels).zip(features.chunks(channels)).zip(weights) {
        new.copy_from_slice(&constant);
        for (&feature, row) in pixel.iter().zip(matrix.chunks(channels)) {
            for (new, &factor) in new.iter_mut().zip(row) {
                *new += f64::from(feature) * f64::from(factor);
            }
        }
        new.iter_mut().for_each(|value| *value *= weight);
    }
    destination::store(step.into, step.shape, step.rows, &new, memory);
}
