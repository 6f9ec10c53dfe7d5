//! 3x3 convolutions by Winograd's F(4x4, 3x3): per run of tiles, patches are transformed, multiplied by the transformed
//! filters as 36 matrix products over the channels, and transformed back, all while they are in the cache.

mod filters;
mod transforms;

pub(super) use filters::TransformedFilters;
pub(super) use transforms::TILE;

use super::threads::Scratch;
use crate::plan::FeatureShape;
use gemm::Parallelism;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;
use transforms::{PATCH, POSITIONS};

/// Values between the ends of one position's matrix and the next: keeps the 36 streams out of the same cache sets.
const POSITION_GAP: usize = 16;
/// Values of transformed patches that a run of tiles makes at the most.
const RUN_VALUES: usize = 1 << 18;

/// Which convolution.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    /// From the layer's input to its output.
    Forward,
    /// From the gradient of the output to that of the input.
    Backward,
}

/// What happens to the results.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finish<'a> {
    /// `max(0, result + bias)`.
    BiasAndRelu(&'a [f32]),
    /// Written as they are.
    Store,
    /// Added to what is there.
    Add,
}

/// A convolution whose rows are made in bands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd<'a> {
    pub(super) filters: &'a TransformedFilters,
    pub(super) direction: Direction,
    /// Haloed map that is read.
    pub(super) input: &'a [f32],
    /// Shape of the map that is written.
    pub(super) shape: FeatureShape,
    pub(super) finish: Finish<'a>,
}

impl Winograd<'_> {
    /// Channels read and written.
    fn channels(&self) -> (usize, usize) {
        let filters = self.filters;
        match self.direction {
            Direction::Forward => (filters.input_channels, filters.output_channels),
            Direction::Backward => (filters.output_channels, filters.input_channels),
        }
    }

    /// Fills a band of padded rows that starts with row `first_row` of the map, a multiple of [`TILE`]; the halo columns
    /// are left as they are.
    pub(super) fn band(&self, first_row: usize, band: &mut [f32], scratch: &mut Scratch) {
        let (cin, cout) = self.channels();
        let rows = band.len() / (self.shape.padded_width() * cout);
        let across = (self.shape.width as usize).div_ceil(TILE);
        let tiles = rows.div_ceil(TILE) * across;
        let run = (RUN_VALUES / (POSITIONS * cin.max(cout))).clamp(24, 128).min(tiles);
        let (patches, products) =
            scratch.two(POSITIONS * (run * cin + POSITION_GAP), POSITIONS * (run * cout + POSITION_GAP));
        let arch = Arch::new();
        let mut first = 0;
        while first < tiles {
            let tiles = first..tiles.min(first + run);
            let (patch_stride, product_stride) = (tiles.len() * cin + POSITION_GAP, tiles.len() * cout + POSITION_GAP);
            arch.dispatch(TransformInput {
                input: self.input,
                shape: self.shape.with_channels(cin as u32),
                first_row,
                tiles: tiles.clone(),
                stride: patch_stride,
                patches,
            });
            for position in 0..POSITIONS {
                let patches = &patches[position * patch_stride..][..tiles.len() * cin];
                let products = &mut products[position * product_stride..][..tiles.len() * cout];
                self.multiply(position, patches, products);
            }
            arch.dispatch(TransformOutput {
                products,
                stride: product_stride,
                tiles: tiles.clone(),
                shape: self.shape,
                band,
                finish: self.finish,
            });
            first = tiles.end;
        }
    }

    /// `products[tile][cout] = patches[tile][cin] * filters[cin][cout]` at one position.
    fn multiply(&self, position: usize, patches: &[f32], products: &mut [f32]) {
        let (cin, cout) = self.channels();
        let tiles = patches.len() / cin;
        let (matrix, row_stride, column_stride) = match self.direction {
            Direction::Forward => (self.filters.forward(position), cout, 1),
            Direction::Backward => (self.filters.backward(position), 1, cin),
        };
        assert!(products.len() == tiles * cout && matrix.len() == cin * cout);
        // SAFETY: the three arrays hold tiles x cout, tiles x cin and cin x cout values at these strides.
        unsafe {
            gemm::gemm(
                tiles,
                cout,
                cin,
                products.as_mut_ptr(),
                1,
                cout as isize,
                false,
                patches.as_ptr(),
                1,
                cin as isize,
                matrix.as_ptr(),
                column_stride as isize,
                row_stride as isize,
                0.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

/// `B^T d B` of the patches of a run of tiles: `patches[position][tile][channel]`.
struct TransformInput<'a> {
    input: &'a [f32],
    shape: FeatureShape,
    first_row: usize,
    tiles: Range<usize>,
    stride: usize,
    patches: &'a mut [f32],
}

impl WithSimd for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.shape.channels as usize / S::F32_LANES;
        let stride = self.stride / S::F32_LANES;
        let (columns, rows) = (self.shape.padded_width(), self.shape.height as usize + 2);
        let across = (self.shape.width as usize).div_ceil(TILE);
        let (input, _) = S::as_simd_f32s(self.input);
        let (patches, _) = S::as_mut_simd_f32s(self.patches);
        for (index, tile) in self.tiles.enumerate() {
            let (row, column) = (self.first_row + tile / across * TILE, tile % across * TILE);
            let inside = row + PATCH <= rows && column + PATCH <= columns;
            for vector in 0..vectors {
                let value = |y: usize, x: usize| {
                    if inside || (row + y < rows && column + x < columns) {
                        input[((row + y) * columns + column + x) * vectors + vector]
                    } else {
                        simd.splat_f32s(0.0)
                    }
                };
                let mut down = [[simd.splat_f32s(0.0); PATCH]; PATCH];
                for x in 0..PATCH {
                    down[x] = transforms::input(
                        simd,
                        std::array::from_fn(
                            #[inline(always)]
                            |y| value(y, x),
                        ),
                    );
                }
                for y in 0..PATCH {
                    let across = transforms::input(
                        simd,
                        std::array::from_fn(
                            #[inline(always)]
                            |x| down[x][y],
                        ),
                    );
                    for x in 0..PATCH {
                        patches[(y * PATCH + x) * stride + index * vectors + vector] = across[x];
                    }
                }
            }
        }
    }
}

