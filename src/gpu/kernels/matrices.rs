//! `covariance.wgsl`, `matrix_product.wgsl`, `cholesky.wgsl` and `polar_factors.wgsl`.

use super::{Binding, Dispatch, params::params};
use crate::plan::{Cholesky, Covariance, Factor, MatrixProduct, POLAR_STEPS, PolarFactors, PolarStep};

params! {
    struct CovarianceParams {
        channels: u32,
        trace_part: f32,
    }
}

params! {
    struct MatrixProductParams {
        channels4: u32,
        factor: u32,
    }
}

params! {
    struct CholeskyParams {
        channels: u32,
        round: u32,
        pivot_part: f32,
    }
}

params! {
    struct PolarFactorsParams {
        steps: u32,
        halley: u32,
        floor: f32,
    }
}

/// Number of a factor in its array.
fn place(factor: Option<Factor>) -> u32 {
    factor.map_or(0, |factor| 2 * factor.index as u32)
}

pub(super) fn covariance(step: &Covariance) -> Dispatch {
    let groups = (step.channels as usize).pow(2).div_ceil(256);
    let params = CovarianceParams { channels: step.channels, trace_part: Covariance::TRACE_PART };
    Dispatch::new("covariance", "covariance_of_gram", &params, groups)
        .slot(1, step.gram)
        .slot(2, step.mean)
        .slot(3, step.scalars)
        .slot(4, step.covariance)
}

pub(super) fn matrix_product(step: &MatrixProduct) -> Dispatch {
    let params = MatrixProductParams { channels4: step.channels / 4, factor: place(step.factor) };
    let groups = (step.channels as usize).pow(2) / (64 * 32);
    Dispatch::new("matrix_product", "matrix_product", &params, groups)
        .slot(1, step.left)
        .slot(2, step.right)
        .bind(3, Binding::optional(step.factor.map(|factor| factor.slot)))
        .slot(4, step.output)
        .flag("WITH_FACTOR", step.factor.is_some())
        .flag("TRANSPOSED", step.transposed)
        .flag("SYMMETRIC", step.symmetric)
}

pub(super) fn cholesky(step: &Cholesky) -> Vec<Dispatch> {
    let blocks = step.channels as usize / Cholesky::BLOCK;
    let mut dispatches = Vec::new();
    for round in 0..blocks {
        let (channels, pivot_part) = (step.channels, Cholesky::PIVOT_PART);
        let params = CholeskyParams { channels, round: round as u32, pivot_part };
        let shader = "cholesky";
        dispatches.push(Dispatch::single(shader, "cholesky_diagonal", &params));
        if blocks > 1 {
            dispatches.push(Dispatch::new(shader, "cholesky_panel", &params, blocks));
        }
        let below = blocks - round - 1;
        if below > 0 {
            dispatches.push(Dispatch::new(shader, "cholesky_update", &params, below * blocks));
        }
    }
    let bound = |dispatch: Dispatch| dispatch.slot(1, step.matrix).slot(2, step.factor).slot(3, step.inverse);
    dispatches.into_iter().map(bound).collect()
}

pub(super) fn polar_factors(step: &PolarFactors) -> Dispatch {
    let bits = POLAR_STEPS.iter().enumerate().map(|(index, step)| u32::from(*step == PolarStep::Halley) << index);
    let params =
        PolarFactorsParams { steps: POLAR_STEPS.len() as u32, halley: bits.sum(), floor: PolarFactors::FLOOR as f32 };
    Dispatch::single("polar_factors", "polar_factors", &params)
        .slot(1, step.squares)
        .slot(2, step.scalars)
        .slot(3, step.factors)
}
