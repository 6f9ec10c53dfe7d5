//! Filters in Winograd's form.

use super::transforms::{self, MIRRORED, PATCH, POSITIONS};
use crate::weights::ConvolutionFilters;
use rayon::prelude::*;

/// A layer's transformed filters: `[position][input channel][output channel]`.
#[derive(Debug)]
pub(in crate::cpu) struct TransformedFilters {
    pub(super) input_channels: usize,
    pub(super) output_channels: usize,
    values: Vec<f32>,
}

impl TransformedFilters {
    /// Transforms the filters of a layer.
    pub(in crate::cpu) fn new(filters: &ConvolutionFilters) -> TransformedFilters {
        let (cin, cout) = (filters.input_channels, filters.output_channels);
        let mut values = vec![0.0; POSITIONS * cin * cout];
        let mut rows: Vec<Vec<&mut [f32]>> = (0..cin).map(|_| Vec::with_capacity(POSITIONS)).collect();
        for position in values.chunks_mut(cin * cout) {
            for (row, part) in rows.iter_mut().zip(position.chunks_mut(cout)) {
                row.push(part);
            }
        }
        rows.into_par_iter().enumerate().for_each(|(input, mut positions)| {
            for output in 0..cout {
                let tap =
                    |row: usize, column: usize| filters.weight[((3 * row + column) * cin + input) * cout + output];
                let columns = [0, 1, 2].map(|column| transforms::filter([0, 1, 2].map(|row| tap(row, column))));
                for row in 0..PATCH {
                    let across = transforms::filter(columns.map(|column| column[row]));
                    for column in 0..PATCH {
                        positions[row * PATCH + column][output] = across[column];
                    }
                }
            }
        });
        TransformedFilters { input_channels: cin, output_channels: cout, values }
    }

    /// The matrix `[input channel][output channel]` of a position.
    pub(super) fn forward(&self, position: usize) -> &[f32] {
        let matrix = self.input_channels * self.output_channels;
        &self.values[position * matrix..][..matrix]
    }

    /// For the transposed convolution the matrix of a position, still as `[input channel][output channel]`.
    pub(super) fn backward(&self, position: usize) -> &[f32] {
        self.forward(MIRRORED[position / PATCH] * PATCH + MIRRORED[position % PATCH])
    }
}
