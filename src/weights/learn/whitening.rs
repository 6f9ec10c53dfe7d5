//! Whitening: a linear map to a few directions in which patches vary most, all with the same variance.

use super::product::Matrix;
use crate::random::Random;
use nalgebra::DMatrix;

/// Variance added to every direction, as a multiple of the mean over the directions kept: those that hardly vary are
/// not blown up.
const REGULARISATION: f32 = 0.05;
/// Rounds of subspace iteration. Each multiplies what is wrong with a direction by the ratio of its variance to that of
/// the first direction left out; where that ratio is near one, either direction serves.
const ROUNDS: usize = 5;

/// The matrix W, `directions` columns stored row by row, with W^T (C + e I) W = I for the covariance C and the
/// regularisation e, whose columns span the directions of greatest variance.
///
/// Subspace iteration (Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 2011), made
/// orthonormal by Cholesky factors. Any rotation of W's columns whitens as well, so eigenvectors are not needed.
pub(super) fn whitening(covariance: &[f32], dims: usize, directions: usize, random: &mut Random) -> Vec<f32> {
    let variance: f64 = (0..dims).map(|i| f64::from(covariance[i * dims + i])).sum();
    let regularisation = REGULARISATION * (variance / directions as f64) as f32;
    let covariance = Matrix::of_rows(covariance, dims);
    let mut basis = vec![0.0; dims * directions];
    for (row, values) in basis.chunks_exact_mut(directions).enumerate() {
        // What never varies, such as the fourth channel of the network's input, stays out.
        if covariance.diagonal(row) > 0.0 {
            values.iter_mut().for_each(|value| *value = random.normal());
        }
    }
    let regularised = |basis: &[f32]| {
        let mut product = covariance.times(Matrix::of_rows(basis, directions));
        product.iter_mut().zip(basis).for_each(|(value, basis)| *value += regularisation * basis);
        product
    };
    for _ in 0..ROUNDS {
        let product = regularised(&basis);
        basis = normalised(&product, &product, directions);
    }
    let product = regularised(&basis);
    normalised(&basis, &product, directions)
}

/// B L^-T with L L^T = B^T M: for M = B the columns become orthonormal, for M = C B they get unit variance under C.
fn normalised(basis: &[f32], product: &[f32], directions: usize) -> Vec<f32> {
    let basis = Matrix::of_rows(basis, directions);
    let gram = basis.transposed().times(Matrix::of_rows(product, directions));
    let mut gram = DMatrix::from_fn(directions, directions, |i, j| {
        0.5 * (f64::from(gram[i * directions + j]) + f64::from(gram[j * directions + i]))
    });
    // Against rounding, where some direction has next to no variance.
    let rounding = 1e-6 * gram.diagonal().mean();
    (0..directions).for_each(|i| gram[(i, i)] += rounding);
    let lower = gram.cholesky().map(|factors| factors.unpack());
    let inverse = lower.and_then(|lower| lower.solve_lower_triangular(&DMatrix::identity(directions, directions)));
    // Unchanged where no factor exists, which only values that are not numbers bring about.
    let inverse = inverse.unwrap_or_else(|| DMatrix::identity(directions, directions));
    // Stored by columns, L^-1 reads as L^-T by rows.
    let inverse: Vec<f32> = inverse.iter().map(|value| *value as f32).collect();
    basis.times(Matrix::of_rows(&inverse, directions))
}
