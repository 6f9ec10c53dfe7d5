//! The transforms of a run of tiles. Tiles are numbered row by row.

use super::transforms::{self, PATCH, TILE};
use crate::plan::FeatureShape;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// What happens to results.
#[derive(Clone, Copy, Debug)]
pub(in crate::cpu) enum Finish<'a> {
    /// `max(0, result + bias)`.
    BiasAndRelu(&'a [f32]),
    /// Written as they are.
    Store,
    /// Added to what is there.
    Add,
}

/// `B^T d B` of the patches of a run of tiles, to `positions[position][tile][channel]`.
pub(super) struct TransformInput<'a> {
    /// A haloed map of `shape`.
    pub(super) input: &'a [f32],
    pub(super) shape: FeatureShape,
    /// Row of the map where tile 0 starts.
    pub(super) first_row: usize,
    pub(super) tiles: Range<usize>,
    pub(super) positions: Vec<&'a mut [f32]>,
}

impl WithSimd for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.shape.channels as usize / S::F32_LANES;
        let (columns, rows) = (self.shape.padded_width(), self.shape.height as usize + 2);
        let tiles_across = (self.shape.width as usize).div_ceil(TILE);
        let (input, _) = S::as_simd_f32s(self.input);
        let mut positions: Vec<_> = self.positions.into_iter().map(|p| S::as_mut_simd_f32s(p).0).collect();
        let zero = simd.splat_f32s(0.0);
        for (index, tile) in self.tiles.enumerate() {
            let (row, column) = (self.first_row + tile / tiles_across * TILE, tile % tiles_across * TILE);
            let inside = row + PATCH <= rows && column + PATCH <= columns;
            for vector in 0..vectors {
                let value = |y: usize, x: usize| {
                    if inside || (row + y < rows && column + x < columns) {
                        input[((row + y) * columns + column + x) * vectors + vector]
                    } else {
                        zero
                    }
                };
                let mut down = [[zero; PATCH]; PATCH];
                for (x, down) in down.iter_mut().enumerate() {
                    let line = [value(0, x), value(1, x), value(2, x), value(3, x), value(4, x), value(5, x)];
                    *down = transforms::input(simd, line);
                }
                for y in 0..PATCH {
                    let [a, b, c, d, e, f] = &down;
                    let line = transforms::input(simd, [a[y], b[y], c[y], d[y], e[y], f[y]]);
                    for (position, value) in positions[y * PATCH..].iter_mut().zip(line) {
                        position[index * vectors + vector] = value;
                    }
                }
            }
        }
    }
}

/// `A^T m A` of the products of a run of tiles, to the rows of a band that starts with tile 0.
pub(super) struct TransformOutput<'a> {
    /// `[position][tile][channel]`.
    pub(super) products: &'a [f32],
    /// From one position to the next.
    pub(super) stride: usize,
    pub(super) tiles: Range<usize>,
    /// Of the whole map.
    pub(super) shape: FeatureShape,
    pub(super) band: &'a mut [f32],
    pub(super) finish: Finish<'a>,
}

impl WithSimd for TransformOutput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.shape.channels as usize / S::F32_LANES;
        let stride = self.stride / S::F32_LANES;
        let (columns, width) = (self.shape.padded_width(), self.shape.width as usize);
        let tiles_across = width.div_ceil(TILE);
        let (products, _) = S::as_simd_f32s(self.products);
        let (band, _) = S::as_mut_simd_f32s(self.band);
        let rows = band.len() / (columns * vectors);
        let zero = simd.splat_f32s(0.0);
        for (index, tile) in self.tiles.enumerate() {
            let (row, column) = (tile / tiles_across * TILE, tile % tiles_across * TILE);
            for vector in 0..vectors {
                let product = |y: usize, x: usize| products[(y * PATCH + x) * stride + index * vectors + vector];
                let mut down = [[zero; TILE]; PATCH];
                for (x, down) in down.iter_mut().enumerate() {
                    let line =
                        [product(0, x), product(1, x), product(2, x), product(3, x), product(4, x), product(5, x)];
                    *down = transforms::output(simd, line);
                }
                for y in 0..TILE.min(rows - row) {
                    let [a, b, c, d, e, f] = &down;
                    let line = transforms::output(simd, [a[y], b[y], c[y], d[y], e[y], f[y]]);
                    let start = ((row + y) * columns + column + 1) * vectors + vector;
                    let places = band[start..].iter_mut().step_by(vectors);
                    for (place, value) in places.zip(line).take(width - column) {
                        *place = match self.finish {
                            Finish::BiasAndRelu(bias) => {
                                let bias = S::as_simd_f32s(bias).0[vector];
                                let sum = simd.add_f32s(value, bias);
                                // A maximum would lose a NaN.
                                simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum)
                            }
                            Finish::Store => value,
                            Finish::Add => simd.add_f32s(*place, value),
                        };
                    }
                }
            }
        }
    }
}
