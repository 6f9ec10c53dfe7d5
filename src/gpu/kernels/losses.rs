//! `content_loss.wgsl`, `gram_loss.wgsl`, `moments_loss.wgsl`, `wasserstein_loss.wgsl`, `total_variation.wgsl`,
//! `edge_loss.wgsl`, `freeze_pixels.wgsl`, `reduce_loss.wgsl` and `record_losses.wgsl`.

use super::{Binding, Dispatch, network_input::inverse_deviation, params::params};
use crate::plan::{
    Border, Coefficients, ContentLoss, EDGE_CELL, EdgeLoss, FreezePixels, GramLoss, MomentsLoss, NetworkInputBackward,
    REDUCTION_GROUPS, RecordLosses, SlotId, TotalVariation, WassersteinLoss,
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
        channels4: u32,
    }
}

params! {
    struct GramLossParams {
        values4: u32,
        loss: u32,
    }
}

params! {
    struct MomentsLossParams {
        channels: u32,
        loss: u32,
        parts: u32,
    }
}

params! {
    struct WassersteinLossParams {
        channels: u32,
        loss: u32,
        parts: u32,
    }
}

params! {
    struct EdgeLossParams {
        width: u32,
        columns: u32,
        rows: u32,
        loss: u32,
    }
}

params! {
    struct FreezePixelsParams {
        values: u32,
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
        channels4: channels4 as u32,
    };
    vec![
        Dispatch::new("content_loss", "content_loss", &params, groups)
            .slot(1, step.features.slot)
            .slot(2, step.target)
            .destination(step.into, 3, 4)
            .slot(5, step.coefficients.slot)
            .slot(6, step.partials)
            .bind(7, Binding::optional(step.weights))
            .flag("WITH_WEIGHTS", step.weights.is_some()),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, step.accumulate),
    ]
}

pub(super) fn gram_loss(step: &GramLoss) -> Vec<Dispatch> {
    let values4 = (step.channels * step.channels / 4) as usize;
    let groups = reduction_groups(values4);
    let params = GramLossParams { values4: values4 as u32, loss: step.coefficients.loss as u32 };
    vec![
        Dispatch::new("gram_loss", "gram_loss", &params, groups)
            .slot(1, step.gram)
            .slot(2, step.target)
            .slot(3, step.gram_gradient)
            .slot(4, step.coefficients.slot)
            .slot(5, step.partials)
            .flag("ACCUMULATE", step.accumulate),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, false),
    ]
}

pub(super) fn moments_loss(step: &MomentsLoss) -> Vec<Dispatch> {
    let values = (step.channels * step.channels) as usize;
    // One partial sum is that of the channels.
    let groups = values.div_ceil(256).min(REDUCTION_GROUPS - 1);
    let params =
        MomentsLossParams { channels: step.channels, loss: step.coefficients.loss as u32, parts: groups as u32 };
    let bound = |dispatch: Dispatch, gradient: SlotId| {
        dispatch
            .slot(1, step.gram)
            .slot(2, step.mean)
            .slot(3, step.target)
            .slot(4, step.target_mean)
            .slot(5, step.scalars)
            .slot(6, step.coefficients.slot)
            .slot(7, gradient)
            .slot(8, step.partials)
            .flag("ACCUMULATE", step.accumulate)
    };
    vec![
        bound(Dispatch::new("moments_loss", "moments_matrix", &params, groups), step.gram_gradient),
        bound(Dispatch::single("moments_loss", "moments_mean", &params), step.mean_gradient),
        reduce_loss(step.partials, groups + 1, step.coefficients, step.losses, false),
    ]
}

pub(super) fn wasserstein_loss(step: &WassersteinLoss) -> Vec<Dispatch> {
    let values = (step.channels * step.channels) as usize;
    // One partial sum is that of the channels.
    let groups = values.div_ceil(256).min(REDUCTION_GROUPS - 1);
    let params =
        WassersteinLossParams { channels: step.channels, loss: step.coefficients.loss as u32, parts: groups as u32 };
    let bound = |dispatch: Dispatch, gradient: SlotId| {
        dispatch
            .slot(6, step.transport)
            .slot(8, step.coefficients.slot)
            .slot(9, gradient)
            .slot(10, step.partials)
            .flag("ACCUMULATE", step.accumulate)
    };
    let matrix = Dispatch::new("wasserstein_loss", "wasserstein_matrix", &params, groups);
    let mean = Dispatch::single("wasserstein_loss", "wasserstein_mean", &params);
    vec![
        bound(matrix, step.gram_gradient).slot(4, step.polar).slot(5, step.overlap),
        bound(mean, step.mean_gradient)
            .slot(1, step.mean)
            .slot(2, step.target_mean)
            .slot(3, step.covariance)
            .slot(7, step.scalars),
        reduce_loss(step.partials, groups + 1, step.coefficients, step.losses, false),
    ]
}

pub(super) fn edge_loss(step: &EdgeLoss) -> Vec<Dispatch> {
    let cells = EdgeLoss::cells(step.size);
    let params = EdgeLossParams {
        width: step.size.width,
        columns: cells.width,
        rows: cells.height,
        loss: step.coefficients.loss as u32,
    };
    let groups = reduction_groups(3 * cells.pixels());
    let values = 3 * cells.pixels() * (EDGE_CELL * EDGE_CELL) as usize;
    vec![
        Dispatch::new("edge_loss", "edge_difference", &params, groups)
            .slot(1, step.image)
            .slot(2, step.target)
            .slot(3, step.difference)
            .slot(4, step.partials),
        Dispatch::new("edge_loss", "edge_gradient", &params, reduction_groups(values))
            .slot(3, step.difference)
            .slot(5, step.coefficients.slot)
            .slot(6, step.image_gradient),
        reduce_loss(step.partials, groups, step.coefficients, step.losses, false),
    ]
}

pub(super) fn freeze_pixels(step: &FreezePixels) -> Dispatch {
    let values = 3 * step.pixels;
    Dispatch::new("freeze_pixels", "freeze_pixels", &FreezePixelsParams { values: values as u32 }, values.div_ceil(64))
        .slot(1, step.image_gradient)
        .slot(2, step.freedom)
}

/// With `network`, the same kernel carries out that step too.
pub(super) fn total_variation(step: &TotalVariation, network: Option<&NetworkInputBackward>) -> Vec<Dispatch> {
    let groups = reduction_groups(3 * step.size.pixels());
    let (right, down) = step.differences();
    // A single column or row has no differences: its sum is empty and its scale must not be infinite.
    let scale = |differences: usize| if differences > 0 { (1.0 / (3 * differences) as f64) as f32 } else { 0.0 };
    let params = TotalVariationParams {
        inverse_deviation: network.map_or([0.0; 4], |network| inverse_deviation(network.normalisation)),
        replicate: u32::from(network.is_some_and(|network| network.border == Border::Replicate)),
        width: step.size.width,
        height: step.size.height,
        loss: step.coefficients.loss as u32,
        right_scale: scale(right),
        down_scale: scale(down),
    };
    vec![
        Dispatch::new("total_variation", "total_variation", &params, groups)
            .slot(1, step.image)
            .slot(2, step.image_gradient)
            .slot(3, step.coefficients.slot)
            .slot(4, step.partials)
            .bind(5, Binding::optional(network.map(|network| network.gradient)))
            .bind(6, Binding::optional(network.map(|network| network.inverse_scale)))
            .flag("FROM_NETWORK", network.is_some())
            .flag("WRAPS", step.wraps),
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
