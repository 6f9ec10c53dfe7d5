//! 3x3 convolution with bias and ReLU, and its gradient by the input.

use super::destination::{clear_halo_columns, in_bands, rows_in_bands};
use super::first_layer::FirstLayer;
use super::relu_mask;
use super::threads::Scratches;
use super::winograd::{Direction, Finish, TILE, TransformedFilters, Winograd};
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Conv3x3, Conv3x3Backward, FeatureShape};
use crate::weights::ConvolutionFilters;
use rayon::prelude::*;
use std::collections::TryReserveError;

/// What a band of rows has of tiles at the least, if there are rows enough for all threads.
const BAND_TILES: usize = 48;

/// Tiles whose products are made together where each position's matrix has to be transposed first.
const BLOCK_TILES: usize = 256;

/// A layer's filters in the form that suits it.
#[derive(Debug)]
pub(super) enum LayerFilters {
    /// The plan does without the layer.
    Unused,
    /// Few input channels: a matrix product over patches.
    First(FirstLayer),
    /// Many channels.
    Winograd { filters: TransformedFilters, bias: Vec<f32> },
}

impl LayerFilters {
    /// # Errors
    /// If the memory does not suffice.
    pub(super) fn new(index: usize, used: bool, filters: &ConvolutionFilters) -> Result<LayerFilters, TryReserveError> {
        Ok(match (index, used) {
            (_, false) => LayerFilters::Unused,
            (0, true) => LayerFilters::First(FirstLayer::new(filters)),
            (_, true) => {
                LayerFilters::Winograd { filters: TransformedFilters::new(filters)?, bias: filters.bias.clone() }
            }
        })
    }
}

/// Rows of a band: whole rows of tiles, enough for an efficient product, but not fewer than two bands for a thread.
fn band_rows(shape: FeatureShape) -> usize {
    let tile_rows = (shape.height as usize).div_ceil(TILE);
    let enough = BAND_TILES.div_ceil((shape.width as usize).div_ceil(TILE));
    TILE * enough.min(tile_rows.div_ceil(rayon::current_num_threads())).max(1)
}

pub(super) fn conv3x3(step: &Conv3x3, layer: &LayerFilters, memory: &mut HostMemory, scratches: &Scratches) {
    let shape = step.shape;
    let mut output_words = memory.take(step.output);
    let mut mask_words = step.mask.map(|slot| (slot, memory.take(slot)));
    let output = &mut numbers(&mut output_words)[..shape.values()];
    let row = shape.padded_width() * shape.channels as usize;
    let row_mask = shape.padded_width() * shape.channels.div_ceil(32) as usize;
    let rows = band_rows(shape);
    let body = row..output.len() - row;
    output[..body.start].fill(0.0);
    output[body.end..].fill(0.0);
    let mut masks: Vec<Option<&mut [u32]>> = Vec::new();
    if let Some((_, mask)) = &mut mask_words {
        let mask = &mut mask[..shape.mask_words()];
        let body = row_mask..mask.len() - row_mask;
        mask[..body.start].fill(0);
        mask[body.end..].fill(0);
        masks.extend(mask[body].chunks_mut(rows * row_mask).map(Some));
    }
    masks.resize_with((shape.height as usize).div_ceil(rows), || None);
    let input = memory.values(step.input);
    let bands = output[body].par_chunks_mut(rows * row).zip(masks).enumerate();
    bands.for_each(|(band, (values, mask))| {
        let scratch = &mut scratches.of_this_thread();
        match layer {
            LayerFilters::First(layer) => layer.forward(input, shape, band * rows, values, scratch),
            LayerFilters::Winograd { filters, bias } => {
                let finish = Finish::BiasAndRelu(bias);
                let convolution = Winograd { filters, direction: Direction::Forward, input, shape };
                convolution.band(band * rows, finish, values, scratch);
            }
            LayerFilters::Unused => unreachable!("filters are prepared for every layer of the plan"),
        }
        clear_halo_columns(values, shape);
        if let Some(mask) = mask {
            relu_mask::keep(values, mask);
        }
    });
    memory.put(step.output, output_words);
    if let Some((slot, words)) = mask_words {
        memory.put(slot, words);
    }
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
            let mut words = memory.take(step.into.output);
            let output = &mut numbers(&mut words)[..shape.values()];
            layer.backward(memory.values(step.gradient), shape, output, scratches);
            memory.put(step.into.output, words);
        }
        LayerFilters::Winograd { filters, .. } => {
            let finish = if step.into.accumulate { Finish::Add } else { Finish::Store };
            let rows = band_rows(shape);
            if filters.keeps_backward() {
                in_bands(step.into, shape, rows, memory, |first_row, values, memory| {
                    let input = memory.values(step.gradient);
                    let convolution = Winograd { filters, direction: Direction::Backward, input, shape };
                    convolution.band(first_row, finish, values, &mut scratches.of_this_thread());
                });
                return;
            }
            let across = (shape.width as usize).div_ceil(TILE);
            let (height, block) = (shape.height as usize, TILE * (BLOCK_TILES / across).max(1));
            let mut shared = scratches.shared();
            for first in (0..height).step_by(block) {
                let range = first..height.min(first + block);
                let input = memory.values(step.gradient);
                let convolution = Winograd { filters, direction: Direction::Backward, input, shape };
                let products = convolution.products_by_position(range.clone(), &mut shared, scratches);
                rows_in_bands(step.into, shape, range, TILE, memory, |row, values, _| {
                    products.finish((row - first) / TILE * across, shape, finish, values);
                });
            }
        }
        LayerFilters::Unused => unreachable!("filters are prepared for every layer of the plan"),
    }
}
