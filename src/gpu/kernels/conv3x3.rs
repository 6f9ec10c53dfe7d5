//! `conv3x3_plain.wgsl` and `conv3x3_blocked.wgsl`.

use super::{Binding, Dispatch};
use crate::{
    plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map, Rows},
    vgg19::Layer,
};

/// Ways to compute a convolution, forward and backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conv3x3Variant {
    /// The readable truth.
    Plain,
    /// Register blocks of 8 pixels by 16 outputs; outputs a multiple of 32.
    Blocked,
}

impl Conv3x3Variant {
    /// All of them.
    pub const ALL: [Conv3x3Variant; 2] = [Conv3x3Variant::Plain, Conv3x3Variant::Blocked];

    /// The shader's name.
    pub fn name(self) -> &'static str {
        match self {
            Conv3x3Variant::Plain => "conv3x3_plain",
            Conv3x3Variant::Blocked => "conv3x3_blocked",
        }
    }

    /// The one that is asked for where it can do the work, else the best that can.
    fn choose(asked: Option<Conv3x3Variant>, shape: FeatureShape) -> Conv3x3Variant {
        // Four outputs (the network input's gradient) with values in the halo are the plain kernel's alone.
        if shape.channels.is_multiple_of(32) { asked.unwrap_or(Conv3x3Variant::Blocked) } else { Conv3x3Variant::Plain }
    }

    fn groups(self, shape: FeatureShape, rows: Rows) -> usize {
        let blocks = shape.channels.div_ceil(32) as usize;
        match self {
            Conv3x3Variant::Plain => (rows.pixels(shape) * blocks).div_ceil(64),
            Conv3x3Variant::Blocked => {
                let row = shape.padded_width();
                let halo = rows.range().filter(|&y| y == 0 || y == shape.height as usize + 1).count();
                let tiles = (row * (rows.count() - halo)).div_ceil(8) + halo * row.div_ceil(8);
                (tiles * blocks).div_ceil(32)
            }
        }
    }

    fn dispatch(self, entry: &'static str, from: Source, to: Map, shape: FeatureShape, rows: Rows) -> Dispatch {
        let read = shape.with_channels(from.channels.next_multiple_of(4));
        let mut params = vec![shape.width, shape.height, read.channels / 4, shape.channels / 4, rows.first, rows.end];
        params.extend([from.map.first_pixel(read) as u32, to.first_pixel(shape) as u32]);
        Dispatch::new(self.name(), entry, params, self.groups(shape, rows)).slot(1, from.map.slot)
    }
}

/// What a convolution reads.
struct Source {
    map: Map,
    channels: u32,
}

fn weights(dispatch: Dispatch, layer: Layer, backward: bool) -> Dispatch {
    if backward {
        dispatch.bind(2, Binding::TransposedWeights(layer))
    } else {
        dispatch.bind(2, Binding::Weights(layer)).bind(3, Binding::Bias(layer))
    }
}

pub(super) fn conv3x3(step: &Conv3x3, asked: Option<Conv3x3Variant>) -> Dispatch {
    let variant = Conv3x3Variant::choose(asked, step.shape);
    let source = Source { map: step.input, channels: step.layer.input_channels() };
    let dispatch = variant.dispatch("conv3x3", source, step.output, step.shape, step.rows);
    weights(dispatch, step.layer, false)
        .slot(4, step.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
}

pub(super) fn conv3x3_backward(step: &Conv3x3Backward, asked: Option<Conv3x3Variant>) -> Dispatch {
    let variant = Conv3x3Variant::choose(asked, step.shape);
    let source = Source { map: step.gradient, channels: step.layer.output_channels() };
    let dispatch = variant.dispatch("conv3x3_backward", source, step.into.output, step.shape, step.rows);
    let dispatch = weights(dispatch, step.layer, true).destination(step.into, 4, 5);
    match variant {
        Conv3x3Variant::Plain => dispatch.flag("WITH_HALO", step.layer == Layer::FIRST),
        Conv3x3Variant::Blocked => dispatch,
    }
}
