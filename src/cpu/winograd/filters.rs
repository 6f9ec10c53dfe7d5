//! Filters in Winograd's form.

use super::transforms::{self, MIRRORED, PATCH, POSITIONS};
use crate::cpu::simd::vectorised;
use crate::host_memory::numbers;
use crate::weights::ConvolutionFilters;
use crate::words::{NoMemory, Words};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows that are transposed in registers at once; every number of channels is a multiple.
const ROWS: usize = 16;
/// Columns that are transposed in registers at once.
pub(super) const COLUMNS: usize = 8;
/// A position's matrix of up to this many values is also kept transposed.
const KEPT_MATRIX: usize = 256 * 256;

/// A layer's transformed filters.
#[derive(Debug)]
pub(in crate::cpu) struct TransformedFilters {
    pub(super) input_channels: usize,
    pub(super) output_channels: usize,
    /// `[position][input channel][output channel]`.
    values: Words,
    /// `[position][output channel][input channel]` of the transposed convolution, if small.
    transposed: Option<Words>,
}

impl TransformedFilters {
    /// Transforms the filters of a layer.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub(in crate::cpu) fn new(filters: &ConvolutionFilters) -> Result<TransformedFilters, NoMemory> {
        let (cin, cout) = (filters.input_channels, filters.output_channels);
        let mut values = Words::zeros(POSITIONS * cin * cout)?;
        let mut rows: Vec<Vec<&mut [f32]>> = (0..cin).map(|_| Vec::with_capacity(POSITIONS)).collect();
        for position in numbers(&mut values).chunks_mut(cin * cout) {
            for (row, part) in rows.iter_mut().zip(position.chunks_mut(cout)) {
                row.push(part);
            }
        }
        rows.into_par_iter().enumerate().for_each(|(input, positions)| {
            let taps: [&[f32]; 9] = std::array::from_fn(|tap| &filters.weight[(tap * cin + input) * cout..][..cout]);
            Arch::new().dispatch(TransformFilters { taps, positions });
        });
        let mut filters = TransformedFilters { input_channels: cin, output_channels: cout, values, transposed: None };
        if TransformedFilters::keep_backward(cin, cout) {
            let mut transposed = Words::zeros(POSITIONS * cin * cout)?;
            let positions = numbers(&mut transposed).par_chunks_mut(cin * cout).enumerate();
            positions.for_each(|(position, matrix)| transpose(filters.backward(position), cin, cout, matrix));
            filters.transposed = Some(transposed);
        }
        Ok(filters)
    }

    /// Bytes that the filters of a layer take; the positions' matrices are whole cache lines.
    pub(in crate::cpu) fn bytes_of(input_channels: usize, output_channels: usize) -> u64 {
        let forms = if TransformedFilters::keep_backward(input_channels, output_channels) { 2 } else { 1 };
        forms * 4 * (POSITIONS * input_channels * output_channels) as u64
    }

    /// [`Self::keeps_backward`] of filters of these channels.
    pub(in crate::cpu) fn keep_backward(input_channels: usize, output_channels: usize) -> bool {
        input_channels * output_channels <= KEPT_MATRIX
    }

    pub(in crate::cpu) fn bytes(&self) -> u64 {
        let bytes = |values: &Words| bytemuck::cast_slice::<_, u8>(values).len() as u64;
        bytes(&self.values) + self.transposed.as_ref().map_or(0, bytes)
    }

    /// The matrix `[input channel][output channel]` of a position.
    pub(super) fn forward(&self, position: usize) -> &[f32] {
        let matrix = self.input_channels * self.output_channels;
        &bytemuck::cast_slice(&self.values)[position * matrix..][..matrix]
    }

    /// Whether the matrices of the transposed convolution are kept.
    pub(in crate::cpu) fn keeps_backward(&self) -> bool {
        self.transposed.is_some()
    }

    /// The kept matrix `[output channel][input channel]` of a position for the transposed convolution.
    pub(super) fn kept_backward(&self, position: usize) -> &[f32] {
        let matrix = self.input_channels * self.output_channels;
        let transposed = self.transposed.as_ref().expect("callers ask `keeps_backward` first");
        &bytemuck::cast_slice(transposed)[position * matrix..][..matrix]
    }

    /// The matrix `[input channel][output channel]` of a position for the transposed convolution.
    pub(super) fn backward(&self, position: usize) -> &[f32] {
        self.forward(MIRRORED[position / PATCH] * PATCH + MIRRORED[position % PATCH])
    }
}

/// `to[column][row] = from[row][column]`; rows are a multiple of [`ROWS`], columns of [`COLUMNS`].
pub(super) fn transpose(from: &[f32], rows: usize, columns: usize, to: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for column in (0..columns).step_by(COLUMNS) {
                for row in (0..rows).step_by(ROWS) {
                    let mut block = [[0.0; ROWS]; COLUMNS];
                    for y in 0..ROWS {
                        let line = &from[(row + y) * columns + column..][..COLUMNS];
                        for (block, value) in block.iter_mut().zip(line) {
                            block[y] = *value;
                        }
                    }
                    for (x, line) in block.iter().enumerate() {
                        to[(column + x) * rows + row..][..ROWS].copy_from_slice(line);
                    }
                }
            }
        },
    );
}

/// `G g G^T` of the kernels from one input channel to all output channels.
struct TransformFilters<'a> {
    taps: [&'a [f32]; 9],
    positions: Vec<&'a mut [f32]>,
}

impl WithSimd for TransformFilters<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut positions: Vec<_> = self.positions.into_iter().map(|p| S::as_mut_simd_f32s(p).0).collect();
        for output in 0..positions[0].len() {
            let tap = |row: usize, column: usize| S::as_simd_f32s(self.taps[3 * row + column]).0[output];
            let column = |x: usize| transforms::filter(simd, [tap(0, x), tap(1, x), tap(2, x)]);
            let [left, middle, right] = [column(0), column(1), column(2)];
            for y in 0..PATCH {
                let line = transforms::filter(simd, [left[y], middle[y], right[y]]);
                for (position, value) in positions[y * PATCH..].iter_mut().zip(line) {
                    position[output] = value;
                }
            }
        }
    }
}
