//! 3x3 convolution with bias and ReLU, and its gradient with respect to the input.

use super::destination::{clear_halo_columns, rows_in_bands};
use super::first_layer::FirstLayer;
use super::relu_mask;
use super::threads::Scratches;
use super::winograd::{Direction, Finish, TILE, TransformedFilters, Winograd};
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Conv3x3, Conv3x3Backward, FeatureShape};
use crate::vgg19::Layer;
use crate::weights::ConvolutionFilters;
use rayon::prelude::*;
use std::collections::TryReserveError;
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
    pub(super) fn new(index: usize, filters: &ConvolutionFilters) -> Result<LayerFilters, TryReserveError> {
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
struct Partition {
    /// Rows of a band: whole rows of tiles.
    band: usize,
    /// Rows whose products are computed together, position by position; none if each band computes its own.
    block: Option<usize>,
}

impl Partition {
    /// Bands keep everything in a core's cache. By position, each of the 36 matrices is read, and if necessary
    /// transposed, by one thread only, and there is work for more threads than there are rows of tiles.
    fn new(shape: FeatureShape, filters: &TransformedFilters, direction: Direction) -> Partition {
        let (across, down) = ((shape.width as usize).div_ceil(TILE), (shape.height as usize).div_ceil(TILE));
        let threads = rayon::current_num_threads();
        let by_position = match direction {
            Direction::Forward => down < 2 * threads,
            Direction::Backward => true,
        };
        let block = TILE * (BLOCK_TILES / across).max(1);
        Partition {
            band: TILE * BAND_TILES.div_ceil(across).min(down.div_ceil(threads)),
            block: (by_position && !filters.keeps_backward()).then_some(block),
        }
    }

    /// The rows that are worked on one after the other.
    fn blocks(&self, shape: FeatureShape) -> impl Iterator<Item = Range<usize>> + use<> {
        let height = shape.height as usize;
        let block = self.block.unwrap_or(height);
        (0..height).step_by(block).map(move |first| first..height.min(first + block))
    }
}

/// A feature map and its mask while they are computed.
struct Output<'a> {
    values: &'a mut [f32],
    mask: Option<&'a mut [u32]>,
    shape: FeatureShape,
}

impl Output<'_> {
    /// Fills some rows of the map in bands: `write` gets the number of the band's first row and its padded rows. What it
    /// leaves in the halo columns does not matter.
    fn rows_in_bands(&mut self, range: Range<usize>, band: usize, write: impl Fn(usize, &mut [f32]) + Sync) {
        let shape = self.shape;
        let row = shape.padded_width() * shape.channels as usize;
        let row_mask = shape.mask_words() / (shape.height as usize + 2);
        let padded = range.start + 1..range.end + 1;
        let mut masks: Vec<Option<&mut [u32]>> = Vec::new();
        if let Some(mask) = &mut self.mask {
            masks.extend(mask[padded.start * row_mask..padded.end * row_mask].chunks_mut(band * row_mask).map(Some));
        }
        masks.resize_with(range.len().div_ceil(band), || None);
        let bands = self.values[padded.start * row..padded.end * row].par_chunks_mut(band * row);
        bands.zip(masks).enumerate().for_each(|(index, (values, mask))| {
            write(range.start + index * band, values);
            clear_halo_columns(values, shape);
            if let Some(mask) = mask {
                relu_mask::keep(values, mask);
            }
        });
    }

    /// Zeroes the halo's rows.
    fn clear_halo_rows(&mut self) {
        let row = self.shape.padded_width() * self.shape.channels as usize;
        let row_mask = self.shape.mask_words() / (self.shape.height as usize + 2);
        let end = self.values.len();
        self.values[..row].fill(0.0);
        self.values[end - row..].fill(0.0);
        if let Some(mask) = &mut self.mask {
            let end = mask.len();
            mask[..row_mask].fill(0);
            mask[end - row_mask..].fill(0);
        }
    }
}

pub(super) fn conv3x3(step: &Conv3x3, layer: &LayerFilters, memory: &mut HostMemory, scratches: &Scratches) {
    let shape = step.shape;
    let mut output_words = memory.take(step.output.slot);
    let mut mask_words = step.mask.map(|slot| (slot, memory.take(slot)));
    let mut output = Output {
        values: &mut numbers(&mut output_words)[..shape.values()],
        mask: mask_words.as_mut().map(|(_, words)| &mut words[..shape.mask_words()]),
        shape,
    };
    output.clear_halo_rows();
    let input = memory.values(step.input.slot);
    match layer {
        LayerFilters::First(layer) => {
            output.rows_in_bands(0..shape.height as usize, TILE, |first_row, values| {
                layer.forward(input, shape, first_row, values, &mut scratches.of_this_thread());
            });
        }
        LayerFilters::Winograd { filters, bias } => {
            let finish = Finish::BiasAndRelu(bias);
            let convolution = Winograd { filters, direction: Direction::Forward, input, shape };
            let partition = Partition::new(shape, filters, Direction::Forward);
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
    memory.put(step.output.slot, output_words);
    if let Some((slot, words)) = mask_words {
        memory.put(slot, words);
    }
}

/// The convolution that carries the gradient back.
fn transposed<'a>(step: &Conv3x3Backward, filters: &'a TransformedFilters, memory: &'a HostMemory) -> Winograd<'a> {
    Winograd { filters, direction: Direction::Backward, input: memory.values(step.gradient.slot), shape: step.shape }
}

pub(super) fn conv3x3_backward(
    step: &Conv3x3Backward,
    layer: &LayerFilters,
    memory: &mut HostMemory,
    scratches: &Scratches,
) {
    let shape = step.shape;
    match layer {
        LayerFilters::First(layer) => {
            let mut words = memory.take(step.into.output.slot);
            let output = &mut numbers(&mut words)[..shape.values()];
            layer.backward(memory.values(step.gradient.slot), shape, output, scratches);
            memory.put(step.into.output.slot, words);
        }
        LayerFilters::Winograd { filters, .. } => {
            let finish = if step.into.accumulate { Finish::Add } else { Finish::Store };
            let partition = Partition::new(shape, filters, Direction::Backward);
            let mut shared = scratches.shared();
            for rows in partition.blocks(shape) {
                let first = rows.start;
                if partition.block.is_some() {
                    let products =
                        transposed(step, filters, memory).products_by_position(rows.clone(), &mut shared, scratches);
                    rows_in_bands(step.into, shape, rows, TILE, memory, |row, values, _| {
                        products.finish(row - first, shape, finish, values);
                    });
                } else {
                    rows_in_bands(step.into, shape, rows, partition.band, memory, |row, values, memory| {
                        transposed(step, filters, memory).band(row, finish, values, &mut scratches.of_this_thread());
                    });
                }
            }
        }
    }
}
