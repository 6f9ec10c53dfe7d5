//! `gram.wgsl` and `gram_backward.wgsl`.

use super::Dispatch;
use crate::plan::{Gram, GramBackward};

pub(super) fn gram(step: &Gram) -> Vec<Dispatch> {
    let channels = step.shape.channels as usize;
    let inverse_pixels = (1.0 / step.pixels as f64) as f32;
    let params =
        vec![step.shape.channels / 4, step.shape.padded_pixels() as u32, step.splits, inverse_pixels.to_bits()];
    let tiles = channels / 8 * (channels / 16) * step.splits as usize;
    vec![
        Dispatch::new("gram", "gram", params.clone(), tiles.div_ceil(32)).slot(1, step.features).slot(2, step.partials),
        Dispatch::new("gram", "gram_reduce", params, (channels * channels / 4).div_ceil(64))
            .slot(2, step.partials)
            .slot(3, step.gram),
    ]
}

pub(super) fn gram_backward(step: &GramBackward) -> Dispatch {
    let pixels = step.shape.padded_pixels();
    let tiles = pixels.div_ceil(8) * (step.shape.channels / 16) as usize;
    let params = vec![step.shape.channels / 4, pixels as u32];
    Dispatch::new("gram_backward", "gram_backward", params, tiles.div_ceil(32))
        .slot(1, step.features)
        .slot(2, step.gram_gradient)
        .destination(step.into, 3, 4)
}
