//! The filters of one layer from the maps that it reads.

use super::{
    LearnSettings,
    covariance::{centre, covariance},
    kmeans::spherical_k_means,
    maps::Map,
    patches::{Places, project},
    product::Matrix,
    whitening::whitening,
};
use crate::{random::Random, vgg19::Layer, weights::ConvolutionFilters};
use rayon::prelude::*;

/// Directions that are kept of a patch at least, if it has as many.
const MINIMUM_DIRECTIONS: usize = 32;
/// Added to the length, about the square root of the number of directions, of a whitened patch that is scaled to unit
/// length, so that a flat one stays small.
const FLAT_LENGTH: f32 = 1e-3;
/// Deviation of a filter's output, in whitened units, below which it is taken for rounding and not brought to one.
const MINIMUM_DEVIATION: f32 = 1e-2;

/// The filters of `layer`, which reads `maps`: directions among whitened patches, scaled so that their output has unit
/// variance and mean zero over the patches before the ReLU, as batch normalisation would have it.
pub(super) fn learn_layer(
    mut maps: Vec<Map>,
    layer: Layer,
    settings: &LearnSettings,
    places: &Places,
) -> ConvolutionFilters {
    let seed = settings.seed.wrapping_mul(1000).wrapping_add(layer.index() as u64);
    let mut random = Random::new(seed);
    let (channels, count) = (maps[0].shape.channels as usize, layer.output_channels() as usize);
    let dims = 9 * channels;
    let mean = centre(&mut maps);
    let covariance = covariance(&maps);
    let varying = (0..dims).filter(|i| covariance[i * dims + i] > 0.0).count();
    let directions = varying.min(count.max(MINIMUM_DIRECTIONS)).max(1);
    let whitening = whitening(&covariance, dims, directions, &mut random);
    let patches = project(&maps, places, &whitening, directions);
    let mut rows = patches.clone();
    rows.par_chunks_mut(directions).for_each(|row| {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter_mut().for_each(|value| *value /= length + FLAT_LENGTH);
    });
    let mut filters = spherical_k_means(&rows, directions, count, settings.rounds, &mut random).directions;
    let outputs = Matrix::of_rows(&patches, directions).times(Matrix::of_rows(&filters, directions).transposed());
    for (filter, (_, deviation)) in filters.chunks_exact_mut(directions).zip(moments(&outputs, count)) {
        filter.iter_mut().for_each(|value| *value /= deviation.max(MINIMUM_DEVIATION));
    }
    let weight = Matrix::of_rows(&whitening, directions).times(Matrix::of_rows(&filters, directions).transposed());
    let mut bias = vec![0.0; count];
    for (row, weights) in weight.chunks_exact(count).enumerate() {
        bias.iter_mut().zip(weights).for_each(|(bias, weight)| *bias -= mean[row % channels] * weight);
    }
    ConvolutionFilters { input_channels: channels, output_channels: count, weight, bias }
}

/// Mean and standard deviation of each column.
fn moments(rows: &[f32], columns: usize) -> Vec<(f32, f32)> {
    let count = (rows.len() / columns) as f64;
    let mut sums = vec![(0.0_f64, 0.0_f64); columns];
    for row in rows.chunks_exact(columns) {
        for ((sum, squares), value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
            *squares += f64::from(*value).powi(2);
        }
    }
    let moments = sums.into_iter().map(|(sum, squares)| {
        let mean = sum / count;
        (mean as f32, (squares / count - mean * mean).max(0.0).sqrt() as f32)
    });
    moments.collect()
}
