//! The losses with their gradients, and the end of an evaluation.

use super::declaration::{Declaration, Destination, Role, Role::*};
use super::{FeatureShape, Map, Rows, Size, SlotId};

/// Scales of one term, two neighbouring f32 of [`crate::plan::Tensor::Coefficients`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficients {
    /// The slot of all pairs.
    pub slot: SlotId,
    /// Which pair, and which loss value: `[2 * loss]` scales the reported value, `[2 * loss + 1]` the gradient, weight
    /// included.
    pub loss: usize,
}

/// Style loss of one layer: `value = a * sum((G - T)^2)` and `S = b * (G - T)`, with (a, b) its coefficients; S is
/// added to the old one if the step accumulates. Then dF = F S by [`super::GramBackward`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct StyleLoss {
    pub gram: SlotId,
    pub target: SlotId,
    pub gram_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub channels: u32,
    pub accumulate: bool,
}

impl StyleLoss {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("style_loss", self.gram_gradient)
            .uses(Read, [self.gram, self.target, self.coefficients.slot])
            .uses(Role::written(self.accumulate), [self.gram_gradient])
            .uses(Write, [self.losses])
            .uses(Scratch, [self.partials])
    }
}

/// Content loss of one layer: `value = a * sum((F - T)^2)` and gradient `b * (F - T)`, (a, b) its coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContentLoss {
    /// F, of `shape`.
    pub features: Map,
    /// T, whole.
    pub target: SlotId,
    /// Gradient with respect to F.
    pub into: Destination,
    /// Scratch of the sum.
    pub partials: SlotId,
    /// (a, b).
    pub coefficients: Coefficients,
    /// Where the value goes.
    pub losses: SlotId,
    /// Shape of F.
    pub shape: FeatureShape,
    /// Rows whose gradient is computed.
    pub rows: Rows,
    /// Those of these rows that are summed.
    pub summed: Rows,
    /// Whether the sum is added to the existing value.
    pub accumulate: bool,
}

impl ContentLoss {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("content_loss", self.into.output.slot)
            .uses(Read, [self.features.slot, self.target, self.coefficients.slot])
            .uses(Scratch, [self.partials])
            .uses(Role::written(self.accumulate), [self.losses])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
    }
}

/// Total variation:
/// `value = a * (sum of squared right differences / (3 (W-1) H) + sum of squared down differences / (3 W (H-1)))`; `b`
/// times its gradient is added to the picture's gradient. If any value of the picture's gradient is not finite, the
/// loss value becomes infinite, so that no step is taken along it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct TotalVariation {
    pub image: SlotId,
    pub image_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub size: Size,
}

impl TotalVariation {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("total_variation", self.image_gradient)
            .uses(Read, [self.image, self.coefficients.slot])
            .uses(Add, [self.image_gradient])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.losses])
    }
}

/// Closes an evaluation: writes its number and its loss values to the next row of the ring, and stops the optimiser if
/// one of them is not finite.
///
/// It counts the evaluation and records the stop in the [`super::IterationState`]. A row of the ring has [`ring_row`]
/// words: the evaluation's number as a u32, counted from 1, then the loss values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLosses {
    /// Values of this evaluation.
    pub losses: SlotId,
    /// See above.
    pub state: SlotId,
    /// `rows` rows; evaluation `n` goes to row `(n - 1) % rows`.
    pub ring: SlotId,
    /// How many losses there are.
    pub count: usize,
    /// Rows of the ring.
    pub rows: usize,
}

impl RecordLosses {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("record_losses", self.ring)
            .uses(Read, [self.losses])
            .uses(Add, [self.state])
            .uses(Write, [self.ring])
    }
}

/// Words in a row of the loss ring.
pub const fn ring_row(losses: usize) -> usize {
    losses + 1
}
