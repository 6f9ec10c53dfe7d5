//! 2x2 average pooling and its gradient.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{AveragePool, AveragePoolBackward};

pub(super) fn average_pool(step: &AveragePool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output.slot);
    let output = numbers(&mut words);
    let input = memory.values(step.input.slot);
    for pixel in step.rows.first_pixel(pooled)..step.rows.first_pixel(pooled) + step.rows.pixels(pooled) {
        for channel in 0..channels {
            let value = |place: usize| {
                let from = pooled.unpooled(shape, pixel, place) - step.input.first_pixel(shape);
                f64::from(input[from * channels + channel])
            };
            let mean = if pooled.is_halo(pixel) { 0.0 } else { (0..4).map(value).sum::<f64>() / 4.0 };
            output[(pixel - step.output.first_pixel(pooled)) * channels + channel] = mean as f32;
        }
    }
    memory.put(step.output.slot, words);
}

pub(super) fn average_pool_backward(step: &AveragePoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let gradient = memory.values(step.gradient.slot);
    let first = step.rows.first_pixel(shape);
    let mut new = vec![0.0; step.rows.pixels(shape) * channels];
    for (index, new) in new.iter_mut().enumerate() {
        if let Some((from, _)) = shape.pooled_pixel(first + index / channels) {
            let from = (from - step.gradient.first_pixel(pooled)) * channels + index % channels;
            *new = f64::from(gradient[from]) / 4.0;
        }
    }
    destination::store(step.into, shape, step.rows, &new, memory);
}