/// `A^T m A` of the products of a run of tiles, to the rows of a band.
struct TransformOutput<'a> {
    products: &'a [f32],
    stride: usize,
    tiles: Range<usize>,
    shape: FeatureShape,
    band: &'a mut [f32],
    finish: Finish<'a>,
}

impl WithSimd for TransformOutput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.shape.channels as usize / S::F32_LANES;
        let stride = self.stride / S::F32_LANES;
        let (columns, width) = (self.shape.padded_width(), self.shape.width as usize);
        let across = width.div_ceil(TILE);
        let (products, _) = S::as_simd_f32s(self.products);
        let (band, _) = S::as_mut_simd_f32s(self.band);
        let rows = band.len() / (columns * vectors);
        let zero = simd.splat_f32s(0.0);
        for (index, tile) in self.tiles.enumerate() {
            let (row, column) = (tile / across * TILE, tile % across * TILE);
            for vector in 0..vectors {
                let mut down = [[zero; TILE]; PATCH];
                for x in 0..PATCH {
                    down[x] = transforms::output(
                        simd,
                        std::array::from_fn(
                            #[inline(always)]
                            |y| products[(y * PATCH + x) * stride + index * vectors + vector],
                        ),
                    );
                }
                for y in 0..TILE.min(rows - row) {
                    let results = transforms::output(
                        simd,
                        std::array::from_fn(
                            #[inline(always)]
                            |x| down[x][y],
                        ),
                    );
                    let start = ((row + y) * columns + column + 1) * vectors + vector;
                    for x in 0..TILE.min(width - column) {
                        let place = &mut band[start + x * vectors];
                        *place = match self.finish {
                            Finish::BiasAndRelu(bias) => {
                                let bias = S::as_simd_f32s(bias).0[vector];
                                simd.max_f32s(simd.add_f32s(results[x], bias), zero)
                            }
                            Finish::Store => results[x],
                            Finish::Add => simd.add_f32s(*place, results[x]),
                        };
                    }
                }
            }
        }
    }
}
