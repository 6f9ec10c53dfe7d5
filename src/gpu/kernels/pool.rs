//! `max_pool.wgsl` and `average_pool.wgsl`.

use super::{Binding, Dispatch, params::params};
use crate::plan::{AveragePool, AveragePoolBackward, FeatureShape, Map, MaxPool, MaxPoolBackward, Rows};

params! {
    /// `shared/pool_params.wgsl`.
    struct Params {
        width: u32,
        height: u32,
        blocks: u32,
        first_pixel: u32,
        end_pixel: u32,
        input_start: u32,
        output_start: u32,
    }
}

/// Forward or backward.
#[derive(Clone, Copy)]
enum Direction {
    /// From `shape` to `shape.pooled()`.
    Forward,
    /// From `shape.pooled()` to `shape`.
    Backward,
}

/// `shape` is that of the pooling's input, `channels` the number of channels that an invocation handles.
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
    let (first, pixels) = (rows.first_pixel(written), rows.pixels(written));
    let params = Params {
        width: shape.width,
        height: shape.height,
        blocks,
        first_pixel: first as u32,
        end_pixel: (first + pixels) as u32,
        input_start: from.first_pixel(read) as u32,
        output_start: to.first_pixel(written) as u32,
    };
    let invocations = pixels * blocks as usize;
    Dispatch::new(shader.0, shader.1, &params, invocations.div_ceil(64)).slot(1, from.slot)
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
