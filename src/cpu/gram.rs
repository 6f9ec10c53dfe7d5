//! Statistics of a feature map, and the gradient that comes back through them.

use super::destination::in_bands;
use super::maps;
use super::simd::vectorised;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{ChannelMean, Gram, GramBackward, Rows};
use crate::product::{Matrix, Product, multiply};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of the matrix that one task computes.
const BLOCK: usize = 64;
/// Rows of the map that one task of the gradient takes.
const BAND: usize = 4;

pub(super) fn gram(step: &Gram, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let matrix = channels * channels;
    let splits = step.splits as usize;
    let run = step.rows.pixels(step.shape).div_ceil(splits) * channels;
    let first_pixel = step.rows.first_pixel(step.shape);
    let mut partial_words = memory.take(step.partials);
    let mut gram_words = memory.take(step.gram);
    let partials = &mut numbers(&mut partial_words)[..splits * matrix];
    let features = maps::rows(step.features, step.rows, step.shape, memory);
    let blocks = channels / BLOCK;
    // Blocks of rows up to the diagonal; the matrix is symmetric.
    partials.par_chunks_mut(BLOCK * channels).enumerate().for_each(|(task, rows)| {
        let (split, block) = (task / blocks, task % blocks);
        let start = (split * run).min(features.len());
        let pixels = &features[start..features.len().min(start + run)];
        match step.weights {
            Some(weights) => {
                let weights = &memory.values(weights)[first_pixel + start / channels..];
                let weighted = weighted(pixels, channels, block * BLOCK..(block + 1) * BLOCK, weights);
                partial_gram(&weighted, BLOCK, pixels, channels, block * BLOCK, rows);
            }
            None => {
                let left = pixels.get(block * BLOCK..).unwrap_or_default();
                partial_gram(left, channels, pixels, channels, block * BLOCK, rows);
            }
        }
    });
    let scale = 1.0 / step.pixels as f32;
    let known = |row: usize| (row / BLOCK + 1) * BLOCK;
    let (sums, others) = partials.split_at_mut(matrix);
    sums.par_chunks_mut(channels).enumerate().for_each(|(row, sums)| {
        for other in others.chunks(matrix) {
            let other = &other[row * channels..][..known(row)];
            sums.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
        }
    });
    let sums = &*sums;
    let gram = &mut numbers(&mut gram_words)[..matrix];
    gram.par_chunks_mut(channels).enumerate().for_each(|(row, values)| {
        for (column, value) in values.iter_mut().enumerate() {
            let sum = if column < known(row) { sums[row * channels + column] } else { sums[column * channels + row] };
            *value = if step.accumulate { *value + scale * sum } else { scale * sum };
        }
    });
    memory.put(step.partials, partial_words);
    memory.put(step.gram, gram_words);
}

/// Some channels of pixels, times the pixels' weights: `[pixel][channels.len()]`.
fn weighted(pixels: &[f32], channels: usize, some: Range<usize>, weights: &[f32]) -> Vec<f32> {
    let mut weighted = Vec::with_capacity(pixels.len() / channels * some.len());
    for (pixel, &weight) in pixels.chunks_exact(channels).zip(weights) {
        weighted.extend(pixel[some.clone()].iter().map(|value| weight * value));
    }
    weighted
}

/// Rows `first..` of L^T F over some pixels, up to and including the block on the diagonal. L begins with the channel that
/// stands for row `first`, and its pixels are `stride` values apart.
fn partial_gram(left: &[f32], stride: usize, pixels: &[f32], channels: usize, first: usize, rows: &mut [f32]) {
    let count = pixels.len() / channels;
    let columns = first + BLOCK;
    assert!(rows.len() == BLOCK * channels && columns <= channels);
    let left = Matrix::part(left, count, BLOCK, stride);
    let right = Matrix::part(pixels, count, columns, channels);
    multiply(left.transposed(), right, Product::of_rows(rows, channels));
}

pub(super) fn channel_mean(step: &ChannelMean, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let run = step.rows.pixels(step.shape).div_ceil(step.splits as usize);
    let features = maps::rows(step.features, step.rows, step.shape, memory);
    let weights = step.weights.map(|weights| &memory.values(weights)[step.rows.first_pixel(step.shape)..]);
    let partials: Vec<Vec<f32>> = features
        .par_chunks(run * channels)
        .enumerate()
        .map(|(split, pixels)| {
            let mut sums = vec![0.0; channels];
            vectorised(
                #[inline(always)]
                || {
                    for (index, pixel) in pixels.chunks_exact(channels).enumerate() {
                        let weight = weights.map_or(1.0, |weights| weights[split * run + index]);
                        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += weight * value);
                    }
                },
            );
            sums
        })
        .collect();
    let mean = |channel: usize| {
        let sum: f64 = partials.iter().map(|partial| f64::from(partial[channel])).sum();
        (sum / step.pixels as f64) as f32
    };
    let means: Vec<f32> = (0..channels).map(mean).collect();
    for (value, mean) in memory.values_mut(step.mean).iter_mut().zip(&means) {
        *value = if step.accumulate { *value + mean } else { *mean };
    }
}

pub(super) fn gram_backward(step: &GramBackward, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let width = step.shape.padded_width();
    in_bands(step.into, step.shape, step.rows, BAND, memory, |first_row, output, memory| {
        let first = first_row as u32;
        let rows = Rows { first, end: first + (output.len() / (width * channels)) as u32 };
        let features = maps::rows(step.features, rows, step.shape, memory);
        let matrix = &memory.values(step.gram_gradient)[..channels * channels];
        let pixels = output.len() / channels;
        let weights = step.weights.map(|weights| &memory.values(weights)[first_row * width..][..pixels]);
        let scaled = weights.map(|weights| weighted(features, channels, 0..channels, weights));
        let features = scaled.as_deref().unwrap_or(features);
        let product = Product::of_rows(output, channels);
        let product = if step.into.accumulate { product.added() } else { product };
        multiply(Matrix::of_rows(features, channels), Matrix::of_rows(matrix, channels), product);
        if let Some(constant) = step.mean_gradient {
            let constant = &memory.values(constant)[..channels];
            for (index, pixel) in output.chunks_exact_mut(channels).enumerate() {
                let weight = weights.map_or(1.0, |weights| weights[index]);
                pixel.iter_mut().zip(constant).for_each(|(value, constant)| *value += weight * constant);
            }
        }
    });
}
