//! The convolution that reads the picture: four channels, one of them zero, so patches of 3x3 pixels are short enough to
//! be laid out as the rows of a matrix.

use super::simd::vectorised;
use super::threads::{Scratch, Scratches};
use crate::plan::{FeatureShape, Rows};
use crate::product::{Matrix, Product, multiply};
use crate::weights::ConvolutionFilters;
use rayon::prelude::*;

/// Channels of the network input.
const CHANNELS: usize = 4;
/// Values of three neighbouring pixels.
const LINE: usize = 3 * CHANNELS;
/// Values of a patch.
const PATCH: usize = 3 * LINE;
/// Rows of the picture's gradient that are computed together.
const BACKWARD_ROWS: usize = 8;

/// The first layer's filters as matrices.
#[derive(Debug)]
pub(super) struct FirstLayer {
    /// `[patch value][output channel]`.
    weight: Vec<f32>,
    /// `[output channel][patch value]`.
    transposed: Vec<f32>,
    bias: Vec<f32>,
}

impl FirstLayer {
    pub(super) fn new(filters: &ConvolutionFilters) -> FirstLayer {
        let channels = filters.output_channels;
        let transposed =
            (0..channels * PATCH).map(|index| filters.weight[index % PATCH * channels + index / PATCH]).collect();
        FirstLayer { weight: filters.weight.clone(), transposed, bias: filters.bias.clone() }
    }

    /// Bytes of both matrices.
    pub(super) fn bytes_of(channels: usize) -> u64 {
        4 * (2 * PATCH * channels) as u64
    }

    /// Words that a thread makes rows of features in.
    pub(super) fn scratch_forward(shape: FeatureShape) -> usize {
        shape.width as usize * PATCH
    }

    /// Words that a thread makes so many rows of the gradient in.
    pub(super) fn scratch_backward(shape: FeatureShape, rows: usize) -> usize {
        (shape.padded_width() * (rows.min(BACKWARD_ROWS) + 2) + 2) * PATCH
    }

    pub(super) fn bytes(&self) -> u64 {
        4 * (self.weight.len() + self.transposed.len() + self.bias.len()) as u64
    }

    /// Rows of features from row `first_row` of the map on.
    pub(super) fn forward(
        &self,
        input: &[f32],
        shape: FeatureShape,
        first_row: usize,
        band: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let (channels, width) = (shape.channels as usize, shape.width as usize);
        let line = CHANNELS * shape.padded_width();
        let (patches, _) = scratch.two(FirstLayer::scratch_forward(shape), 0);
        for (row, values) in band.chunks_mut(shape.padded_width() * channels).enumerate() {
            let lines = &input[(first_row + row) * line..][..3 * line];
            for (x, patch) in patches.as_chunks_mut::<PATCH>().0.iter_mut().enumerate() {
                for (dy, part) in patch.as_chunks_mut::<LINE>().0.iter_mut().enumerate() {
                    part.copy_from_slice(&lines[dy * line + x * CHANNELS..][..LINE]);
                }
            }
            let pixels = &mut values[channels..][..width * channels];
            product(patches, &self.weight, pixels, PATCH);
            vectorised(
                #[inline(always)]
                || {
                    for pixel in pixels.chunks_exact_mut(channels) {
                        for (value, bias) in pixel.iter_mut().zip(&self.bias) {
                            let sum = *value + bias;
                            // A maximum would lose a NaN.
                            *value = if sum < 0.0 { 0.0 } else { sum };
                        }
                    }
                },
            );
        }
    }

    /// Some rows of the gradient with respect to the network input, halo included, from the rows of the gradient from
    /// row `above` on. Each pixel of the gradient contributes to nine pixels, one per tap: the contributions come from one
    /// matrix product and are then added up.
    pub(super) fn backward(
        &self,
        gradient: &[f32],
        above: usize,
        shape: FeatureShape,
        made: Rows,
        output: &mut [f32],
        scratches: &Scratches,
    ) {
        let (stride, height) = (shape.padded_width(), shape.height as usize);
        let channels = self.bias.len();
        output.par_chunks_mut(BACKWARD_ROWS * stride * CHANNELS).enumerate().for_each(|(band, values)| {
            let scratch = &mut scratches.of_this_thread();
            let rows = values.len() / (stride * CHANNELS);
            // Contributions to padded rows, from one above the band to one below, with a pixel of margin at both ends.
            let (shares, _) = scratch.two(FirstLayer::scratch_backward(shape, rows), 0);
            shares[..PATCH].fill(0.0);
            let end = shares.len();
            shares[end - PATCH..].fill(0.0);
            for (row, shares) in shares[PATCH..end - PATCH].chunks_mut(stride * PATCH).enumerate() {
                match (made.first as usize + band * BACKWARD_ROWS + row).checked_sub(1) {
                    Some(row) if row < height + 2 => {
                        let gradient = &gradient[(row - above) * stride * channels..][..stride * channels];
                        product(gradient, &self.transposed, shares, channels);
                    }
                    _ => shares.fill(0.0),
                }
            }
            for (index, pixel) in values.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                *pixel = [0.0; CHANNELS];
                for tap in 0..9 {
                    // The pixel itself stands one row and one margin pixel further on.
                    let from = index + stride + 1 - (tap % 3) + 1 + stride - tap / 3 * stride;
                    let share = &shares[from * PATCH + tap * CHANNELS..][..CHANNELS];
                    pixel.iter_mut().zip(share).for_each(|(sum, share)| *sum += share);
                }
            }
        });
    }
}

/// `c[m][n] = a[m][k] * b[k][n]`, all dense.
fn product(a: &[f32], b: &[f32], c: &mut [f32], k: usize) {
    let columns = b.len() / k;
    multiply(Matrix::of_rows(a, k), Matrix::of_rows(b, columns), Product::of_rows(c, columns));
}
