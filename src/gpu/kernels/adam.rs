//! `adam.wgsl`.

use super::{Dispatch, params::params};
use crate::plan::Adam;

params! {
    struct Params {
        count: u32,
        beta1: f32,
        beta2: f32,
        decay: f32,
        terms: u32,
    }
}

pub(super) fn adam(step: &Adam) -> Vec<Dispatch> {
    let params = Params {
        count: step.count as u32,
        beta1: step.betas[0],
        beta2: step.betas[1],
        decay: step.decay,
        terms: step.terms as u32,
    };
    vec![
        Dispatch::single("adam", "advance", &params).slot(1, step.state),
        Dispatch::new("adam", "adam", &params, step.count.div_ceil(64))
            .slot(1, step.state)
            .slot(2, step.image)
            .slot(3, step.gradient)
            .slot(4, step.mean)
            .slot(5, step.square)
            .slot(6, step.average)
            .slot(7, step.rates)
            .slot(8, step.losses),
    ]
}
