//! Some rows of a map that is in a slot.

use crate::host_memory::HostMemory;
use crate::plan::{FeatureShape, Map, Rows};

/// Where the values of some rows are in the map's slot.
pub(super) fn place(map: Map, rows: Rows, shape: FeatureShape) -> std::ops::Range<usize> {
    let row = shape.padded_width() * shape.channels as usize;
    let first = (rows.first - map.first_row) as usize * row;
    first..first + rows.count() * row
}

/// The values of some rows.
pub(super) fn rows(map: Map, rows: Rows, shape: FeatureShape, memory: &HostMemory) -> &[f32] {
    &memory.values(map.slot)[place(map, rows, shape)]
}

/// Zeroes those of a map's rows that belong to the halo.
pub(super) fn clear_halo_rows(map: Map, rows: Rows, shape: FeatureShape, memory: &mut HostMemory) {
    let inside = rows.inside(shape);
    for halo in [Rows { end: inside.first, ..rows }, Rows { first: inside.end, ..rows }] {
        memory.values_mut(map.slot)[place(map, halo, shape)].fill(0.0);
    }
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
