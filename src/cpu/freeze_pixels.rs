//! Stops the pixels that may not move.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::FreezePixels;

pub(super) fn freeze_pixels(step: &FreezePixels, memory: &mut HostMemory) {
    let mut words = memory.take(step.image_gradient);
    let freedom = &memory.values(step.freedom)[..step.pixels];
    for (pixel, freedom) in numbers(&mut words).as_chunks_mut::<3>().0.iter_mut().zip(freedom) {
        pixel.iter_mut().for_each(|value| *value *= freedom);
    }
    memory.put(step.image_gradient, words);
}
