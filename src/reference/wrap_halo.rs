//! The halo of a map on a torus.

use crate::host_memory::HostMemory;
use crate::plan::WrapHalo;

pub(super) fn wrap_halo(step: &WrapHalo, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let (width, height) = (step.shape.width as usize, step.shape.height as usize);
    let map = memory.values_mut(step.map);
    for pixel in (0..step.shape.padded_pixels()).filter(|&pixel| step.shape.is_halo(pixel)) {
        let (x, y) = (pixel % (width + 2), pixel / (width + 2));
        let source = step.shape.pixel((x + width - 1) % width, (y + height - 1) % height);
        map.copy_within(source * channels..(source + 1) * channels, pixel * channels);
    }
}
