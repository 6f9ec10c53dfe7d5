//! `gram.wgsl` and `gram_backward.wgsl`.

use super::Dispatch;
use crate::plan::{Gram, GramBackward};

pub(super) fn gram(step: &Gram) -> Vec<Dispatch> {
    let channels = step.shape.channels as usize;
    let inverse_pixels = (1.0 / step.pixels as f64) as f32;
    let first = step.rows.first_pixel(step.shape) - step.features.first_pixel(step.shape);
    let pixels = step.rows.pixels(step.shape);
    let params = vec![step.shape.channels / 4, first as u32, pixels as u32, step.splits, inverse_pixels.to_bits()];
    let tiles = channels / 8 * (channels / 16) * step.splits as usize;
    vec![
        Dispatch::new("gram", "gram", params.clone(), tiles.div_ceil(32))
            .slot(1, step.features.slot)
            .slot(2, step.partials),
        Dispatch::new("gram", "gram_reduce", params, (channels * channels / 4).div_ceil(64))
            .slot(2, step.partials)
            .slot(3, step.gram)
            .flag("ACCUMULATE", step.accumulate),
    ]
}

pub(super) fn gram_backward(step: &GramBackward) -> Dispatch {
    let (first, pixels) = (step.rows.first_pixel(step.shape), step.rows.pixels(step.shape));
    let tiles = pixels.div_ceil(8) * (step.shape.channels / 16) as usize;
    let starts = [step.features, step.into.output].map(|map| map.first_pixel(step.shape));
    let params =
        [step.shape.channels as usize / 4, first, first + pixels, starts[0], starts[1]].map(|word| word as u32);
    let params = params.to_vec();
    Dispatch::new("gram_backward", "gram_backward", params, tiles.div_ceil(32))
        .slot(1, step.features.slot)
        .slot(2, step.gram_gradient)
        .destination(step.into, 3, 4)
}
