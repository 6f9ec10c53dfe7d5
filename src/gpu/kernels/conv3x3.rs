//! `conv3x3_*.wgsl`: dispatches of each variant of the convolution.

use super::{
    Binding, Choice, Dispatch, FilterForm,
    params::params,
    variants::Variant::{self, Blocked, Cooperative, Plain, Tiled, Winograd2, Winograd4},
};
use crate::{
    plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map, MaxPool, Rows},
    vgg19::Layer,
};

params! {
    /// `shared/conv3x3_params.wgsl`.
    struct Params {
        width: u32,
        height: u32,
        inputs4: u32,
        outputs4: u32,
        first_row: u32,
        end_row: u32,
        input_start: u32,
        output_start: u32,
    }
}

/// A convolution in one of its directions.
#[derive(Clone, Copy, Debug)]
struct Convolution {
    layer: Layer,
    backward: bool,
    /// Channels read, a multiple of four.
    inputs: u32,
    /// Of the map that is written.
    shape: FeatureShape,
    rows: Rows,
}

impl Convolution {
    fn forward(step: &Conv3x3) -> Convolution {
        let inputs = step.layer.input_channels().next_multiple_of(4);
        Convolution { layer: step.layer, backward: false, inputs, shape: step.shape, rows: step.rows }
    }

    fn backward(step: &Conv3x3Backward) -> Convolution {
        let inputs = step.layer.output_channels();
        Convolution { layer: step.layer, backward: true, inputs, shape: step.shape, rows: step.rows }
    }

    /// Padded pixels that are written.
    fn pixels(&self) -> usize {
        self.rows.pixels(self.shape)
    }

    /// `output_start` is the pixel that stands first in the output.
    fn params(&self, input: Map, output_start: usize) -> Params {
        Params {
            width: self.shape.width,
            height: self.shape.height,
            inputs4: self.inputs / 4,
            outputs4: self.shape.channels / 4,
            first_row: self.rows.first,
            end_row: self.rows.end,
            input_start: input.first_pixel(self.shape.with_channels(self.inputs)) as u32,
            output_start: output_start as u32,
        }
    }

    /// The number of tiles of this size that cover what is written.
    fn tiles(&self, edge: usize) -> usize {
        self.rows.count().div_ceil(edge) * self.shape.padded_width().div_ceil(edge)
    }

    /// Workgroups of a kernel.
    fn groups(&self, choice: Choice) -> usize {
        let tile = choice.tile;
        let blocks = self.shape.channels.div_ceil(32) as usize;
        match choice.kernel.variant {
            Plain => (self.pixels() * blocks).div_ceil(64),
            Blocked => {
                let row = self.shape.padded_width();
                let halo = self.rows.range().filter(|&y| y == 0 || y == self.shape.height as usize + 1).count();
                let tiles = (row * (self.rows.count() - halo)).div_ceil(8) + halo * row.div_ceil(8);
                (tiles * blocks).div_ceil(32)
            }
            Tiled | Cooperative => {
                self.pixels().div_ceil(tile.rows as usize) * (self.shape.channels / tile.columns) as usize
            }
            Winograd2 => self.tiles(2).div_ceil(tile.rows as usize) * blocks,
            Winograd4 => self.tiles(4).div_ceil(tile.rows as usize) * blocks,
        }
    }

    fn dispatch(&self, choice: Choice, from: Map, to: Map) -> Dispatch {
        let entry = if self.backward { "conv3x3_backward" } else { "conv3x3" };
        let params = self.params(from, to.first_pixel(self.shape));
        self.dispatch_of(entry, choice, &params, self.groups(choice)).slot(1, from.slot)
    }

    /// An entry point of a kernel, with the filters bound, and the bias where it is read.
    fn dispatch_of(&self, entry: &'static str, choice: Choice, params: &Params, groups: usize) -> Dispatch {
        let Convolution { layer, backward, .. } = *self;
        let variant = choice.kernel.variant;
        let dispatch = Dispatch::new(shader(variant), entry, params, groups)
            .constants(choice.tile)
            .bind(2, Binding::Filters(layer, filters(variant, backward)));
        match variant {
            Plain if backward => dispatch.flag("WITH_HALO", layer == Layer::FIRST),
            // Its entry points share all of their text, and so the bindings.
            Cooperative => dispatch.flag("BACKWARD", backward).bind(3, Binding::Bias(layer)),
            _ if backward => dispatch,
            _ => dispatch.bind(3, Binding::Bias(layer)),
        }
    }
}

fn shader(variant: Variant) -> &'static str {
    match variant {
        Plain => "conv3x3_plain",
        Blocked => "conv3x3_blocked",
        Tiled => "conv3x3_tiled",
        Winograd2 => "conv3x3_winograd2",
        Winograd4 => "conv3x3_winograd4",
        Cooperative => "conv3x3_cooperative",
    }
}

/// The form in which a variant reads the filters.
fn filters(variant: Variant, backward: bool) -> FilterForm {
    match variant {
        Plain | Blocked if backward => FilterForm::Transposed,
        Plain | Blocked | Tiled | Cooperative => FilterForm::Direct,
        Winograd2 => FilterForm::Winograd2,
        Winograd4 => FilterForm::Winograd4,
    }
}

pub(super) fn groups(step: &Conv3x3, choice: Choice) -> usize {
    Convolution::forward(step).groups(choice)
}

pub(super) fn groups_backward(step: &Conv3x3Backward, choice: Choice) -> usize {
    Convolution::backward(step).groups(choice)
}

pub(super) fn conv3x3(step: &Conv3x3, choice: Choice) -> Dispatch {
    Convolution::forward(step)
        .dispatch(choice, step.input, step.output)
        .slot(4, step.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
}

/// The convolution, and the pooling of its whole output.
pub(super) fn conv3x3_max_pool(step: &Conv3x3, pool: &MaxPool, choice: Choice) -> Dispatch {
    let work = Convolution::forward(step);
    let pooled = pool.shape.pooled();
    let params = work.params(step.input, pool.output.first_pixel(pooled));
    let (tiles, blocks) = (pool.rows.pixels(pooled), work.shape.channels / choice.tile.columns);
    let groups = tiles.div_ceil(choice.tile.rows as usize) * blocks as usize;
    work.dispatch_of("conv3x3_max_pool", choice, &params, groups)
        .slot(1, step.input.slot)
        .slot(4, pool.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
        .bind(6, Binding::optional(pool.winners))
        .flag("WITH_WINNERS", pool.winners.is_some())
}

pub(super) fn conv3x3_backward(step: &Conv3x3Backward, choice: Choice) -> Dispatch {
    let work = Convolution::backward(step);
    work.dispatch(choice, step.gradient, step.into.output).destination(step.into, 4, 5)
}
