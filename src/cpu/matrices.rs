//! Matrices of channels: covariances, products, and what their roots need.

use super::sums::dot;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Covariance, Factor, MatrixProduct, MatrixScale, RootFactors, TargetScalars};
use gemm::Parallelism;
use rayon::prelude::*;

/// Rows of a product that one task computes.
const BLOCK: usize = 64;

pub(super) fn covariance(step: &Covariance, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let mut words = memory.take(step.covariance);
    let (gram, mean) = (memory.values(step.gram), &memory.values(step.mean)[..channels]);
    let trace: f32 = gram[..channels * channels].iter().step_by(channels + 1).sum();
    let added = regularisation.max(Covariance::TRACE_PART * trace);
    let rows = numbers(&mut words)[..channels * channels].chunks_exact_mut(channels);
    for (i, (row, gram)) in rows.zip(gram.chunks_exact(channels)).enumerate() {
        for ((entry, gram), other) in row.iter_mut().zip(gram).zip(mean) {
            *entry = gram - mean[i] * other;
        }
        row[i] += added;
    }
    memory.put(step.covariance, words);
}

/// (u, v), (1, 0) without a factor.
fn pair(factor: Option<Factor>, memory: &HostMemory) -> [f32; 2] {
    factor.map_or([1.0, 0.0], |Factor { slot, index }| {
        let factors = memory.values(slot);
        [factors[2 * index], factors[2 * index + 1]]
    })
}

pub(super) fn matrix_product(step: &MatrixProduct, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let [scale, unit] = pair(step.factor, memory);
    let mut words = memory.take(step.output);
    let matrix = channels * channels;
    let (left, right) = (&memory.values(step.left)[..matrix], &memory.values(step.right)[..matrix]);
    let output = &mut numbers(&mut words)[..matrix];
    // Values between neighbours along a row and a column.
    let (along, down) = if step.transposed { (channels, 1) } else { (1, channels) };
    output.par_chunks_mut(BLOCK * channels).enumerate().for_each(|(block, output)| {
        let left = &left[block * BLOCK * down..];
        // Rows before this block tell the columns before it.
        let first = if step.symmetric { block * BLOCK } else { 0 };
        // SAFETY: `output` has `output.len() / channels` rows of `channels` values; as many rows, or columns if it is
        // transposed, of `left` follow the first of the block; `right` has `channels` rows. Columns begin with `first`.
        unsafe {
            gemm::gemm(
                output.len() / channels,
                channels - first,
                channels,
                output.as_mut_ptr().wrapping_add(first),
                1,
                channels as isize,
                false,
                left.as_ptr(),
                along as isize,
                down as isize,
                right.as_ptr().wrapping_add(first),
                1,
                channels as isize,
                0.0,
                scale,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
        for (row, values) in output.chunks_exact_mut(channels).enumerate() {
            values[block * BLOCK + row] += unit;
        }
    });
    if step.symmetric {
        for row in BLOCK..channels {
            for column in 0..row / BLOCK * BLOCK {
                output[row * channels + column] = output[column * channels + row];
            }
        }
    }
    memory.put(step.output, words);
}

pub(super) fn matrix_scale(step: &MatrixScale, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let [scale, unit] = pair(Some(step.factor), memory);
    let mut words = memory.take(step.output);
    let input = memory.values(step.input);
    let rows = numbers(&mut words)[..channels * channels].chunks_exact_mut(channels);
    for (i, (row, input)) in rows.zip(input.chunks_exact(channels)).enumerate() {
        row.iter_mut().zip(input).for_each(|(value, input)| *value = scale * input);
        row[i] += unit;
    }
    memory.put(step.output, words);
}

pub(super) fn root_factors(step: &RootFactors, memory: &mut HostMemory) {
    let matrix = &memory.values(step.matrix)[..(step.channels as usize).pow(2)];
    let squares = dot(matrix, matrix);
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let pairs = RootFactors::pairs(squares, f64::from(regularisation), step.kind);
    let factors = memory.values_mut(step.factors);
    pairs.iter().flatten().zip(factors).for_each(|(value, factor)| *factor = *value as f32);
}
