//! `max_pool.wgsl` and `average_pool.wgsl`.

use super::{Binding, Dispatch};
use crate::plan::{AveragePool, AveragePoolBackward, FeatureShape, MaxPool, MaxPoolBackward};

/// `written` is the shape of what the kernel writes, `channels` how many of them an invocation takes.
fn dispatch(
    shader: &'static str,
    entry: &'static str,
    input: FeatureShape,
    written: FeatureShape,
    channels: u32,
) -> Dispatch {
    let blocks = input.channels / channels;
    let invocations = written.padded_pixels() * blocks as usize;
    Dispatch::new(shader, entry, vec![input.width, input.height, blocks], invocations.div_ceil(64))
}

pub(super) fn max_pool(step: &MaxPool) -> Dispatch {
    dispatch("max_pool", "max_pool", step.shape, step.shape.pooled(), 16)
        .slot(1, step.input)
        .slot(2, step.output)
        .bind(3, Binding::optional(step.winners))
        .flag("WITH_WINNERS", step.winners.is_some())
}

pub(super) fn max_pool_backward(step: &MaxPoolBackward) -> Dispatch {
    dispatch("max_pool", "max_pool_backward", step.shape, step.shape, 16)
        .slot(1, step.gradient)
        .slot(3, step.winners)
        .destination(step.into, 2, 4)
}

pub(super) fn average_pool(step: &AveragePool) -> Dispatch {
    dispatch("average_pool", "average_pool", step.shape, step.shape.pooled(), 4)
        .slot(1, step.input)
        .slot(2, step.output)
}

pub(super) fn average_pool_backward(step: &AveragePoolBackward) -> Dispatch {
    dispatch("average_pool", "average_pool_backward", step.shape, step.shape, 4)
        .slot(1, step.gradient)
        .destination(step.into, 2, 3)
}
