//! Stops the pixels that may not move.

use crate::host_memory::HostMemory;
use crate::plan::FreezePixels;

pub(super) fn freeze_pixels(step: &FreezePixels, memory: &mut HostMemory) {
    let freedom = memory.values(step.freedom)[..step.pixels].to_vec();
    for (pixel, freedom) in memory.values_mut(step.image_gradient).chunks_mut(3).zip(freedom) {
        pixel.iter_mut().for_each(|value| *value *= freedom);
    }
}
