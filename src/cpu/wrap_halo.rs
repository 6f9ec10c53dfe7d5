//! The halo of a map on a torus.

use crate::host_memory::HostMemory;
use crate::plan::WrapHalo;

pub(super) fn wrap_halo(step: &WrapHalo, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let row = step.shape.padded_width() * channels;
    let (width, height) = (step.shape.width as usize, step.shape.height as usize);
    let map = &mut memory.values_mut(step.map)[..step.shape.values()];
    for row in map[row..(height + 1) * row].chunks_exact_mut(row) {
        row.copy_within(width * channels..(width + 1) * channels, 0);
        row.copy_within(channels..2 * channels, (width + 1) * channels);
    }
    map.copy_within(height * row..(height + 1) * row, 0);
    map.copy_within(row..2 * row, (height + 1) * row);
}
