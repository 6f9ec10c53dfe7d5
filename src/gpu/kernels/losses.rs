//! `content_loss.wgsl`, `style_loss.wgsl`, `total_variation.wgsl`, `reduce_loss.wgsl` and `record_losses.wgsl`.

use super::Dispatch;
use crate::plan::{Coefficients, ContentLoss, REDUCTION_GROUPS, RecordLosses, SlotId, StyleLoss, TotalVariation};

/// Workgroups of 256 that stride over so many elements.
pub(super) fn reduction_groups(elements: usize) -> usize {
    elements.div_ceil(256).clamp(1, REDUCTION_GROUPS)
}

fn reduce_loss(partials: SlotId, groups: usize, coefficients: Coefficients, losses: SlotId) -> Dispatch {
    Dispatch::new("reduce_loss", "reduce_loss", vec![groups as u32, coefficients.loss as u32], 1)
        .slot(1, partials)
        .slot(2, coefficients.slot)
        .slot(3, losses)
}

pub(super) fn content_loss(step: &ContentLoss) -> Vec<Dispatch> {
    let values4 = step.shape.values() / 4;
    let groups = reduction_groups(values4);
    let params = vec![groups as u32, values4 as u32, step.coefficients.loss as u32];
    vec![
        Dispatch::new("content_loss", "content_loss", params, groups)
            .slot(1, step.features)
            .slot(2, step.target)
            .destination(step.into, 3, 4)
            .slot(5, step.coefficients.slot)
            .slot(6, step.partials),
        reduce_loss(step.partials, groups, step.coefficients, step.losses),
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
            .slot(5, step.partials),
        reduce_loss(step.partials, groups, step.coefficients, step.losses),
    ]
}

pub(super) fn total_variation(step: &TotalVariation) -> Vec<Dispatch> {
    let groups = reduction_groups(3 * step.size.pixels());
    let (width, height) = (f64::from(step.size.width), f64::from(step.size.height));
    // A single column or row has no differences: its sum is empty and its scale must not be infinite.
    let scale = |differences: f64| if differences > 0.0 { (1.0 / (3.0 * differences)) as f32 } else { 0.0 };
    let params = vec![
        groups as u32,
        step.size.width,
        step.size.height,
        step.coefficients.loss as u32,
        scale((width - 1.0) * height).to_bits(),
        scale(width * (height - 1.0)).to_bits(),
    ];
    vec![
        Dispatch::new("total_variation", "total_variation", params, groups)
            .slot(1, step.image)
            .slot(2, step.image_gradient)
            .slot(3, step.coefficients.slot)
            .slot(4, step.partials),
        reduce_loss(step.partials, groups, step.coefficients, step.losses),
    ]
}

pub(super) fn record_losses(step: &RecordLosses) -> Dispatch {
    Dispatch::new("record_losses", "record_losses", vec![step.count as u32, step.rows as u32], 1)
        .slot(1, step.losses)
        .slot(2, step.state)
        .slot(3, step.ring)
}
