//! 3x3 convolution with bias and ReLU, and its gradient with respect to the input.

use super::destination::inner_rows_in_bands;
use super::first_layer::FirstLayer;
use super::maps::{self, clear_halo_columns, clear_halo_rows, place};
use super::relu_mask;
use super::threads::Scratches;
use super::winograd::{Direction, Finish, TILE, TransformedFilters, Winograd};
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map, Rows};
use crate::vgg19::Layer;
use crate::weights::ConvolutionFilters;
use crate::words::NoMemory;
use rayon::prelude::*;
use std::ops::Range;

/// The fewest tiles of a band, if there are enough rows for all threads.
const BAND_TILES: usize = 48;

/// Tiles whose products are computed together, position by position.
const BLOCK_TILES: usize = 256;

/// A layer's filters in the form that suits it.
#[derive(Debug)]
pub(super) enum LayerFilters {
    /// Few input channels: a matrix product over patches.
    First(FirstLayer),
    /// Many channels.
    Winograd { filters: TransformedFilters, bias: Vec<f32> },
}

impl LayerFilters {
    /// # Errors
    /// If there is not enough memory.
    pub(super) fn new(index: usize, filters: &ConvolutionFilters) -> Result<LayerFilters, NoMemory> {
        Ok(match index {
            0 => LayerFilters::First(FirstLayer::new(filters)),
            _ => LayerFilters::Winograd { filters: TransformedFilters::new(filters)?, bias: filters.bias.clone() },
        })
    }

    /// Bytes that the filters of a layer take.
    pub(super) fn bytes_of(layer: Layer) -> u64 {
        let (cin, cout) = (layer.input_channels() as usize, layer.output_channels() as usize);
        let forms =
            if layer == Layer::FIRST { FirstLayer::bytes_of(cout) } else { TransformedFilters::bytes_of(cin, cout) };
        forms + 4 * cout as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            LayerFilters::First(filters) => filters.bytes(),
            LayerFilters::Winograd { filters, bias } => filters.bytes() + 4 * bias.len() as u64,
        }
    }
}

/// How the rows of a map are shared out.
pub(super) struct Partition {
    /// Rows of a band: whole rows of tiles.
    pub(super) band: usize,
    /// Rows whose products are computed together, position by position; none if each band computes its own.
    pub(super) block: Option<usize>,
}

impl Partition {
    /// Bands keep everything in a core's cache. By position, each of the 36 matrices is read, and if necessary
    /// transposed, by one thread only, and there is work for more threads than there are rows of tiles.
    pub(super) fn new(shape: FeatureShape, keeps_backward: bool, direction: Direction, threads: usize) -> Partition {
        let (across, down) = ((shape.width as usize).div_ceil(TILE), (shape.height as usize).div_ceil(TILE));
        let by_position = match direction {
            Direction::Forward => down < 2 * threads,
            Direction::Backward => true,
        };
        let block = TILE * (BLOCK_TILES / across).max(1);
        Partition {
            band: TILE * BAND_TILES.div_ceil(across).min(down.div_ceil(threads)),
            block: (by_position && !keeps_backward).then_some(block),
        }
    }

    /// The rows that are worked on one after the other.
    fn blocks(&self, shape: FeatureShape) -> impl Iterator<Item = Range<usize>> + use<> {
        let height = shape.height as usize;
        let block = self.block.unwrap_or(height);
        (0..height).step_by(block).map(move |first| first..height.min(first + block))
    }
}

/// Some rows of a feature map and of its mask while they are computed, none of which belongs to the halo.
struct Output<'a> {
    values: &'a mut [f32],
    mask: Option<&'a mut [u32]>,
    /// Of these rows by themselves.
    shape: FeatureShape,
}

impl Output<'_> {
    /// Fills some of the rows in bands: `write` gets the number of the band's first row and its padded rows. What it
    /// leaves in the halo columns does not matter.
    fn rows_in_bands(&mut self, range: Range<usize>, band: usize, write: impl Fn(usize, &mut [f32]) + Sync) {
        let shape = self.shape;
        let row = shape.padded_width() * shape.channels as usize;
        let row_mask = mask_row(shape);
        let mut masks: Vec<Option<&mut [u32]>> = Vec::new();
        if let Some(mask) = &mut self.mask {
            masks.extend(mask[range.start * row_mask..range.end * row_mask].chunks_mut(band * row_mask).map(Some));
        }
        masks.resize_with(range.len().div_ceil(band), || None);
        let bands = self.values[range.start * row..range.end * row].par_chunks_mut(band * row);
        bands.zip(masks).enumerate().for_each(|(index, (values, mask))| {
            write(range.start + index * band, values);
            clear_halo_columns(values, shape);
            if let Some(mask) = mask {
                relu_mask::keep(values, mask);
            }
        });
    }
}

/// Words of a padded row of a mask.
fn mask_row(shape: FeatureShape) -> usize {
    shape.mask_words() / (shape.height as usize + 2)
}

/// The rows that a convolution reads to make `inside`, with the shape of the latter: a haloed map by themselves.
fn read(map: Map, inside: Rows, shape: FeatureShape, memory: &HostMemory) -> &[f32] {
    maps::rows(map, Rows { first: inside.first - 1, end: inside.end + 1 }, shape, memory)
}

