//! `network_input.wgsl`.

use super::{Dispatch, params::params};
use crate::{
    plan::{Border, NetworkInput, NetworkInputBackward, Size},
    weights::Normalisation,
};

params! {
    struct Params {
        mean: [f32; 4],
        inverse_deviation: [f32; 4],
        width: u32,
        height: u32,
        border: u32,
    }
}

pub(super) fn inverse_deviation(normalisation: Normalisation) -> [f32; 4] {
    let [red, green, blue] = normalisation.deviation.map(|value| 1.0 / value);
    [red, green, blue, 0.0]
}

fn params(size: Size, border: Border, normalisation: Normalisation) -> Params {
    let [red, green, blue] = normalisation.mean;
    Params {
        mean: [red, green, blue, 0.0],
        inverse_deviation: inverse_deviation(normalisation),
        width: size.width,
        height: size.height,
        border: match border {
            Border::Zero => 0,
            Border::Replicate => 1,
            Border::Wrap => 2,
        },
    }
}

pub(super) fn network_input(step: &NetworkInput) -> Dispatch {
    let padded = (step.size.width as usize + 2) * (step.size.height as usize + 2);
    let params = params(step.size, step.border, step.normalisation);
    Dispatch::new("network_input", "network_input", &params, padded.div_ceil(64))
        .slot(1, step.image)
        .slot(2, step.output)
}

pub(super) fn network_input_backward(step: &NetworkInputBackward) -> Dispatch {
    let params = params(step.size, step.border, step.normalisation);
    Dispatch::new("network_input", "network_input_backward", &params, step.size.pixels().div_ceil(64))
        .slot(1, step.image_gradient)
        .slot(2, step.gradient)
        .slot(3, step.inverse_scale)
}
