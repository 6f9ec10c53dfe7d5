//! `content_loss.wgsl`, `style_loss.wgsl`, `total_variation.wgsl`, `reduce_loss.wgsl` and `record_losses.wgsl`.

use super::{Binding, Dispatch, network_input::inverse_deviation, params::params};
use crate::plan::{
    Border, Coefficients, ContentLoss, NetworkInputBackward, REDUCTION_GROUPS, RecordLosses, SlotId, StyleLoss,
    TotalVariation,
};

params! {
    struct ReduceLossParams {
        count: u32,
        loss: u32,
    }
}

params! {
    struct ContentLossParams {
        first: u32,
        end: u32,
        first_summed: u32,
        end_summed: u32,
        features_start: u32,
        output_start: u32,
        loss: u32,
    }
}

params! {
    struct StyleLossParams {
        values4: u32,
        loss: u32,
    }
}

params! {
    struct TotalVariationParams {
        inverse_deviation: [f32; 4],
        replicate: u32,
        width: u32,
        height: u32,
        loss: u32,
        right_scale: f32,
        down_scale: f32,
    }
}

params! {
    struct RecordLossesParams {
        count: u32,
        rows: u32,
    }
}

/// Workgroups of 256 that stride over this many elements.
pub(super) fn reduction_groups(elements: usize) -> usize {
    elements.div_ceil(256).clamp(1, REDUCTION_GROUPS)
}

fn reduce_loss(partials: SlotId, groups: usize, coefficients: Coefficients, losses: SlotId, add: bool) -> Dispatch {
    let params = ReduceLossParams { count: groups as u32, loss: coefficients.loss as u32 };
    Dispatch::single("reduce_loss", "reduce_loss", &params)
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
    let params = ContentLossParams {
        first: first as u32,
        end: (first + values4) as u32,
        first_summed: summed as u32,
        end_summed: (summed + step.summed.pixels(shape) * channels4) as u32,
        features_start: (step.features.first_pixel(shape) * channels4) as u32,
        output_start: (step.into.output.first_pixel(shape) * channels4) as u32,
        loss: step.coefficients.loss as u32,
    };
    vec![
        Dispatch::new("content_loss", "content_loss", &params, groups)
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
    let params = StyleLossParams { values4: values4 as u32, loss: step.coefficients.loss as u32 };
    vec![
        Dispatch::new("style_loss", "style_loss", &params, groups)
            .slot(1, step.gram)
            .slot(2, step.target)
            .slot(3, step.gram_gradient)
            .slot(4, step.coefficients.slot)
            .slot(5, step.partials)
            .flag("ACCUMULATE", step.accumulate),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, false),
    ]
}

/// With `network`, the same kernel carries out that step too.
pub(super) fn total_variation(step: &TotalVariation, network: Option<&NetworkInputBackward>) -> Vec<Dispatch> {
    let groups = reduction_groups(3 * step.size.pixels());
    let (width, height) = (f64::from(step.size.width), f64::from(step.size.height));
    // A single column or row has no differences: its sum is empty and its scale must not be infinite.
    let scale = |differences: f64| if differences > 0.0 { (1.0 / (3.0 * differences)) as f32 } else { 0.0 };
    let params = TotalVariationParams {
        inverse_deviation: network.map_or([0.0; 4], |network| inverse_deviation(network.normalisation)),
        replicate: u32::from(network.is_some_and(|network| network.border == Border::Replicate)),
        width: step.size.width,
        height: step.size.height,
        loss: step.coefficients.loss as u32,
        right_scale: scale((width - 1.0) * height),
        down_scale: scale(width * (height - 1.0)),
    };
    vec![
        Dispatch::new("total_variation", "total_variation", &params, groups)
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
    let params = RecordLossesParams { count: step.count as u32, rows: step.rows as u32 };
    Dispatch::single("record_losses", "record_losses", &params)
        .slot(1, step.losses)
        .slot(2, step.state)
        .slot(3, step.ring)
}
