//! 2x2 poolings, and back.

use super::declaration::{Declaration, Destination, Role::*};
use super::{FeatureShape, Map, Rows, SlotId};

/// How 2x2 blocks of pixels become one; an odd last row or column is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Pooling {
    /// The largest of four values; of equal ones the first in reading order
    Max,
    /// The mean of four values: freer with shapes
    Average,
}

/// 2x2 max pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool {
    /// Feature map of `shape`.
    pub input: Map,
    /// Feature map of `shape.pooled()`.
    pub output: Map,
    /// Gets the winners, if a backward pass follows; zero in the halo.
    pub winners: Option<SlotId>,
    /// Shape of the input; channels a multiple of 16.
    pub shape: FeatureShape,
    /// Rows of the output that are made.
    pub rows: Rows,
}

impl MaxPool {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("max_pool", self.output.slot)
            .uses(Read, [self.input.slot])
            .uses(Write, [self.output.slot])
            .uses(Write, self.winners)
            .works_on(self.rows, self.shape.pooled())
    }
}

/// Gradient of 2x2 max pooling: the winner of each block gets all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPoolBackward {
    /// Gradient with respect to the pooled map, of `shape.pooled()`.
    pub gradient: Map,
    /// From [`MaxPool`].
    pub winners: SlotId,
    /// Gradient with respect to the input, of `shape`.
    pub into: Destination,
    /// Shape of the pooling's input.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
}

impl MaxPoolBackward {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("max_pool_backward", self.into.output.slot)
            .uses(Read, [self.gradient.slot, self.winners])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
    }
}

/// 2x2 average pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePool {
    /// Feature map of `shape`.
    pub input: Map,
    /// Feature map of `shape.pooled()`.
    pub output: Map,
    /// Shape of the input.
    pub shape: FeatureShape,
    /// Rows of the output that are made.
    pub rows: Rows,
}

impl AveragePool {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("average_pool", self.output.slot)
            .uses(Read, [self.input.slot])
            .uses(Write, [self.output.slot])
            .works_on(self.rows, self.shape.pooled())
    }
}

/// Gradient of 2x2 average pooling: each pixel of a block gets a quarter of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePoolBackward {
    /// Gradient with respect to the pooled map, of `shape.pooled()`.
    pub gradient: Map,
    /// Gradient with respect to the input, of `shape`.
    pub into: Destination,
    /// Shape of the pooling's input.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
}

impl AveragePoolBackward {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("average_pool_backward", self.into.output.slot)
            .uses(Read, [self.gradient.slot])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
    }
}
