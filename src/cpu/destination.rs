//! Where a backward step puts its gradient.

use super::maps::{clear_halo_columns, clear_halo_rows, place};
use super::relu_mask;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Destination, FeatureShape, Rows};
use rayon::prelude::*;

/// Fills some rows of the map in bands of `count` rows: `write` gets the number of the band's first padded row, its
/// padded rows, and the memory without the output. It adds if the destination accumulates; what it leaves in the halo
/// columns does not matter. Then the halo is zeroed and the mask applied.
pub(super) fn in_bands(
    into: Destination,
    shape: FeatureShape,
    rows: Rows,
    count: usize,
    memory: &mut HostMemory,
    write: impl Fn(usize, &mut [f32], &HostMemory) + Sync,
) {
    clear_halo_rows(into.output, rows, shape, memory);
    inner_rows_in_bands(into, shape, rows.inside(shape), count, memory, write);
}

/// The same for rows none of which belongs to the halo.
pub(super) fn inner_rows_in_bands(
    into: Destination,
    shape: FeatureShape,
    rows: Rows,
    count: usize,
    memory: &mut HostMemory,
    write: impl Fn(usize, &mut [f32], &HostMemory) + Sync,
) {
    let mut words = memory.take(into.output.slot);
    let row = shape.padded_width() * shape.channels as usize;
    let row_mask = shape.padded_width() * shape.channels.div_ceil(32) as usize;
    let mask = into.mask.map(|mask| memory.words(mask));
    let values = &mut numbers(&mut words)[place(into.output, rows, shape)];
    values.par_chunks_mut(count * row).enumerate().for_each(|(band, values)| {
        let first = rows.first as usize + band * count;
        write(first, values, memory);
        clear_halo_columns(values, shape);
        if let Some(mask) = mask {
            relu_mask::apply(&mask[first * row_mask..], values);
        }
    });
    memory.put(into.output.slot, words);
}
