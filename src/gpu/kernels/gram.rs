//! `gram*.wgsl`, `channel_mean.wgsl` and `gram_backward*.wgsl`.

use super::{
    Binding, Choice, Dispatch,
    params::params,
    variants::Variant::{Cooperative, Tiled},
};
use crate::plan::{ChannelMean, FeatureShape, Gram, GramBackward, Map, Rows};

params! {
    /// `shared/gram_params.wgsl`.
    struct Params {
        channels4: u32,
        first_pixel: u32,
        pixels: u32,
        splits: u32,
        features_start: u32,
        inverse_pixels: f32,
    }
}

params! {
    /// `shared/gram_backward_params.wgsl`.
    struct BackwardParams {
        channels4: u32,
        first_pixel: u32,
        end_pixel: u32,
        features_start: u32,
        output_start: u32,
        width: u32,
        height: u32,
    }
}

/// Pairs of blocks of `edge` channels, the second not before the first: the others are their mirror images.
fn pairs(channels: usize, edge: usize) -> usize {
    let blocks = channels / edge;
    blocks * (blocks + 1) / 2
}

/// Workgroups of the first pass.
pub(super) fn groups(step: &Gram, choice: Choice) -> usize {
    let (channels, splits) = (step.shape.channels as usize, step.splits as usize);
    match choice.kernel.variant {
        Tiled | Cooperative => pairs(channels, choice.tile.rows as usize) * splits,
        _ => (channels / 8 * (channels / 16) * splits).div_ceil(32),
    }
}

pub(super) fn groups_backward(step: &GramBackward, choice: Choice) -> usize {
    let (channels, pixels) = (step.shape.channels as usize, step.rows.pixels(step.shape));
    let (rows, columns) = (choice.tile.rows as usize, choice.tile.columns as usize);
    let tiles = pixels.div_ceil(rows) * (channels / columns);
    match choice.kernel.variant {
        Tiled | Cooperative => tiles,
        _ => tiles.div_ceil(32),
    }
}

/// Sums over some rows of a map.
fn params(features: Map, shape: FeatureShape, rows: Rows, splits: u32, pixels: usize) -> Params {
    let features_start = features.first_pixel(shape);
    Params {
        channels4: shape.channels / 4,
        first_pixel: (rows.first_pixel(shape) - features_start) as u32,
        pixels: rows.pixels(shape) as u32,
        splits,
        features_start: features_start as u32,
        inverse_pixels: (1.0 / pixels as f64) as f32,
    }
}

pub(super) fn gram(step: &Gram, choice: Choice) -> Vec<Dispatch> {
    let channels = step.shape.channels as usize;
    let params = params(step.features, step.shape, step.rows, step.splits, step.pixels);
    let shader = match choice.kernel.variant {
        Tiled => "gram_tiled",
        Cooperative => "gram_cooperative",
        _ => "gram",
    };
    vec![
        Dispatch::new(shader, "gram", &params, groups(step, choice))
            .constants(choice.tile)
            .slot(1, step.features.slot)
            .slot(2, step.partials)
            .bind(4, Binding::optional(step.weights))
            .flag("WITH_WEIGHTS", step.weights.is_some()),
        Dispatch::new("gram", "gram_reduce", &params, (channels * channels / 4).div_ceil(64))
            .slot(2, step.partials)
            .slot(3, step.gram)
            .flag("ACCUMULATE", step.accumulate),
    ]
}

pub(super) fn channel_mean(step: &ChannelMean) -> Vec<Dispatch> {
    let channels4 = step.shape.channels as usize / 4;
    let params = params(step.features, step.shape, step.rows, step.splits, step.pixels);
    let groups = (channels4 * step.splits as usize).div_ceil(64);
    vec![
        Dispatch::new("channel_mean", "channel_mean", &params, groups)
            .slot(1, step.features.slot)
            .slot(2, step.partials)
            .bind(4, Binding::optional(step.weights))
            .flag("WITH_WEIGHTS", step.weights.is_some()),
        Dispatch::new("channel_mean", "channel_mean_reduce", &params, channels4.div_ceil(64))
            .slot(2, step.partials)
            .slot(3, step.mean)
            .flag("ACCUMULATE", step.accumulate),
    ]
}

pub(super) fn gram_backward(step: &GramBackward, choice: Choice) -> Dispatch {
    let (first, pixels) = (step.rows.first_pixel(step.shape), step.rows.pixels(step.shape));
    let params = BackwardParams {
        channels4: step.shape.channels / 4,
        first_pixel: first as u32,
        end_pixel: (first + pixels) as u32,
        features_start: step.features.first_pixel(step.shape) as u32,
        output_start: step.into.output.first_pixel(step.shape) as u32,
        width: step.shape.width,
        height: step.shape.height,
    };
    let shader = match choice.kernel.variant {
        Tiled => "gram_backward_tiled",
        Cooperative => "gram_backward_cooperative",
        _ => "gram_backward",
    };
    Dispatch::new(shader, "gram_backward", &params, groups_backward(step, choice))
        .constants(choice.tile)
        .slot(1, step.features.slot)
        .slot(2, step.gram_gradient)
        .destination(step.into, 3, 4)
        .bind(5, Binding::optional(step.mean_gradient))
        .flag("WITH_MEAN", step.mean_gradient.is_some())
        .bind(6, Binding::optional(step.weights))
        .flag("WITH_WEIGHTS", step.weights.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_images_are_not_made_twice() {
        assert_eq!((pairs(64, 64), pairs(512, 64), pairs(512, 128)), (1, 36, 10));
    }
}
