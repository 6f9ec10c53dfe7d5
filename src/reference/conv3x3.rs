//! 3x3 convolution with bias and ReLU, and its gradient by the input.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Conv3x3, Conv3x3Backward, FeatureShape};
use crate::weights::ConvolutionFilters;

/// Sums, for the pixel in the middle of the 3x3 padded pixels around (column, row), over those inside the padded map.
fn convolve(sums: &mut [f64], input: &[f32], weight: &[f32], shape: FeatureShape, column: usize, row: usize) {
    let channels = shape.channels as usize;
    for tap in 0..9 {
        let (Some(x), Some(y)) = ((column + tap % 3).checked_sub(1), (row + tap / 3).checked_sub(1)) else { continue };
        if x >= shape.padded_width() || y >= shape.height as usize + 2 {
            continue;
        }
        let pixel = y * shape.padded_width() + x;
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
    let mut output_words = memory.take(step.output);
    let output = &mut numbers(&mut output_words)[..shape.values()];
    let mut mask = step.mask.map(|slot| (slot, memory.take(slot)));
    output.fill(0.0);
    if let Some((_, mask)) = &mut mask {
        mask[..shape.mask_words()].fill(0);
    }
    let input = memory.values(step.input);
    let input_shape = shape.with_channels(filters.input_channels as u32);
    for y in 0..shape.height as usize {
        for x in 0..shape.width as usize {
            let mut sums: Vec<f64> = filters.bias.iter().map(|&bias| f64::from(bias)).collect();
            convolve(&mut sums, input, &filters.weight, input_shape, x + 1, y + 1);
            let pixel = shape.pixel(x, y);
            for (channel, &sum) in sums.iter().enumerate() {
                let value = sum.max(0.0) as f32;
                output[pixel * channels + channel] = value;
                if let Some((_, mask)) = &mut mask {
                    let (word, bit) = shape.mask_bit(pixel, channel);
                    mask[word] |= u32::from(value > 0.0) << bit;
                }
            }
        }
    }
    memory.put(step.output, output_words);
    if let Some((slot, words)) = mask {
        memory.put(slot, words);
    }
}

pub(super) fn conv3x3_backward(step: &Conv3x3Backward, filters: &ConvolutionFilters, memory: &mut HostMemory) {
    let shape = step.shape;
    let channels = shape.channels as usize;
    let weight = filters.transposed();
    let gradient = memory.values(step.gradient);
    let gradient_shape = shape.with_channels(filters.output_channels as u32);
    let mut new = vec![0.0; shape.values()];
    for (pixel, sums) in new.chunks_mut(channels).enumerate() {
        let (column, row) = (pixel % shape.padded_width(), pixel / shape.padded_width());
        convolve(sums, gradient, &weight, gradient_shape, column, row);
    }
    if step.layer.below().is_some() {
        destination::store(step.into, shape, &new, memory);
    } else {
        // The network input's halo gets its gradient too.
        let output = &mut memory.values_mut(step.into.output)[..shape.values()];
        output.iter_mut().zip(&new).for_each(|(output, &new)| *output = new as f32);
    }
}
