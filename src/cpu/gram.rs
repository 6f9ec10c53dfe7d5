//! Gram matrix of a feature map, and the gradient that comes back through it.

use super::destination::in_bands;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Gram, GramBackward};
use gemm::Parallelism;
use rayon::prelude::*;

/// Rows of the matrix that one task computes.
const BLOCK: usize = 64;
/// Rows of the map that one task of the gradient takes.
const BAND: usize = 4;

pub(super) fn gram(step: &Gram, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let matrix = channels * channels;
    let splits = step.splits as usize;
    let run = step.shape.padded_pixels().div_ceil(splits) * channels;
    let mut partial_words = memory.take(step.partials);
    let mut gram_words = memory.take(step.gram);
    let partials = &mut numbers(&mut partial_words)[..splits * matrix];
    let features = &memory.values(step.features.slot)[..step.shape.values()];
    let blocks = channels / BLOCK;
    // Blocks of rows up to the diagonal; the matrix is symmetric.
    partials.par_chunks_mut(BLOCK * channels).enumerate().for_each(|(task, rows)| {
        let (split, block) = (task / blocks, task % blocks);
        let start = (split * run).min(features.len());
        let pixels = &features[start..features.len().min(start + run)];
        partial_gram(pixels, channels, block * BLOCK, rows);
    });
    let scale = 1.0 / step.pixels as f32;
    let partials = &*partials;
    let gram = &mut numbers(&mut gram_words)[..matrix];
    gram.par_chunks_mut(channels).enumerate().for_each(|(row, values)| {
        let known = (row / BLOCK + 1) * BLOCK;
        values.fill(0.0);
        for partial in partials.chunks(matrix) {
            let partial = &partial[row * channels..][..known];
            values.iter_mut().zip(partial).for_each(|(sum, value)| *sum += value);
        }
        values[..known].iter_mut().for_each(|value| *value *= scale);
    });
    for row in 0..channels {
        for column in (row / BLOCK + 1) * BLOCK..channels {
            gram[row * channels + column] = gram[column * channels + row];
        }
    }
    memory.put(step.partials, partial_words);
    memory.put(step.gram, gram_words);
}

/// Rows `first..` of F^T F over some pixels, up to and including the block on the diagonal.
fn partial_gram(pixels: &[f32], channels: usize, first: usize, rows: &mut [f32]) {
    let count = pixels.len() / channels;
    let columns = first + BLOCK;
    assert!(rows.len() == BLOCK * channels && columns <= channels);
    // SAFETY: both factors are views of `count` pixels of `channels` values that start at channels `first` and 0; the
    // result has `BLOCK` rows of `channels` values of which the first `columns` are written.
    unsafe {
        gemm::gemm(
            BLOCK,
            columns,
            count,
            rows.as_mut_ptr(),
            1,
            channels as isize,
            false,
            pixels.as_ptr().wrapping_add(first),
            channels as isize,
            1,
            pixels.as_ptr(),
            1,
            channels as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

pub(super) fn gram_backward(step: &GramBackward, memory: &mut HostMemory) {
    let channels = step.shape.channels as usize;
    let row = step.shape.padded_width() * channels;
    in_bands(step.into, step.shape, BAND, memory, |first_row, output, memory| {
        let features = &memory.values(step.features.slot)[(first_row + 1) * row..][..output.len()];
        let matrix = &memory.values(step.gram_gradient)[..channels * channels];
        let pixels = output.len() / channels;
        let scale = if step.into.accumulate { 1.0 } else { 0.0 };
        // SAFETY: `output` and `features` have `pixels` rows of `channels` values, `matrix` has `channels`.
        unsafe {
            gemm::gemm(
                pixels,
                channels,
                channels,
                output.as_mut_ptr(),
                1,
                channels as isize,
                step.into.accumulate,
                features.as_ptr(),
                1,
                channels as isize,
                matrix.as_ptr(),
                1,
                channels as isize,
                scale,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    });
}
