//! A step's description of itself: everything that a plan needs to know to order, store, price and print it.

use super::{FeatureShape, Map, Rows, SlotId};
use crate::vgg19::Layer;

/// What a step does with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Needs the contents and leaves them as they are.
    Read,
    /// Produces the contents; the previous ones do not matter.
    Write,
    /// Needs the contents and changes them.
    Add,
    /// Writes it and reads it back; the contents before and after do not matter.
    Scratch,
}

impl Role {
    /// The role of a slot that is overwritten or, if the step accumulates, added to.
    pub(super) fn written(accumulate: bool) -> Role {
        if accumulate { Role::Add } else { Role::Write }
    }

    /// Whether the previous contents matter.
    pub fn reads(self) -> bool {
        matches!(self, Role::Read | Role::Add)
    }

    /// Whether the contents change.
    pub fn writes(self) -> bool {
        self != Role::Read
    }
}

/// A slot and what a step does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Which slot.
    pub slot: SlotId,
    /// What for.
    pub role: Role,
}

/// A step's description of itself, from which everything that a plan says about its steps follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The operation's name: that of its shader, its functions, its test and its bench.
    pub operation: &'static str,
    /// The slot that the step exists to produce, not scratch or loss values.
    pub makes: SlotId,
    /// Every slot that it touches, once.
    pub uses: Vec<Use>,
    /// The rows of a map that it writes or sums, and the map's shape; none for a step that does not work row by row.
    pub rows: Option<(Rows, FeatureShape)>,
    /// The layer whose filters it reads, if it reads any.
    pub filters: Option<Layer>,
    /// Multiplications of matrix products by the direct method, each with its addition; other arithmetic is not counted.
    pub products: u64,
}

impl Declaration {
    pub(super) fn new(operation: &'static str, makes: SlotId) -> Declaration {
        Declaration { operation, makes, uses: Vec::new(), rows: None, filters: None, products: 0 }
    }

    pub(super) fn uses(mut self, role: Role, slots: impl IntoIterator<Item = SlotId>) -> Declaration {
        self.uses.extend(slots.into_iter().map(|slot| Use { slot, role }));
        self
    }

    /// Puts a gradient where it belongs.
    pub(super) fn ends_in(self, into: Destination) -> Declaration {
        self.uses(Role::written(into.accumulate), [into.output.slot]).uses(Role::Read, into.mask)
    }

    pub(super) fn works_on(self, rows: Rows, shape: FeatureShape) -> Declaration {
        Declaration { rows: Some((rows, shape)), ..self }
    }

    pub(super) fn filters(self, layer: Layer) -> Declaration {
        Declaration { filters: Some(layer), ..self }
    }

    pub(super) fn products(self, products: u64) -> Declaration {
        Declaration { products, ..self }
    }
}

/// Where a backward step puts its gradient: `output = mask * (new + old)`, with `old` only if it accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The gradient that is written; its halo becomes zero.
    pub output: Map,
    /// Whether the new values are added to the old ones.
    pub accumulate: bool,
    /// ReLU mask (whole) applied to the sum; none where more is added later or there is no ReLU below.
    pub mask: Option<SlotId>,
}
