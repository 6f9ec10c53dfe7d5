//! Mean and covariance of the 3x3 patches of feature maps, `[tap][channel]` with taps in reading order.

use super::{
    maps::Map,
    product::{Matrix, multiply},
};
use rayon::prelude::*;

/// Offsets between two taps of a patch, one of each pair of opposites.
const OFFSETS: [(isize, isize); 13] =
    [(0, 0), (0, 1), (0, 2), (1, -2), (1, -1), (1, 0), (1, 1), (1, 2), (2, -2), (2, -1), (2, 0), (2, 1), (2, 2)];

/// Subtracts each channel's mean over all maps, every map counting the same, and returns it. The halo becomes zero,
/// which is the mean now.
pub(super) fn centre(maps: &mut [Map]) -> Vec<f32> {
    let channels = maps[0].shape.channels as usize;
    let mut mean = vec![0.0_f64; channels];
    for map in &*maps {
        let share = 1.0 / (map.shape.pixels() * maps.len()) as f64;
        for row in rows(map) {
            for pixel in row.chunks_exact(channels) {
                mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += share * f64::from(*value));
            }
        }
    }
    let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
    for map in maps {
        let (shape, row) = (map.shape, map.shape.padded_width() * channels);
        for (y, values) in map.values.chunks_exact_mut(row).enumerate() {
            let inside = if (1..=shape.height as usize).contains(&y) { channels..row - channels } else { 0..0 };
            values[..inside.start].fill(0.0);
            values[inside.end..].fill(0.0);
            for pixel in values[inside].chunks_exact_mut(channels) {
                pixel.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
            }
        }
    }
    mean
}

/// The rows of a map without its halo.
fn rows(map: &Map) -> impl Iterator<Item = &[f32]> {
    let channels = map.shape.channels as usize;
    let row = map.shape.padded_width() * channels;
    map.values.chunks_exact(row).skip(1).take(map.shape.height as usize).map(move |r| &r[channels..row - channels])
}

/// Covariance of all patches of centred maps, every map counting the same: `9 C` rows of `9 C` values.
///
/// How two taps vary together depends on the offset between them alone, so thirteen products over whole maps give all
/// 81 blocks. What lies outside a map counts as zero, which makes the matrix that of a stationary field: no eigenvalue
/// is negative.
pub(super) fn covariance(maps: &[Map]) -> Vec<f32> {
    let channels = maps[0].shape.channels as usize;
    let blocks: Vec<Vec<f32>> = OFFSETS.par_iter().map(|offset| correlation(maps, channels, *offset)).collect();
    let dims = 9 * channels;
    let mut covariance = vec![0.0; dims * dims];
    covariance.par_chunks_mut(dims).enumerate().for_each(|(index, row)| {
        let (tap, channel) = (index / channels, index % channels);
        for (other, values) in row.chunks_exact_mut(channels).enumerate() {
            let (dy, dx) = ((other / 3) as isize - (tap / 3) as isize, (other % 3) as isize - (tap % 3) as isize);
            let find = |offset| OFFSETS.iter().position(|known| *known == offset);
            match find((dy, dx)) {
                Some(block) => values.copy_from_slice(&blocks[block][channel * channels..][..channels]),
                None => {
                    let block = find((-dy, -dx)).map_or(&[][..], |block| &blocks[block]);
                    let column = block.iter().skip(channel).step_by(channels);
                    values.iter_mut().zip(column).for_each(|(value, other)| *value = *other);
                }
            }
        }
    });
    covariance
}

/// Mean over all pixels p of the products of each channel at p with each channel at p + offset.
fn correlation(maps: &[Map], channels: usize, (dy, dx): (isize, isize)) -> Vec<f32> {
    let mut sum = vec![0.0; channels * channels];
    for map in maps {
        // A halo of one pixel on each side keeps an offset of two from meeting the next row's pixels.
        let shift = (dy * map.shape.padded_width() as isize + dx) as usize * channels;
        let pixels = Matrix::of_rows(&map.values[..map.values.len() - shift], channels);
        let shifted = Matrix::of_rows(&map.values[shift..], channels);
        let mut product = vec![0.0; channels * channels];
        multiply(pixels.transposed(), shifted, &mut product);
        let share = 1.0 / (map.shape.pixels() * maps.len()) as f32;
        sum.iter_mut().zip(&product).for_each(|(sum, value)| *sum += share * value);
    }
    sum
}
