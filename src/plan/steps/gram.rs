//! Gram matrices, and back.

use super::declaration::{Declaration, Destination, Role, Role::*};
use super::{FeatureShape, Map, Rows, SlotId};

/// Gram matrix `G = F^T F / pixels` of a feature map F `[pixel][channel]`, or the contribution of some rows to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gram {
    /// F, of `shape`; its zero halo adds nothing.
    pub features: Map,
    /// Scratch of `splits` matrices.
    pub partials: SlotId,
    /// G, `[C][C]`.
    pub gram: SlotId,
    /// Shape of F; channels a multiple of 64.
    pub shape: FeatureShape,
    /// Rows that are summed.
    pub rows: Rows,
    /// Whether the sum is added to the existing matrix.
    pub accumulate: bool,
    /// How many runs of pixels the sum is split into.
    pub splits: u32,
    /// Pixels of the whole picture at this layer.
    pub pixels: usize,
}

impl Gram {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("gram", self.gram)
            .uses(Read, [self.features.slot])
            .uses(Scratch, [self.partials])
            .uses(Role::written(self.accumulate), [self.gram])
            .works_on(self.rows, self.shape)
            .products(products(self.rows, self.shape))
    }
}

/// Gradient with respect to the features: `F S` for every pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GramBackward {
    /// F, of `shape`.
    pub features: Map,
    /// S, `[C][C]`, symmetric.
    pub gram_gradient: SlotId,
    /// Gradient with respect to F.
    pub into: Destination,
    /// Shape of F; channels a multiple of 64.
    pub shape: FeatureShape,
    /// Rows whose gradient is computed.
    pub rows: Rows,
}

impl GramBackward {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("gram_backward", self.into.output.slot)
            .uses(Read, [self.features.slot, self.gram_gradient])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
            .products(products(self.rows, self.shape))
    }
}

/// Multiplications of a product with a matrix of channels.
fn products(rows: Rows, shape: FeatureShape) -> u64 {
    rows.pixels_inside(shape) * u64::from(shape.channels).pow(2)
}
