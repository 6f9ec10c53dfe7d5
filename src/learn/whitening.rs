//! Whitening: a linear map to a few directions in which patches vary most, all with the same variance.

use crate::{product::Matrix, random::Random};
use nalgebra::DMatrix;

/// Variance added to every direction, as a multiple of the mean over the directions kept, so that directions that
/// hardly vary are not blown up.
const REGULARISATION: f32 = 0.05;
/// Rounds of subspace iteration. Each multiplies the error of a direction by the ratio of the variance of the first
/// direction left out to its own; where that ratio is near one, either direction serves.
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
    // Guards against rounding, where some direction has almost no variance.
    let rounding = 1e-6 * gram.diagonal().mean();
    (0..directions).for_each(|i| gram[(i, i)] += rounding);
    let lower = gram.cholesky().map(|factors| factors.unpack());
    let inverse = lower.and_then(|lower| lower.solve_lower_triangular(&DMatrix::identity(directions, directions)));
    // Unchanged if no factor exists, which happens only with values that are not numbers.
    let inverse = inverse.unwrap_or_else(|| DMatrix::identity(directions, directions));
    // Stored by columns, L^-1 reads as L^-T by rows.
    let inverse: Vec<f32> = inverse.iter().map(|value| *value as f32).collect();
    basis.times(Matrix::of_rows(&inverse, directions))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: usize = 40;

    /// A covariance with a rotated, falling spectrum, and one dimension that never varies.
    fn spectrum() -> Vec<f32> {
        let mut random = Random::new(9);
        let noise = DMatrix::from_fn(DIMS - 1, DIMS - 1, |_, _| f64::from(random.normal()));
        let rotation = noise.qr().q();
        let values = DMatrix::from_fn(DIMS - 1, DIMS - 1, |i, j| if i == j { 0.7_f64.powi(i as i32) } else { 0.0 });
        let covariance = &rotation * values * rotation.transpose();
        let entry = |i: usize, j: usize| if i < DIMS - 1 && j < DIMS - 1 { covariance[(i, j)] as f32 } else { 0.0 };
        (0..DIMS * DIMS).map(|index| entry(index / DIMS, index % DIMS)).collect()
    }

    fn regularisation(covariance: &[f32], directions: usize) -> f32 {
        REGULARISATION * (0..DIMS).map(|i| covariance[i * DIMS + i]).sum::<f32>() / directions as f32
    }

    #[test]
    fn whitened_directions_have_unit_variance_and_are_uncorrelated() {
        let covariance = spectrum();
        for directions in [1, 7, DIMS - 1] {
            let whitening = whitening(&covariance, DIMS, directions, &mut Random::new(1));
            let mut regularised = covariance.clone();
            (0..DIMS).for_each(|i| regularised[i * DIMS + i] += regularisation(&covariance, directions));
            let whitening = Matrix::of_rows(&whitening, directions);
            let product = Matrix::of_rows(&regularised, DIMS).times(whitening);
            let identity = whitening.transposed().times(Matrix::of_rows(&product, directions));
            for (index, value) in identity.iter().enumerate() {
                let expected = if index / directions == index % directions { 1.0 } else { 0.0 };
                assert!((value - expected).abs() < 1e-3, "{directions} directions, entry {index}: {value}");
            }
        }
    }

    #[test]
    fn the_directions_of_greatest_variance_are_kept() {
        let (covariance, directions) = (spectrum(), 8);
        let whitening = whitening(&covariance, DIMS, directions, &mut Random::new(2));
        // The trace of W^T C W over the best eight eigenvalues l is the sum of l / (l + e).
        let e = f64::from(regularisation(&covariance, directions));
        let best: f64 = (0..directions as i32).map(|i| 0.7_f64.powi(i)).map(|l| l / (l + e)).sum();
        let whitening = Matrix::of_rows(&whitening, directions);
        let product = Matrix::of_rows(&covariance, DIMS).times(whitening);
        let kept = whitening.transposed().times(Matrix::of_rows(&product, directions));
        let kept: f64 = (0..directions).map(|i| f64::from(kept[i * (directions + 1)])).sum();
        assert!(kept > 0.995 * best && kept < 1.001 * best, "{kept} of {best}");
    }

    #[test]
    fn what_never_varies_gets_no_weight() {
        let whitening = whitening(&spectrum(), DIMS, 8, &mut Random::new(3));
        assert_eq!(whitening[(DIMS - 1) * 8..], [0.0; 8]);
        assert!(whitening[..(DIMS - 1) * 8].iter().all(|value| *value != 0.0));
    }

    #[test]
    fn a_covariance_of_low_rank_gives_finite_directions() {
        let covariance: Vec<f32> = (0..DIMS * DIMS).map(|i| ((i / DIMS + 1) * (i % DIMS + 1)) as f32 * 1e-6).collect();
        let whitening = whitening(&covariance, DIMS, 30, &mut Random::new(4));
        assert!(whitening.iter().all(|value| value.is_finite()));
    }
}
