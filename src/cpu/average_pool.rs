//! 2x2 average pooling and its gradient.

use super::destination::in_bands;
use super::maps::place;
use super::simd::vectorised;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{AveragePool, AveragePoolBackward};
use rayon::prelude::*;

pub(super) fn average_pool(step: &AveragePool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output.slot);
    let output = &mut numbers(&mut words)[place(step.output, step.rows, pooled)];
    let input = memory.values(step.input.slot);
    let above = step.input.first_pixel(shape);
    output.par_chunks_mut(pooled.padded_width() * channels).zip(step.rows.range()).for_each(|(output, row)| {
        output.fill(0.0);
        if !(1..=pooled.height as usize).contains(&row) {
            return;
        }
        for x in 0..pooled.width as usize {
            let [upper, lower] =
                [0, 1].map(|dy| &input[(shape.pixel(2 * x, 2 * (row - 1) + dy) - above) * channels..][..2 * channels]);
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
    let above = step.gradient.first_pixel(pooled);
    in_bands(step.into, shape, step.rows, 1, memory, |padded_row, row, memory| {
        let y = padded_row - 1;
        let gradient = memory.values(step.gradient.slot);
        if !step.into.accumulate {
            row.fill(0.0);
        }
        if y / 2 >= pooled.height as usize {
            return;
        }
        for x in 0..2 * pooled.width as usize {
            let gradient = &gradient[(pooled.pixel(x / 2, y / 2) - above) * channels..][..channels];
            let output = &mut row[(x + 1) * channels..][..channels];
            vectorised(
                #[inline(always)]
                || output.iter_mut().zip(gradient).for_each(|(output, gradient)| *output += 0.25 * gradient),
            );
        }
    });
}
