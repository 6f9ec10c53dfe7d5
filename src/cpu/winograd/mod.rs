//! 3x3 convolutions by Winograd's F(4x4, 3x3): the patches of a run of tiles are transformed, multiplied by the
//! transformed filters as 36 matrix products over the channels, and transformed back.

mod few_tiles;
mod filters;
mod tiles;
mod transforms;

pub(super) use filters::TransformedFilters;
pub(super) use tiles::Finish;
pub(super) use transforms::TILE;

use super::threads::{Scratch, Scratches};
use crate::plan::FeatureShape;
use crate::product::{self, Matrix, Product};
use few_tiles::{FEW_TILES, FewTiles};
use filters::{COLUMNS, transpose};
use pulp::Arch;
use rayon::prelude::*;
use std::ops::Range;
use tiles::{TransformInput, TransformOutput};
use transforms::POSITIONS;

/// Values between the end of one position's matrix and the next: keeps the 36 streams out of the same cache sets.
const POSITION_GAP: usize = 16;
/// About as many values as one run's transformed patches have: they and the products stay in a core's cache.
const RUN_VALUES: usize = 1 << 17;
/// Tiles of a run; fewer make the matrix products slow.
const RUN_TILES: Range<usize> = 24..128;

/// Which convolution.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    /// From the layer's input to its output.
    Forward,
    /// From the gradient of the output to that of the input.
    Backward,
}

/// A convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd<'a> {
    pub(super) filters: &'a TransformedFilters,
    pub(super) direction: Direction,
    /// Haloed map that is read.
    pub(super) input: &'a [f32],
    /// Shape of the map that is written.
    pub(super) shape: FeatureShape,
}

/// Products of all tiles of some rows: `[position][tile][channel]`, with a gap after each position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Products<'a> {
    values: &'a [f32],
    /// From one position to the next.
    stride: usize,
}

/// How many of a band's tiles are worked on together, for these channels read and written.
fn tiles_of_a_run((cin, cout): (usize, usize), tiles: usize) -> usize {
    (RUN_VALUES / (POSITIONS * cin.max(cout))).clamp(RUN_TILES.start, RUN_TILES.end).min(tiles)
}

/// Words that a band of so many tiles is worked on in, of channels read and written.
pub(super) fn scratch_of_band((cin, cout): (usize, usize), tiles: usize) -> [usize; 2] {
    let run = tiles_of_a_run((cin, cout), tiles);
    [cin, cout].map(|channels| POSITIONS * (run * channels + POSITION_GAP))
}

