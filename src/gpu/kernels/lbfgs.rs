//! `lbfgs_vectors.wgsl`, `lbfgs_dots.wgsl` and `lbfgs_scalars.wgsl`.

use super::{Dispatch, losses::reduction_groups, params::params};
use crate::plan::{LbfgsDirection, LbfgsDots, LbfgsScalars, LbfgsTrial, LbfgsUpdate, REDUCTION_GROUPS};

params! {
    struct VectorsParams {
        count: u32,
        rows: u32,
    }
}

params! {
    struct DotsParams {
        count: u32,
        rows: u32,
        parts: u32,
    }
}

params! {
    struct ScalarsParams {
        count: u32,
        parts: u32,
    }
}

fn vectors(entry: &'static str, count: usize, rows: usize) -> Dispatch {
    let params = VectorsParams { count: count as u32, rows: rows as u32 };
    Dispatch::new("lbfgs_vectors", entry, &params, count.div_ceil(64))
}

pub(super) fn lbfgs_update(step: &LbfgsUpdate) -> Dispatch {
    vectors("lbfgs_update", step.count, 2 * step.memory + 1)
        .slot(1, step.control)
        .slot(2, step.history)
        .slot(3, step.image)
        .slot(4, step.gradient)
        .slot(5, step.base)
}

pub(super) fn lbfgs_direction(step: &LbfgsDirection) -> Dispatch {
    vectors("lbfgs_direction", step.count, 2 * step.memory + 1)
        .slot(1, step.control)
        .slot(2, step.history)
        .slot(6, step.direction)
}

pub(super) fn lbfgs_trial(step: &LbfgsTrial) -> Dispatch {
    vectors("lbfgs_trial", step.count, 0)
        .slot(1, step.control)
        .slot(3, step.image)
        .slot(5, step.base)
        .slot(6, step.direction)
}

pub(super) fn lbfgs_dots(step: &LbfgsDots) -> Vec<Dispatch> {
    let rows = 2 * step.memory + 1;
    let parts = step.count.div_ceil(64).clamp(1, REDUCTION_GROUPS);
    let params = DotsParams { count: step.count as u32, rows: rows as u32, parts: parts as u32 };
    vec![
        Dispatch::new("lbfgs_dots", "lbfgs_dots", &params, 3 * rows * parts)
            .slot(1, step.control)
            .slot(2, step.history)
            .slot(3, step.partials),
        Dispatch::new("lbfgs_dots", "lbfgs_dots_reduce", &params, 3 * rows)
            .slot(3, step.partials)
            .slot(4, step.results),
    ]
}

pub(super) fn lbfgs_scalars(step: &LbfgsScalars) -> Vec<Dispatch> {
    let parts = reduction_groups(step.count);
    let params = ScalarsParams { count: step.count as u32, parts: parts as u32 };
    vec![
        Dispatch::new("lbfgs_scalars", "lbfgs_scalars", &params, parts)
            .slot(1, step.gradient)
            .slot(2, step.direction)
            .slot(3, step.partials),
        Dispatch::single("lbfgs_scalars", "lbfgs_scalars_reduce", &params).slot(3, step.partials).slot(4, step.results),
    ]
}
