//! `conv3x3_*.wgsl`: dispatches of each variant of the convolution.

use super::{
    Binding, Choice, Dispatch, FilterForm,
    variants::Variant::{self, Blocked, Cooperative, Plain, Tiled, Winograd2, Winograd4},
};
use crate::{
    plan::{Conv3x3, Conv3x3Backward, FeatureShape, Map, MaxPool, Rows},
    vgg19::Layer,
};

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

    /// Tiles of so many rows and columns that cover what is written.
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
        let Convolution { layer, shape, rows, backward, inputs } = *self;
        let variant = choice.kernel.variant;
        let read = shape.with_channels(inputs);
        let mut params = vec![shape.width, shape.height, inputs / 4, shape.channels / 4, rows.first, rows.end];
        params.extend([from.first_pixel(read) as u32, to.first_pixel(shape) as u32]);
        let entry = if backward { "conv3x3_backward" } else { "conv3x3" };
        let dispatch = Dispatch::new(shader(variant), entry, params, self.groups(choice))
            .constants(choice.tile)
            .slot(1, from.slot)
            .bind(2, Binding::Filters(layer, filters(variant, backward)));
        match variant {
            Plain if backward => dispatch.flag("WITH_HALO", layer == Layer::FIRST),
            // Its entry points share all of their text, and with it the bindings.
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

/// In which form a variant reads the filters.
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

/// The convolution, and the pooling of all that it makes.
pub(super) fn conv3x3_max_pool(step: &Conv3x3, pool: &MaxPool, choice: Choice) -> Dispatch {
    let work = Convolution::forward(step);
    let pooled = pool.shape.pooled();
    let mut dispatch = work
        .dispatch(choice, step.input, step.output)
        .slot(4, pool.output.slot)
        .bind(5, Binding::optional(step.mask))
        .flag("WITH_MASK", step.mask.is_some())
        .bind(6, Binding::optional(pool.winners))
        .flag("WITH_WINNERS", pool.winners.is_some());
    dispatch.entry = "conv3x3_max_pool";
    // The last word is where the output starts.
    dispatch.params.pop();
    dispatch.params.push(pool.output.first_pixel(pooled) as u32);
    let blocks = work.shape.channels / choice.tile.columns;
    dispatch.groups = (pool.rows.pixels(pooled) as u32).div_ceil(choice.tile.rows) * blocks;
    dispatch
}

pub(super) fn conv3x3_backward(step: &Conv3x3Backward, choice: Choice) -> Dispatch {
    let work = Convolution::backward(step);
    work.dispatch(choice, step.gradient, step.into.output).destination(step.into, 4, 5)
}
