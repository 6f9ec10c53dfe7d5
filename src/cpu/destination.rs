//! Where a backward step puts its gradient.

use super::relu_mask;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Destination, FeatureShape};
use rayon::prelude::*;
use std::ops::Range;

/// Fills bands of `rows` rows of the map: `write` gets the number of the band's first row, its padded rows, and the
/// memory without the output. It adds if the destination accumulates; what it leaves in the halo columns does not
/// matter. Then the halo is zeroed and the mask applied.
pub(super) fn in_bands(
    into: Destination,
    shape: FeatureShape,
    rows: usize,
    memory: &mut HostMemory,
    write: impl Fn(usize, &mut [f32], &HostMemory) + Sync,
) {
    rows_in_bands(into, shape, 0..shape.height as usize, rows, memory, write);
}

/// The same for some rows of the map.
pub(super) fn rows_in_bands(
    into: Destination,
    shape: FeatureShape,
    range: Range<usize>,
    rows: usize,
    memory: &mut HostMemory,
    write: impl Fn(usize, &mut [f32], &HostMemory) + Sync,
) {
    let mut words = memory.take(into.output.slot);
    let row = shape.padded_width() * shape.channels as usize;
    let row_mask = shape.padded_width() * shape.channels.div_ceil(32) as usize;
    let mask = into.mask.map(|mask| &memory.words(mask)[row_mask..]);
    let (top, below) = numbers(&mut words)[..shape.values()].split_at_mut(row);
    let (body, bottom) = below.split_at_mut(shape.height as usize * row);
    top.fill(0.0);
    bottom.fill(0.0);
    body[range.start * row..range.end * row].par_chunks_mut(rows * row).enumerate().for_each(|(band, values)| {
        let first_row = range.start + band * rows;
        write(first_row, values, memory);
        clear_halo_columns(values, shape);
        if let Some(mask) = mask {
            relu_mask::apply(&mask[first_row * row_mask..], values);
        }
    });
    memory.put(into.output.slot, words);
}

/// Zeroes the first and last pixel of padded rows.
pub(super) fn clear_halo_columns(rows: &mut [f32], shape: FeatureShape) {
    let channels = shape.channels as usize;
    for row in rows.chunks_mut(shape.padded_width() * channels) {
        row[..channels].fill(0.0);
        let end = row.len();
        row[end - channels..].fill(0.0);
    }
}
