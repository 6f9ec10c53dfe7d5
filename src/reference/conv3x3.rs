//! 3x3 convolution with bias and ReLU, and its gradient with respect to the input.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map};
use crate::weights::ConvolutionFilters;

/// Sums over those of the 3x3 padded pixels around a padded pixel that lie inside the padded map.
fn convolve(sums: &mut [f64], from: Map, weight: &[f32], shape: FeatureShape, pixel: usize, memory: &HostMemory) {
    let (column, row) = (pixel % shape.padded_width(), pixel / shape.padded_width());
    let channels = shape.channels as usize;
    let input = memory.values(from.slot);
    for tap in 0..9 {
        let (Some(x), Some(y)) = ((column + tap % 3).checked_sub(1), (row + tap / 3).checked_sub(1)) else { continue };
        if x >= shape.padded_width() || y >= shape.height as usize + 2 {
            continue;
        }
        let pixel = y * shape.padded_width() + x - from.first_pixel(shape);
        for channel in 0..channels {
            let value = f64::from(input[pixel * channels + channel]);
            let filter = &weight[(tap * channels + channel) * sums.len()..][..sums.len()];
            for (sum, &factor) in sums.iter_mut().zip(filter) {
                *sum += value * f64::from(factor);
            }
        }
    }
}

pub(super) fn conv3x3(step: &Conv3x3, filters: &ConvolutionFilters, memory: &mut HostMemory) {
    let shape = step.shape;
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output.slot);
    let output = numbers(&mut words);
    let mut mask = step.mask.map(|slot| (slot, memory.take(slot)));
    let read = shape.with_channels(filters.input_channels as u32);
    for pixel in step.rows.first_pixel(shape)..step.rows.first_pixel(shape) + step.rows.pixels(shape) {
        let mut sums: Vec<f64> = filters.bias.iter().map(|&bias| f64::from(bias)).collect();
        if shape.is_halo(pixel) {
            sums.fill(0.0);
        } else {
            convolve(&mut sums, step.input, &filters.weight, read, pixel, memory);
        }
        for (channel, &sum) in sums.iter().enumerate() {
            // A maximum would lose a NaN.
            let value = if sum < 0.0 { 0.0 } else { sum as f32 };
            output[(pixel - step.output.first_pixel(shape)) * channels + channel] = value;
            if let Some((_, mask)) = &mut mask {
                let (word, bit) = shape.mask_bit(pixel, channel);
                mask[word] = mask[word] & !(1 << bit) | u32::from(value > 0.0) << bit;
            }
        }
    }
    memory.put(step.output.slot, words);
    if let Some((slot, words)) = mask {
        memory.put(slot, words);
    }
}

pub(super) fn conv3x3_backward(step: &Conv3x3Backward, filters: &ConvolutionFilters, memory: &mut HostMemory) {
    let shape = step.shape;
    let channels = shape.channels as usize;
    let weight = filters.transposed();
    let read = shape.with_channels(filters.output_channels as u32);
    let first = step.rows.first_pixel(shape);
    let mut new = vec![0.0; step.rows.pixels(shape) * channels];
    for (index, sums) in new.chunks_mut(channels).enumerate() {
        convolve(sums, step.gradient, &weight, read, first + index, memory);
    }
    if step.layer.below().is_some() {
        destination::store(step.into, shape, step.rows, &new, memory);
    } else {
        // The network input's halo gets its gradient too.
        let into = step.into.output;
        let output = &mut memory.values_mut(into.slot)[(first - into.first_pixel(shape)) * channels..];
        output.iter_mut().zip(&new).for_each(|(output, &new)| *output = new as f32);
    }
}