pub(super) fn conv3x3(step: &Conv3x3, layer: &LayerFilters, memory: &mut HostMemory, scratches: &Scratches) {
    let inside = step.rows.inside(step.shape);
    let shape = FeatureShape { height: inside.count() as u32, ..step.shape };
    let row_mask = mask_row(shape);
    clear_halo_rows(step.output, step.rows, step.shape, memory);
    let mut output_words = memory.take(step.output.slot);
    let mut mask_words = step.mask.map(|slot| (slot, memory.take(slot)));
    if let Some((_, words)) = &mut mask_words {
        for halo in [step.rows.range().start..inside.range().start, inside.range().end..step.rows.range().end] {
            words[halo.start * row_mask..halo.end * row_mask].fill(0);
        }
    }
    if inside.count() > 0 {
        let mut output = Output {
            values: &mut numbers(&mut output_words)[place(step.output, inside, step.shape)],
            mask: mask_words
                .as_mut()
                .map(|(_, words)| &mut words[inside.range().start * row_mask..inside.range().end * row_mask]),
            shape,
        };
        let input =
            read(step.input, inside, shape.with_channels(step.layer.below().map_or(4, Layer::output_channels)), memory);
        fill(&mut output, input, layer, scratches);
    }
    memory.put(step.output.slot, output_words);
    if let Some((slot, words)) = mask_words {
        memory.put(slot, words);
    }
}

fn fill(output: &mut Output<'_>, input: &[f32], layer: &LayerFilters, scratches: &Scratches) {
    let shape = output.shape;
    match layer {
        LayerFilters::First(layer) => {
            output.rows_in_bands(0..shape.height as usize, TILE, |first_row, values| {
                layer.forward(input, shape, first_row, values, &mut scratches.of_this_thread());
            });
        }
        LayerFilters::Winograd { filters, bias } => {
            let finish = Finish::BiasAndRelu(bias);
            let convolution = Winograd { filters, direction: Direction::Forward, input, shape };
            let threads = rayon::current_num_threads();
            let partition = Partition::new(shape, filters.keeps_backward(), Direction::Forward, threads);
            let mut shared = scratches.shared();
            for rows in partition.blocks(shape) {
                let first = rows.start;
                if partition.block.is_some() {
                    let products = convolution.products_by_position(rows.clone(), &mut shared, scratches);
                    output.rows_in_bands(rows, TILE, |row, values| products.finish(row - first, shape, finish, values));
                } else {
                    output.rows_in_bands(rows, partition.band, |row, values| {
                        convolution.band(row, finish, values, &mut scratches.of_this_thread());
                    });
                }
            }
        }
    }
}

pub(super) fn conv3x3_backward(
    step: &Conv3x3Backward,
    layer: &LayerFilters,
    memory: &mut HostMemory,
    scratches: &Scratches,
) {
    match layer {
        LayerFilters::First(layer) => {
            let mut words = memory.take(step.into.output.slot);
            let output = &mut numbers(&mut words)[place(step.into.output, step.rows, step.shape)];
            let above = step.gradient.first_row as usize;
            layer.backward(memory.values(step.gradient.slot), above, step.shape, step.rows, output, scratches);
            memory.put(step.into.output.slot, words);
        }
        LayerFilters::Winograd { filters, .. } => {
            clear_halo_rows(step.into.output, step.rows, step.shape, memory);
            let inside = step.rows.inside(step.shape);
            if inside.count() > 0 {
                fill_gradient(step, inside, filters, memory, scratches);
            }
        }
    }
}

/// The convolution that carries the gradient back to some rows.
fn transposed<'a>(
    step: &Conv3x3Backward,
    inside: Rows,
    filters: &'a TransformedFilters,
    memory: &'a HostMemory,
) -> Winograd<'a> {
    let shape = FeatureShape { height: inside.count() as u32, ..step.shape };
    let input = read(step.gradient, inside, shape.with_channels(step.layer.output_channels()), memory);
    Winograd { filters, direction: Direction::Backward, input, shape }
}

fn fill_gradient(
    step: &Conv3x3Backward,
    inside: Rows,
    filters: &TransformedFilters,
    memory: &mut HostMemory,
    scratches: &Scratches,
) {
    let shape = FeatureShape { height: inside.count() as u32, ..step.shape };
    let finish = if step.into.accumulate { Finish::Add } else { Finish::Store };
    let threads = rayon::current_num_threads();
    let partition = Partition::new(shape, filters.keeps_backward(), Direction::Backward, threads);
    let mut shared = scratches.shared();
    let above = inside.first as usize;
    for rows in partition.blocks(shape) {
        let first = rows.start;
        let made = Rows { first: inside.first + rows.start as u32, end: inside.first + rows.end as u32 };
        if partition.block.is_some() {
            let convolution = transposed(step, inside, filters, memory);
            let products = convolution.products_by_position(rows, &mut shared, scratches);
            inner_rows_in_bands(step.into, step.shape, made, TILE, memory, |row, values, _| {
                products.finish(row - above - first, shape, finish, values);
            });
        } else {
            inner_rows_in_bands(step.into, step.shape, made, partition.band, memory, |row, values, memory| {
                let convolution = transposed(step, inside, filters, memory);
                convolution.band(row - above, finish, values, &mut scratches.of_this_thread());
            });
        }
    }
}
