//! `network_input.wgsl`.

use super::{Dispatch, params::params};
use crate::{
    plan::{Border, NetworkInput, NetworkInputBackward, Size},
    weights::Normalisation,
};

params! {
    struct Params {
        width: u32,
        height: u32,
        replicate: u32,
        unscale: u32,
        mean: [f32; 4],
        inverse_deviation: [f32; 4],
    }
}

pub(super) fn inverse_deviation(normalisation: Normalisation) -> [f32; 4] {
    let [red, green, blue] = normalisation.deviation.map(|value| 1.0 / value);
    [red, green, blue, 0.0]
}

/// `unscale` is the place of a coefficient, which only the backward kernel reads.
fn params(size: Size, border: Border, normalisation: Normalisation, unscale: u32) -> Params {
    let [red, green, blue] = normalisation.mean;
    Params {
        width: size.width,
        height: size.height,
        replicate: u32::from(border == Border::Replicate),
        unscale,
        mean: [red, green, blue, 0.0],
        inverse_deviation: inverse_deviation(normalisation),
    }
}

/// Where the coefficient stands that undoes the scale of the losses' gradients.
pub(super) fn unscale(step: &NetworkInputBackward) -> u32 {
    2 * step.unscale.loss as u32 + 1
}

pub(super) fn network_input(step: &NetworkInput) -> Dispatch {
    let padded = (step.size.width as usize + 2) * (step.size.height as usize + 2);
    let params = params(step.size, step.border, step.normalisation, 0);
    Dispatch::new("network_input", "network_input", &params, padded.div_ceil(64))
        .slot(1, step.image)
        .slot(2, step.output)
}

pub(super) fn network_input_backward(step: &NetworkInputBackward) -> Dispatch {
    let params = params(step.size, step.border, step.normalisation, unscale(step));
    Dispatch::new("network_input", "network_input_backward", &params, step.size.pixels().div_ceil(64))
        .slot(1, step.image_gradient)
        .slot(2, step.gradient)
        .slot(3, step.unscale.slot)
}
