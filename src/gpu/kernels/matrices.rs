//! `covariance.wgsl`, `matrix_product.wgsl`, `matrix_scale.wgsl` and `root_factors.wgsl`.

use super::{Binding, Dispatch, losses::reduction_groups, params::params};
use crate::plan::{Covariance, Factor, MatrixProduct, MatrixScale, ROOT_FACTORS, RootFactors, RootKind};

params! {
    struct CovarianceParams {
        channels: u32,
    }
}

params! {
    struct MatrixProductParams {
        channels4: u32,
        factor: u32,
    }
}

params! {
    struct MatrixScaleParams {
        channels: u32,
        factor: u32,
    }
}

params! {
    struct RootFactorsParams {
        values4: u32,
        parts: u32,
        steps: u32,
        polar: u32,
        pairs: u32,
        floor: f32,
    }
}

/// Number of a factor in its array.
fn place(factor: Option<Factor>) -> u32 {
    factor.map_or(0, |factor| 2 * factor.index as u32)
}

pub(super) fn covariance(step: &Covariance) -> Dispatch {
    let groups = (step.channels as usize).pow(2).div_ceil(64);
    Dispatch::new("covariance", "covariance_of_gram", &CovarianceParams { channels: step.channels }, groups)
        .slot(1, step.gram)
        .slot(2, step.mean)
        .slot(3, step.scalars)
        .slot(4, step.covariance)
}

pub(super) fn matrix_product(step: &MatrixProduct) -> Dispatch {
    let params = MatrixProductParams { channels4: step.channels / 4, factor: place(step.factor) };
    let groups = (step.channels as usize).pow(2).div_ceil(8 * 4 * 64);
    Dispatch::new("matrix_product", "matrix_product", &params, groups)
        .slot(1, step.left)
        .slot(2, step.right)
        .bind(3, Binding::optional(step.factor.map(|factor| factor.slot)))
        .slot(4, step.output)
        .flag("WITH_FACTOR", step.factor.is_some())
        .flag("TRANSPOSED", step.transposed)
}

pub(super) fn matrix_scale(step: &MatrixScale) -> Dispatch {
    let params = MatrixScaleParams { channels: step.channels, factor: place(Some(step.factor)) };
    Dispatch::new("matrix_scale", "matrix_scale", &params, (step.channels as usize).pow(2).div_ceil(64))
        .slot(1, step.input)
        .slot(2, step.factor.slot)
        .slot(3, step.output)
}

pub(super) fn root_factors(step: &RootFactors) -> Vec<Dispatch> {
    let values4 = (step.channels as usize).pow(2) / 4;
    let parts = reduction_groups(values4);
    let params = RootFactorsParams {
        values4: values4 as u32,
        parts: parts as u32,
        steps: step.kind.steps() as u32,
        polar: u32::from(step.kind == RootKind::Polar),
        pairs: ROOT_FACTORS as u32,
        floor: step.kind.floor() as f32,
    };
    vec![
        Dispatch::new("root_factors", "root_factors", &params, parts).slot(1, step.matrix).slot(2, step.partials),
        Dispatch::single("root_factors", "root_factors_finish", &params)
            .slot(2, step.partials)
            .slot(3, step.scalars)
            .slot(4, step.factors),
    ]
}
