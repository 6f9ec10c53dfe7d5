//! Parallel sums whose order does not depend on the threads.

use super::simd::vectorised;
use rayon::prelude::*;

/// Values that one task takes.
pub(super) const RUN: usize = 1 << 14;
const LANES: usize = 16;

/// The sum of `term(a, b)` over two arrays of one length, in f64.
pub(super) fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
    let runs: Vec<f64> = a.par_chunks(RUN).zip(b.par_chunks(RUN)).map(|(a, b)| sum_run(a, b, &term)).collect();
    runs.iter().sum()
}

/// The same over one run.
pub(super) fn sum_run(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f64) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let mut lanes = [0.0; LANES];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            for (a, b) in a.iter().zip(b) {
                for lane in 0..LANES {
                    lanes[lane] += term(a[lane], b[lane]);
                }
            }
            let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
            lanes.iter().sum::<f64>() + rest
        },
    )
}

/// The sum of squared differences.
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| {
        let difference = f64::from(a - b);
        difference * difference
    })
}

/// The inner product.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| f64::from(a) * f64::from(b))
}
