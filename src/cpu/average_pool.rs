//! 2x2 average pooling and its gradient.

use super::destination::in_bands;
use super::simd::vectorised;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{AveragePool, AveragePoolBackward};
use rayon::prelude::*;

pub(super) fn average_pool(step: &AveragePool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output.slot);
    let output = &mut numbers(&mut words)[..pooled.values()];
    let input = memory.values(step.input.slot);
    output.par_chunks_mut(pooled.padded_width() * channels).enumerate().for_each(|(row, output)| {
        output.fill(0.0);
        if !(1..=pooled.height as usize).contains(&row) {
            return;
        }
        for x in 0..pooled.width as usize {
            let [upper, lower] =
                [0, 1].map(|dy| &input[shape.pixel(2 * x, 2 * (row - 1) + dy) * channels..][..2 * channels]);
            let output = &mut output[(x + 1) * channels..][..channels];
            vectorised(
                #[inline(always)]
                || {
                    for channel in 0..channels {
                        let left = upper[channel] + lower[channel];
                        let right = upper[channels + channel] + lower[channels + channel];
                        output[channel] = 0.25 * (left + right);
                    }
                },
            );
        }
    });
    memory.put(step.output.slot, words);
}

pub(super) fn average_pool_backward(step: &AveragePoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    in_bands(step.into, shape, 1, memory, |y, row, memory| {
        let gradient = memory.values(step.gradient.slot);
        if !step.into.accumulate {
            row.fill(0.0);
        }
        if y / 2 >= pooled.height as usize {
            return;
        }
        for x in 0..2 * pooled.width as usize {
            let gradient = &gradient[pooled.pixel(x / 2, y / 2) * channels..][..channels];
            let output = &mut row[(x + 1) * channels..][..channels];
            vectorised(
                #[inline(always)]
                || output.iter_mut().zip(gradient).for_each(|(output, gradient)| *output += 0.25 * gradient),
            );
        }
    });
}
