//! Cholesky factors and their inverses, block by block.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::Cholesky;
use crate::product::{Matrix, Product, multiply};
use rayon::prelude::*;

const BLOCK: usize = Cholesky::BLOCK;

/// A block on the diagonal, row by row.
type Block = [[f32; BLOCK]; BLOCK];

/// Every round takes the next block on the diagonal and eliminates its column from the rows below. To the right of the
/// eliminated columns `inverse` holds what is left of the matrix, to the left what the same eliminations make of the unit
/// matrix: in the end the inverse factor.
pub(super) fn cholesky(step: &Cholesky, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let all = ..channels * channels;
    let mut factor_words = memory.take(step.factor);
    let mut inverse_words = memory.take(step.inverse);
    let matrix = &memory.values(step.matrix)[all];
    let (factor, inverse) = (&mut numbers(&mut factor_words)[all], &mut numbers(&mut inverse_words)[all]);
    factor.fill(0.0);
    inverse.copy_from_slice(matrix);
    for first in (0..channels).step_by(BLOCK) {
        let end = first + BLOCK;
        let (above, below) = inverse.split_at_mut(end * channels);
        let row = &mut above[first * channels..];
        let least: [f32; BLOCK] =
            std::array::from_fn(|index| Cholesky::PIVOT_PART * matrix[(first + index) * (channels + 1)]);
        let mut of_factor: Block = std::array::from_fn(|index| {
            let values = &row[index * channels + first..][..BLOCK];
            std::array::from_fn(|column| values[column])
        });
        factorise(&mut of_factor, &least);
        let of_inverse = invert(&of_factor);
        let of_inverse = Matrix::of_rows(of_inverse.as_flattened(), BLOCK);
        // The finished rows of the inverse, the block on the diagonal included, which comes from the unit matrix.
        let mut finished = vec![0.0; BLOCK * end];
        let old = Matrix::part(row, BLOCK, first, channels);
        multiply(of_inverse, old, Product::of_rows(&mut finished, end));
        for (index, (row, finished)) in row.chunks_exact_mut(channels).zip(finished.chunks_exact_mut(end)).enumerate() {
            finished[first..].copy_from_slice(of_inverse.row(index));
            row[..end].copy_from_slice(finished);
            row[end..].fill(0.0);
            factor[(first + index) * channels + first..][..BLOCK].copy_from_slice(&of_factor[index]);
        }
        let count = channels - end;
        if count == 0 {
            break;
        }
        let mut panel = vec![0.0; count * BLOCK];
        let old = Matrix::part(&below[first..], count, BLOCK, channels);
        multiply(old, of_inverse.transposed(), Product::of_rows(&mut panel, BLOCK));
        for (values, panel) in factor[end * channels..].chunks_exact_mut(channels).zip(panel.chunks_exact(BLOCK)) {
            values[first..end].copy_from_slice(panel);
        }
        let panel = Matrix::of_rows(&panel, BLOCK);
        let finished = Matrix::of_rows(&finished, end);
        below.par_chunks_mut(BLOCK * channels).enumerate().for_each(|(block, rows)| {
            let own = panel.rows_from(block * BLOCK, BLOCK);
            for row in rows.chunks_exact_mut(channels) {
                row[first..end].fill(0.0);
            }
            multiply(own, finished, Product::of_rows(rows, channels).scaled(-1.0).added());
            // Only up to the diagonal: what is left is symmetric.
            let others = panel.rows_from(0, (block + 1) * BLOCK);
            multiply(own, others.transposed(), Product::of_rows(&mut rows[end..], channels).scaled(-1.0).added());
        });
    }
    memory.put(step.factor, factor_words);
    memory.put(step.inverse, inverse_words);
}

/// The lower triangular factor of a symmetric block, of which only the lower triangle is read.
fn factorise(block: &mut Block, least: &[f32; BLOCK]) {
    for pivot in 0..BLOCK {
        // A comparison keeps a NaN.
        let square = block[pivot][pivot];
        let root = if square < least[pivot] { least[pivot] } else { square }.sqrt();
        let mut column = [0.0; BLOCK];
        for row in pivot + 1..BLOCK {
            column[row] = block[row][pivot] / root;
        }
        for row in pivot + 1..BLOCK {
            let own = column[row];
            let pairs = block[row].iter_mut().zip(&column);
            pairs.for_each(|(value, other)| *value -= own * other);
            block[row][pivot] = own;
        }
        block[pivot][pivot] = root;
        block[pivot][pivot + 1..].fill(0.0);
    }
}

/// The inverse of a lower triangular block.
fn invert(block: &Block) -> Block {
    let mut inverse = [[0.0; BLOCK]; BLOCK];
    for row in 0..BLOCK {
        let mut sum = [0.0; BLOCK];
        for (value, other) in block[row][..row].iter().zip(&inverse) {
            sum.iter_mut().zip(other).for_each(|(sum, other)| *sum -= value * other);
        }
        sum[row] = 1.0;
        inverse[row] = sum.map(|value| value / block[row][row]);
    }
    inverse
}
