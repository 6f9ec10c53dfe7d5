//! 2x2 average pooling and its gradient.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{AveragePool, AveragePoolBackward};

pub(super) fn average_pool(step: &AveragePool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output);
    let output = &mut numbers(&mut words)[..pooled.values()];
    output.fill(0.0);
    let input = memory.values(step.input);
    for y in 0..pooled.height as usize {
        for x in 0..pooled.width as usize {
            for channel in 0..channels {
                let value = |place: usize| {
                    f64::from(input[shape.pixel(2 * x + place % 2, 2 * y + place / 2) * channels + channel])
                };
                output[pooled.pixel(x, y) * channels + channel] = ((0..4).map(value).sum::<f64>() / 4.0) as f32;
            }
        }
    }
    memory.put(step.output, words);
}

pub(super) fn average_pool_backward(step: &AveragePoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let gradient = memory.values(step.gradient);
    let mut new = vec![0.0; shape.values()];
    for y in 0..2 * pooled.height as usize {
        for x in 0..2 * pooled.width as usize {
            let (to, from) = (shape.pixel(x, y) * channels, pooled.pixel(x / 2, y / 2) * channels);
            for channel in 0..channels {
                new[to + channel] = f64::from(gradient[from + channel]) / 4.0;
            }
        }
    }
    destination::store(step.into, shape, &new, memory);
}
