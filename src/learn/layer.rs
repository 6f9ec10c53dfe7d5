//! The filters of one layer from the maps that it reads.

use super::{
    covariance::{centre, covariance},
    directions::directions,
    maps::Map,
    patches::{Places, project},
    whitening::whitening,
};
use crate::{product::Matrix, random::Random, vgg19::Layer, weights::ConvolutionFilters};
use rayon::prelude::*;

/// Directions kept of a patch of pixels: means, slopes and bends of each colour, not what changes from pixel to pixel.
/// What no filter sees, no gradient paints, so this decides how fine a grain pictures get.
const FIRST_DIRECTIONS: usize = 8;
/// Channels of a layer for each direction kept of its patches, and fewest directions. Filters from few directions are
/// smooth and overlap, which makes for broad strokes.
const CHANNELS_PER_DIRECTION: usize = 4;
const FEWEST_DIRECTIONS: usize = 16;
/// Added to the length of a whitened patch, as a multiple of the usual length, when it is scaled to unit length: flat
/// patches stay small and count for little, so that filters are about strokes and not about the noise between them.
const FLAT_LENGTH: f32 = 0.3;
/// Deviation of a filter's output, in whitened units, below which it counts as rounding and is not scaled to one.
const MINIMUM_DEVIATION: f32 = 1e-2;

/// Bias of each block's filters, in deviations of their output. Channels that let more through make colours and fine
/// texture come out right; deeper down, channels that answer to few patches make for larger strokes.
const BIAS: [f32; 5] = [0.5, 0.5, 0.25, 0.0, 0.0];

/// The filters of `layer`, which reads `maps`: directions among whitened patches, scaled so that their output before
/// the ReLU has unit variance over the patches, around the block's bias.
pub(super) fn learn_layer(mut maps: Vec<Map>, layer: Layer, seed: u64, places: &Places) -> ConvolutionFilters {
    let seed = seed.wrapping_mul(1000).wrapping_add(layer.index() as u64);
    let mut random = Random::new(seed);
    let (channels, count) = (maps[0].shape.channels as usize, layer.output_channels() as usize);
    let dims = 9 * channels;
    let mean = centre(&mut maps);
    let covariance = covariance(&maps);
    let varying = (0..dims).filter(|i| covariance[i * dims + i] > 0.0).count();
    let wanted =
        if layer == Layer::FIRST { FIRST_DIRECTIONS } else { FEWEST_DIRECTIONS.max(count / CHANNELS_PER_DIRECTION) };
    let kept = wanted.min(varying).max(1);
    let whitening = whitening(&covariance, dims, kept, &mut random);
    let patches = project(&maps, places, &whitening, kept);
    let mut rows = patches.clone();
    let flat = FLAT_LENGTH * (kept as f32).sqrt();
    rows.par_chunks_mut(kept).for_each(|row| {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter_mut().for_each(|value| *value /= length + flat);
    });
    let mut filters = directions(&rows, kept, count, &mut random);
    let outputs = Matrix::of_rows(&patches, kept).times(Matrix::of_rows(&filters, kept).transposed());
    for (filter, deviation) in filters.chunks_exact_mut(kept).zip(deviations(&outputs, count)) {
        filter.iter_mut().for_each(|value| *value /= deviation.max(MINIMUM_DEVIATION));
    }
    let weight = Matrix::of_rows(&whitening, kept).times(Matrix::of_rows(&filters, kept).transposed());
    let mut bias = vec![BIAS[layer.poolings() as usize]; count];
    for (row, weights) in weight.chunks_exact(count).enumerate() {
        bias.iter_mut().zip(weights).for_each(|(bias, weight)| *bias -= mean[row % channels] * weight);
    }
    ConvolutionFilters { input_channels: channels, output_channels: count, weight, bias }
}

/// Standard deviation of each column.
fn deviations(rows: &[f32], columns: usize) -> Vec<f32> {
    let count = (rows.len() / columns) as f64;
    let mut sums = vec![(0.0_f64, 0.0_f64); columns];
    for row in rows.chunks_exact(columns) {
        for ((sum, squares), value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
            *squares += f64::from(*value).powi(2);
        }
    }
    sums.into_iter().map(|(sum, squares)| (squares / count - (sum / count).powi(2)).max(0.0).sqrt() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{learn::patches, plan::FeatureShape};

    /// A map whose neighbours and channels are similar, with a different mean for each channel.
    fn smooth_map(width: u32, height: u32, channels: u32, seed: u64) -> Map {
        let shape = FeatureShape { width, height, channels };
        let mut random = Random::new(seed);
        let mut values: Vec<f32> = (0..shape.values()).map(|i| random.normal() + (i % 5) as f32).collect();
        for index in channels as usize..values.len() {
            values[index] = 0.5 * values[index] + 0.3 * values[index - channels as usize] + 0.2 * values[index - 1];
        }
        Map { shape, values }
    }

    #[test]
    fn outputs_have_unit_variance_around_the_bias_before_the_relu() {
        let layer = "relu2_1".parse().unwrap();
        let maps = vec![smooth_map(41, 37, 64, 1), smooth_map(30, 45, 64, 2)];
        let shapes: Vec<_> = maps.iter().map(|map| map.shape).collect();
        let places = patches::places(&shapes, 2000, &mut Random::new(3));
        let filters = learn_layer(maps.clone(), layer, 0, &places);
        let outputs = project(&maps, &places, &filters.weight, 128);
        for (channel, deviation) in deviations(&outputs, 128).into_iter().enumerate() {
            let sum: f32 = outputs.iter().skip(channel).step_by(128).sum();
            let mean = sum / places.len() as f32 + filters.bias[channel];
            assert!((deviation - 1.0).abs() < 1e-3, "channel {channel} deviates by {deviation}");
            assert!((mean - BIAS[1]).abs() < 0.2, "channel {channel} has mean {mean}");
        }
    }
}
