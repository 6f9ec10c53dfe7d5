//! Matrices of channels: covariances, products, and the numbers for polar factors.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Covariance, Factor, MatrixProduct, PolarFactors, TargetScalars};
use crate::product::{Matrix, Product, multiply};
use rayon::prelude::*;

/// One task computes a multiple of so many rows of a product.
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
    let [left, right] = [step.left, step.right].map(|slot| Matrix::of_rows(&memory.values(slot)[..matrix], channels));
    let left = if step.transposed { left.transposed() } else { left };
    let output = &mut numbers(&mut words)[..matrix];
    // The fewer rows, the less of a symmetric matrix is computed twice; the more, the seldomer the right matrix is packed.
    let shared = channels.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(BLOCK);
    let rows = if step.symmetric { BLOCK } else { shared };
    output.par_chunks_mut(rows * channels).enumerate().for_each(|(task, output)| {
        let (row, count) = (task * rows, output.len() / channels);
        // Rows before this block tell the columns before it.
        let first = if step.symmetric { row } else { 0 };
        let product = Product::of_rows(&mut output[first..], channels).scaled(scale);
        multiply(left.rows_from(row, count), right.columns_from(first), product);
        for (place, values) in output.chunks_exact_mut(channels).enumerate() {
            values[row + place] += unit;
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

pub(super) fn polar_factors(step: &PolarFactors, memory: &mut HostMemory) {
    let squares = f64::from(memory.values(step.squares)[0]);
    let TargetScalars { regularisation, .. } = memory.structure(step.scalars);
    let pairs = PolarFactors::pairs(squares, f64::from(regularisation));
    let factors = memory.values_mut(step.factors);
    pairs.iter().flatten().zip(factors).for_each(|(value, factor)| *factor = *value as f32);
}
