//! The 3x3 convolution with its ReLU, and back.

use super::declaration::{Declaration, Destination, Role::*};
use super::{FeatureShape, Map, Rows, SlotId};
use crate::vgg19::Layer;

/// `output = max(0, conv(input) + bias)`: 3x3, stride 1, reading the halo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv3x3 {
    /// Whose filters.
    pub layer: Layer,
    /// Feature map of `layer.input_channels()`, padded to a multiple of four.
    pub input: Map,
    /// Feature map of `shape`.
    pub output: Map,
    /// Gets the bits of `output > 0`, if a backward pass follows; zero in the halo.
    pub mask: Option<SlotId>,
    /// Shape of the output.
    pub shape: FeatureShape,
    /// Rows of the output that are made.
    pub rows: Rows,
}

impl Conv3x3 {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("conv3x3", self.output.slot)
            .uses(Read, [self.input.slot])
            .uses(Write, [self.output.slot])
            .uses(Write, self.mask)
            .works_on(self.rows, self.shape)
            .filters(self.layer)
            .products(products(self.layer, self.rows, self.shape))
    }
}

/// Gradient with respect to the input of a convolution from that with respect to its output: the convolution with
/// transposed filters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv3x3Backward {
    /// Whose filters.
    pub layer: Layer,
    /// Gradient with respect to the convolution's output (ReLU mask applied), zero halo, `layer.output_channels()`.
    pub gradient: Map,
    /// Gradient with respect to the convolution's input, of `shape`. For the first layer nothing is accumulated or
    /// masked, and the halo gets its gradient too, because a replicated border passes it on.
    pub into: Destination,
    /// Shape of the input, padded channels included.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
}

impl Conv3x3Backward {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("conv3x3_backward", self.into.output.slot)
            .uses(Read, [self.gradient.slot])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
            .filters(self.layer)
            .products(products(self.layer, self.rows, self.shape))
    }
}

/// Multiplications of the direct method, in either direction.
fn products(layer: Layer, rows: Rows, shape: FeatureShape) -> u64 {
    9 * rows.pixels_inside(shape) * u64::from(layer.input_channels() * layer.output_channels())
}
