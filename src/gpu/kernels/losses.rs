//! `content_loss.wgsl`, `style_loss.wgsl`, `total_variation.wgsl`, `reduce_loss.wgsl` and `record_losses.wgsl`.

use super::{Binding, Dispatch, network_input::inverse_deviation};
use crate::plan::{
    Border, Coefficients, ContentLoss, NetworkInputBackward, REDUCTION_GROUPS, RecordLosses, SlotId, StyleLoss,
    TotalVariation,
};

/// Workgroups of 256 that stride over so many elements.
pub(super) fn reduction_groups(elements: usize) -> usize {
    elements.div_ceil(256).clamp(1, REDUCTION_GROUPS)
}

fn reduce_loss(partials: SlotId, groups: usize, coefficients: Coefficients, losses: SlotId, add: bool) -> Dispatch {
    Dispatch::new("reduce_loss", "reduce_loss", vec![groups as u32, coefficients.loss as u32], 1)
        .slot(1, partials)
        .slot(2, coefficients.slot)
        .slot(3, losses)
        .flag("ACCUMULATE", add)
}

pub(super) fn content_loss(step: &ContentLoss) -> Vec<Dispatch> {
    let (shape, channels4) = (step.shape, step.shape.channels as usize / 4);
    let values4 = step.rows.pixels(shape) * channels4;
    let groups = reduction_groups(values4);
    let first = step.rows.first_pixel(shape) * channels4;
    let summed = step.summed.first_pixel(shape) * channels4;
    let words = [
        groups,
        first,
        first + values4,
        summed,
        summed + step.summed.pixels(shape) * channels4,
        step.features.first_pixel(shape) * channels4,
        step.into.output.first_pixel(shape) * channels4,
        step.coefficients.loss,
    ];
    vec![
        Dispatch::new("content_loss", "content_loss", words.map(|word| word as u32).to_vec(), groups)
            .slot(1, step.features.slot)
            .slot(2, step.target)
            .destination(step.into, 3, 4)
            .slot(5, step.coefficients.slot)
            .slot(6, step.partials),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, step.accumulate),
    ]
}

pub(super) fn style_loss(step: &StyleLoss) -> Vec<Dispatch> {
    let values4 = (step.channels * step.channels / 4) as usize;
    let groups = reduction_groups(values4);
    let params = vec![groups as u32, values4 as u32, step.coefficients.loss as u32];
    vec![
        Dispatch::new("style_loss", "style_loss", params, groups)
            .slot(1, step.gram)
            .slot(2, step.target)
            .slot(3, step.gram_gradient)
            .slot(4, step.coefficients.slot)
            .slot(5, step.partials)
            .flag("ACCUMULATE", step.accumulate),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, false),
    ]
}

/// With `network` that step is done by the same kernel.
pub(super) fn total_variation(step: &TotalVariation, network: Option<&NetworkInputBackward>) -> Vec<Dispatch> {
    let groups = reduction_groups(3 * step.size.pixels());
    let (width, height) = (f64::from(step.size.width), f64::from(step.size.height));
    // A single column or row has no differences: its sum is empty and its scale must not be infinite.
    let scale = |differences: f64| if differences > 0.0 { (1.0 / (3.0 * differences)) as f32 } else { 0.0 };
    let mut params = vec![
        groups as u32,
        step.size.width,
        step.size.height,
        step.coefficients.loss as u32,
        scale((width - 1.0) * height).to_bits(),
        scale(width * (height - 1.0)).to_bits(),
    ];
    if let Some(network) = network {
        // So that the vec4 is aligned.
        params.push(0);
        params.extend(inverse_deviation(network.normalisation));
        params.push(u32::from(network.border == Border::Replicate));
    } else {
        params.resize(params.len() + 6, 0);
    }
    vec![
        Dispatch::new("total_variation", "total_variation", params, groups)
            .slot(1, step.image)
            .slot(2, step.image_gradient)
            .slot(3, step.coefficients.slot)
            .slot(4, step.partials)
            .bind(5, Binding::optional(network.map(|network| network.gradient)))
            .bind(6, Binding::optional(network.map(|network| network.inverse_scale)))
            .flag("FROM_NETWORK", network.is_some()),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, false),
    ]
}

pub(super) fn record_losses(step: &RecordLosses) -> Dispatch {
    Dispatch::new("record_losses", "record_losses", vec![step.count as u32, step.rows as u32], 1)
        .slot(1, step.losses)
        .slot(2, step.state)
        .slot(3, step.ring)
}
