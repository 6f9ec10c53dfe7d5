//! Statistics of feature maps: Gram matrices and means, and back.

use super::declaration::{Declaration, Destination, Role, Role::*};
use super::{FeatureShape, Map, Rows, SlotId};

/// Gram matrix `G = F^T w F / pixels` of a feature map F `[pixel][channel]`, or the contribution of some rows to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gram {
    /// F, of `shape`; its halo is zero, or w is.
    pub features: Map,
    /// w, one for each padded pixel of the whole map; all are one if none.
    pub weights: Option<SlotId>,
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
            .uses(Read, self.weights)
            .uses(Scratch, [self.partials])
            .uses(Role::written(self.accumulate), [self.gram])
            .works_on(self.rows, self.shape)
            .products(products(self.rows, self.shape))
    }
}

/// Mean `sum of w F / pixels` of the features of each channel, or the contribution of some rows to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelMean {
    /// F, of `shape`; its halo is zero, or w is.
    pub features: Map,
    /// w, one for each padded pixel of the whole map; all are one if none.
    pub weights: Option<SlotId>,
    /// Scratch of `splits` means.
    pub partials: SlotId,
    /// The mean, `[C]`.
    pub mean: SlotId,
    /// Shape of F; channels a multiple of four.
    pub shape: FeatureShape,
    /// Rows that are summed.
    pub rows: Rows,
    /// Whether the sum is added to the existing mean.
    pub accumulate: bool,
    /// How many runs of pixels the sum is split into.
    pub splits: u32,
    /// Pixels of the whole picture at this layer.
    pub pixels: usize,
}

impl ChannelMean {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("channel_mean", self.mean)
            .uses(Read, [self.features.slot])
            .uses(Read, self.weights)
            .uses(Scratch, [self.partials])
            .uses(Role::written(self.accumulate), [self.mean])
            .works_on(self.rows, self.shape)
    }
}

/// Gradient with respect to the features: `w (F S + c)` for every pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GramBackward {
    /// F, of `shape`.
    pub features: Map,
    /// S, `[C][C]`, symmetric.
    pub gram_gradient: SlotId,
    /// c, `[C]`; zero if none.
    pub mean_gradient: Option<SlotId>,
    /// w, one for each padded pixel of the whole map; all are one if none.
    pub weights: Option<SlotId>,
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
            .uses(Read, self.mean_gradient)
            .uses(Read, self.weights)
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
            .products(products(self.rows, self.shape))
    }
}

/// Multiplications of a product with a matrix of channels.
fn products(rows: Rows, shape: FeatureShape) -> u64 {
    rows.pixels_inside(shape) * u64::from(shape.channels).pow(2)
}
