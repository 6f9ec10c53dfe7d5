//! `max_pool.wgsl` and `average_pool.wgsl`.

use super::{Binding, Dispatch};
use crate::plan::{AveragePool, AveragePoolBackward, FeatureShape, Map, MaxPool, MaxPoolBackward, Rows};

/// Forward or backward.
#[derive(Clone, Copy)]
enum Direction {
    /// From `shape` to `shape.pooled()`.
    Forward,
    /// From `shape.pooled()` to `shape`.
    Backward,
}

/// `shape` is that of the pooling's input, `channels` how many of them an invocation takes.
fn dispatch(
    shader: (&'static str, &'static str),
    direction: Direction,
    shape: FeatureShape,
    rows: Rows,
    from: Map,
    to: Map,
    channels: u32,
) -> Dispatch {
    let (read, written) = match direction {
        Direction::Forward => (shape, shape.pooled()),
        Direction::Backward => (shape.pooled(), shape),
    };
    let blocks = shape.channels / channels;
    let params = [
        shape.width,
        shape.height,
        blocks,
        rows.first_pixel(written) as u32,
        rows.first_pixel(written) as u32 + rows.pixels(written) as u32,
        from.first_pixel(read) as u32,
        to.first_pixel(written) as u32,
    ];
    let invocations = rows.pixels(written) * blocks as usize;
    Dispatch::new(shader.0, shader.1, params.to_vec(), invocations.div_ceil(64)).slot(1, from.slot)
}

pub(super) fn max_pool(step: &MaxPool) -> Dispatch {
    dispatch(("max_pool", "max_pool"), Direction::Forward, step.shape, step.rows, step.input, step.output, 16)
        .slot(2, step.output.slot)
        .bind(3, Binding::optional(step.winners))
        .flag("WITH_WINNERS", step.winners.is_some())
}

pub(super) fn max_pool_backward(step: &MaxPoolBackward) -> Dispatch {
    let to = step.into.output;
    dispatch(("max_pool", "max_pool_backward"), Direction::Backward, step.shape, step.rows, step.gradient, to, 16)
        .slot(3, step.winners)
        .destination(step.into, 2, 4)
}

pub(super) fn average_pool(step: &AveragePool) -> Dispatch {
    dispatch(("average_pool", "average_pool"), Direction::Forward, step.shape, step.rows, step.input, step.output, 4)
        .slot(2, step.output.slot)
}

pub(super) fn average_pool_backward(step: &AveragePoolBackward) -> Dispatch {
    let (entry, to) = (("average_pool", "average_pool_backward"), step.into.output);
    dispatch(entry, Direction::Backward, step.shape, step.rows, step.gradient, to, 4).destination(step.into, 2, 3)
}
