//! Filters in Winograd's form, `U = G g G^T` (Lavin and Gray, 2016, "Fast Algorithms for Convolutional Neural
//! Networks").

use crate::weights::ConvolutionFilters;
use rayon::prelude::*;
use std::f32::consts::{FRAC_1_SQRT_2 as P, SQRT_2 as Q};

/// G of F(2x2, 3x3), points 0, 1, -1 and infinity.
pub(super) const F2: [[f32; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

/// G of F(4x4, 3x3), points 0, p, -p, q, -q and infinity with p = 1/sqrt(2) and q = sqrt(2): as in `cpu::winograd`.
pub(super) const F4: [[f32; 3]; 6] =
    [[1.0, 0.0, 0.0], [Q, 1.0, P], [Q, -1.0, P], [P, 1.0, Q], [P, -1.0, Q], [0.0, 0.0, 1.0]];

/// `[position][input channel][output channel]`, positions row by row.
pub(super) fn transformed<const N: usize>(filters: &ConvolutionFilters, g: &[[f32; 3]; N]) -> Vec<f32> {
    let matrix = filters.input_channels * filters.output_channels;
    let mut transformed = vec![0.0; N * N * matrix];
    transformed.par_chunks_mut(matrix).enumerate().for_each(|(position, values)| {
        let (row, column) = (g[position / N], g[position % N]);
        for (tap, weights) in filters.weight.chunks_exact(matrix).enumerate() {
            let factor = row[tap / 3] * column[tap % 3];
            values.iter_mut().zip(weights).for_each(|(value, weight)| *value += factor * weight);
        }
    });
    transformed
}