/// Words that so many tiles are worked on in position by position: of a thread, two arrays, and of all together.
pub(super) fn scratch_by_position(
    (cin, cout): (usize, usize),
    tiles: usize,
    direction: Direction,
) -> ([usize; 2], usize) {
    let padded = tiles.next_multiple_of(COLUMNS);
    let own = match direction {
        Direction::Forward => [tiles * cout, 0],
        Direction::Backward if tiles <= FEW_TILES => [tiles * cout, FEW_TILES * cin],
        Direction::Backward => [cout * padded, 0],
    };
    (own, POSITIONS * ((tiles * cin).max(padded * cout) + POSITION_GAP))
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

    /// Tiles in a row of tiles.
    fn tiles_across(&self) -> usize {
        (self.shape.width as usize).div_ceil(TILE)
    }

    /// Fills a band of padded rows that starts with row `first_row` of the map, a multiple of [`TILE`]. The halo columns
    /// are left as they are.
    pub(super) fn band(&self, first_row: usize, finish: Finish<'_>, band: &mut [f32], scratch: &mut Scratch) {
        let (cin, cout) = self.channels();
        let rows = band.len() / (self.shape.padded_width() * cout);
        let tiles = rows.div_ceil(TILE) * self.tiles_across();
        let run = tiles_of_a_run((cin, cout), tiles);
        let (patch_stride, stride) = (run * cin + POSITION_GAP, run * cout + POSITION_GAP);
        let (patches, products) = scratch.two(POSITIONS * patch_stride, POSITIONS * stride);
        let mut first = 0;
        while first < tiles {
            let tiles = first..tiles.min(first + run);
            self.transform_input(first_row, tiles.clone(), patches.chunks_mut(patch_stride));
            for position in 0..POSITIONS {
                let patches = &patches[position * patch_stride..][..tiles.len() * cin];
                let products = &mut products[position * stride..][..tiles.len() * cout];
                match self.direction {
                    Direction::Forward => multiply(patches, self.filters.forward(position), products, cin),
                    Direction::Backward => multiply(patches, self.filters.kept_backward(position), products, cin),
                }
            }
            Products { values: products, stride }.finish_run(tiles.clone(), self.shape, finish, band);
            first = tiles.end;
        }
    }

    /// The products of all tiles of `rows`, a range that starts at a multiple of [`TILE`]. One thread computes all of a
    /// position's products.
    pub(super) fn products_by_position<'s>(
        &self,
        rows: Range<usize>,
        shared: &'s mut Scratch,
        scratches: &Scratches,
    ) -> Products<'s> {
        let (cin, cout) = self.channels();
        let across = self.tiles_across();
        let tiles = rows.len().div_ceil(TILE) * across;
        // Products are transposed by whole blocks.
        let padded = tiles.next_multiple_of(COLUMNS);
        // A position's products take the place of its patches.
        let stride = (tiles * cin).max(padded * cout) + POSITION_GAP;
        let (values, _) = shared.two(POSITIONS * stride, 0);
        let patches = values.chunks_mut(stride).map(|position| position[..tiles * cin].chunks_mut(across * cin));
        let mut patches: Vec<_> = patches.collect();
        let tile_rows: Vec<Vec<&mut [f32]>> =
            (0..tiles / across).map(|_| patches.iter_mut().filter_map(Iterator::next).collect()).collect();
        tile_rows.into_par_iter().enumerate().for_each(|(row, positions)| {
            self.transform_input(rows.start + row * TILE, 0..across, positions.into_iter());
        });
        values.par_chunks_mut(stride).enumerate().for_each(|(position, values)| {
            let mut scratch = scratches.of_this_thread();
            let patches = &values[..tiles * cin];
            match self.direction {
                Direction::Forward => {
                    let (products, _) = scratch.two(tiles * cout, 0);
                    multiply(patches, self.filters.forward(position), products, cin);
                    values[..tiles * cout].copy_from_slice(products);
                }
                Direction::Backward if tiles <= FEW_TILES => {
                    let (products, transposed) = scratch.two(tiles * cout, FEW_TILES * cin);
                    // Lanes beyond the last tile are not used, but must not be slow numbers.
                    transposed.fill(0.0);
                    let matrix = self.filters.backward(position);
                    Arch::new().dispatch(FewTiles { patches, matrix, products, cin, transposed });
                    values[..tiles * cout].copy_from_slice(products);
                }
                Direction::Backward => {
                    let (transposed, _) = scratch.two(cout * padded, 0);
                    multiply_transposed(patches, self.filters.backward(position), transposed, cin);
                    transpose(transposed, cout, padded, &mut values[..padded * cout]);
                }
            }
        });
        Products { values, stride }
    }

    fn transform_input<'p>(
        &self,
        first_row: usize,
        tiles: Range<usize>,
        positions: impl Iterator<Item = &'p mut [f32]>,
    ) {
        Arch::new().dispatch(TransformInput {
            input: self.input,
            shape: self.shape.with_channels(self.channels().0 as u32),
            first_row,
            tiles,
            positions: positions.collect(),
        });
    }
}

impl Products<'_> {
    /// Fills a band of a map of `shape` that starts `row` rows after the first row of the products. The halo columns are
    /// left as they are.
    pub(super) fn finish(self, row: usize, shape: FeatureShape, finish: Finish<'_>, band: &mut [f32]) {
        let channels = shape.channels as usize;
        let rows = band.len() / (shape.padded_width() * channels);
        let across = (shape.width as usize).div_ceil(TILE);
        let tiles = rows.div_ceil(TILE) * across;
        let products = Products { values: &self.values[row / TILE * across * channels..], ..self };
        products.finish_run(0..tiles, shape, finish, band);
    }

    /// Fills the tiles of a run in a band; the first of the run is the first of the products.
    fn finish_run(self, tiles: Range<usize>, shape: FeatureShape, finish: Finish<'_>, band: &mut [f32]) {
        let Products { values, stride } = self;
        Arch::new().dispatch(TransformOutput { products: values, stride, tiles, shape, band, finish });
    }
}

/// `products[tile][cout] = patches[tile][cin] * matrix[cin][cout]`.
fn multiply(patches: &[f32], matrix: &[f32], products: &mut [f32], cin: usize) {
    let (tiles, cout) = (patches.len() / cin, matrix.len() / cin);
    assert!(patches.len() == tiles * cin && matrix.len() == cin * cout && products.len() == tiles * cout);
    product::multiply(Matrix::of_rows(patches, cin), Matrix::of_rows(matrix, cout), Product::of_rows(products, cout));
}

/// `products[cout][tile] = sum of patches[tile][cin] * matrix[cout][cin]`, with rows of whole blocks of tiles.
///
/// The matrix is read as it lies in memory, once; a product of few tiles is bound by that. Transposing the products
/// afterwards moves less than transposing the matrix before.
fn multiply_transposed(patches: &[f32], matrix: &[f32], products: &mut [f32], cin: usize) {
    let (tiles, cout) = (patches.len() / cin, matrix.len() / cin);
    let padded = products.len() / cout;
    assert!(patches.len() == tiles * cin && matrix.len() == cin * cout && products.len() == padded * cout);
    assert!(tiles <= padded);
    let matrix = Matrix::of_rows(matrix, cin).transposed();
    product::multiply(Matrix::of_rows(patches, cin), matrix, Product::of_columns(products, padded));
}
