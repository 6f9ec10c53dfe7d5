//! `network_input.wgsl`.

use super::Dispatch;
use crate::{
    plan::{Border, NetworkInput, NetworkInputBackward, Size},
    weights::Normalisation,
};

/// The uniform's vec4.
pub(super) fn inverse_deviation(normalisation: Normalisation) -> [u32; 4] {
    let [red, green, blue] = normalisation.deviation.map(|value| (1.0 / value).to_bits());
    [red, green, blue, 0]
}

fn params(size: Size, border: Border, normalisation: Normalisation) -> Vec<u32> {
    // `first_group` and these three fill the uniform's first 16 bytes, so that the vec4 behind them are aligned.
    let mut params = vec![size.width, size.height, u32::from(border == Border::Replicate)];
    params.extend(normalisation.mean.map(f32::to_bits));
    params.push(0);
    params.extend(inverse_deviation(normalisation));
    params
}

pub(super) fn network_input(step: &NetworkInput) -> Dispatch {
    let padded = (step.size.width as usize + 2) * (step.size.height as usize + 2);
    let params = params(step.size, step.border, step.normalisation);
    Dispatch::new("network_input", "network_input", params, padded.div_ceil(64))
        .slot(1, step.image)
        .slot(2, step.output)
}

pub(super) fn network_input_backward(step: &NetworkInputBackward) -> Dispatch {
    let params = params(step.size, step.border, step.normalisation);
    Dispatch::new("network_input", "network_input_backward", params, step.size.pixels().div_ceil(64))
        .slot(1, step.image_gradient)
        .slot(2, step.gradient)
        .slot(3, step.inverse_scale)
}
