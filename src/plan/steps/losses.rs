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

/// Loss of a Gram matrix: `value = a * sum((G - A)^2)` and `S = b * (G - A)`, with (a, b) its coefficients; S is
/// added to the old one if the step accumulates. Then dF = w F S by [`super::GramBackward`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct GramLoss {
    pub gram: SlotId,
    /// A.
    pub target: SlotId,
    /// S.
    pub gram_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub channels: u32,
    pub accumulate: bool,
}

impl GramLoss {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("gram_loss", self.gram_gradient)
            .uses(Read, [self.gram, self.target, self.coefficients.slot])
            .uses(Role::written(self.accumulate), [self.gram_gradient])
            .uses(Write, [self.losses])
            .uses(Scratch, [self.partials])
    }
}

/// Numbers that a step needs beside its target, written by the host.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct TargetScalars {
    /// e, added to variances so that dead and constant channels have one.
    pub regularisation: f32,
    /// k of [`MomentsLoss`]: factors of the squared errors of Gram matrix, mean and standard deviation.
    pub factors: [f32; 3],
    /// tr(S*) of [`WassersteinLoss`], with e on the diagonal.
    pub trace: f32,
}

impl TargetScalars {
    /// Words of 4 bytes.
    pub const WORDS: usize = size_of::<TargetScalars>() / 4;
}

/// Loss of Gram matrix G, mean m and standard deviation `s = sqrt(diag(G) - m^2 + e)` against A, m* and s*:
/// `value = a * (k0 sum((G - A)^2) + k1 sum((m - m*)^2) + k2 sum((s - s*)^2))`, and with (a, b) its coefficients
/// `S = b * (2 k0 (G - A) + diag(k2 (s - s*) / s))` and `c = b * (k1 (m - m*) - k2 (s - s*) / s m)`, which are added to the
/// old ones if the step accumulates. Then dF = w (F S + c) by [`super::GramBackward`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct MomentsLoss {
    pub gram: SlotId,
    pub mean: SlotId,
    /// A.
    pub target: SlotId,
    /// m*.
    pub target_mean: SlotId,
    /// A [`TargetScalars`].
    pub scalars: SlotId,
    /// S.
    pub gram_gradient: SlotId,
    /// c.
    pub mean_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub channels: u32,
    pub accumulate: bool,
}

impl MomentsLoss {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("moments_loss", self.gram_gradient)
            .uses(Read, [self.gram, self.mean, self.target, self.target_mean, self.scalars, self.coefficients.slot])
            .uses(Role::written(self.accumulate), [self.gram_gradient, self.mean_gradient])
            .uses(Write, [self.losses])
            .uses(Scratch, [self.partials])
    }
}

/// Squared Wasserstein distance, per channel, between Gaussians of mean m, m* and covariance S, S*. With the Cholesky factors
/// `R R^T = S*` and `L L^T = S` and the polar factor U of `X = R^T L`, whose other factor is `(L^T S* L)^(1/2)`:
/// `value = a * (sum((m - m*)^2) + tr(S + S*) - 2 sum(U X)) / C`, the last sum over products of elements. With
/// `W = R U L^-1`, `Q = (I - (W + W^T) / 2) / C` and (a, b) its coefficients, the gradient with respect to the Gram matrix is
/// `b * Q` and `c = b * ((m - m*) / C - Q m)`, which are added to the old ones if the step accumulates. Then
/// dF = w (F b Q + c) by [`super::GramBackward`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct WassersteinLoss {
    /// m.
    pub mean: SlotId,
    /// m*.
    pub target_mean: SlotId,
    /// S.
    pub covariance: SlotId,
    /// U.
    pub polar: SlotId,
    /// X.
    pub overlap: SlotId,
    /// W.
    pub transport: SlotId,
    /// A [`TargetScalars`] with tr(S*).
    pub scalars: SlotId,
    /// b Q.
    pub gram_gradient: SlotId,
    /// c.
    pub mean_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub channels: u32,
    pub accumulate: bool,
}

impl WassersteinLoss {
    pub(super) fn declaration(&self) -> Declaration {
        let matrices = [self.covariance, self.polar, self.overlap, self.transport];
        Declaration::new("wasserstein_loss", self.gram_gradient)
            .uses(Read, [self.mean, self.target_mean, self.scalars, self.coefficients.slot])
            .uses(Read, matrices)
            .uses(Role::written(self.accumulate), [self.gram_gradient, self.mean_gradient])
            .uses(Write, [self.losses])
            .uses(Scratch, [self.partials])
    }
}

/// Content loss of one layer: `value = a * sum(w (F - T)^2)` and gradient `b * (F - T)`, (a, b) its coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContentLoss {
    /// F, of `shape`.
    pub features: Map,
    /// T, whole.
    pub target: SlotId,
    /// w, one for each padded pixel of the whole map, 1 or 0; all are one if none.
    pub weights: Option<SlotId>,
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
            .uses(Read, self.weights)
            .uses(Scratch, [self.partials])
            .uses(Role::written(self.accumulate), [self.losses])
            .ends_in(self.into)
            .works_on(self.rows, self.shape)
    }
}

/// Total variation:
/// `value = a * (sum of squared right differences / (3 (W-1) H) + sum of squared down differences / (3 W (H-1)))`, on a torus
/// with those across opposite edges and divided by `3 W H`; `b` times its gradient is added to the picture's gradient. If any value of the picture's gradient is not finite, the
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
    pub wraps: bool,
}

impl TotalVariation {
    /// How many differences there are to the right and down, for one channel.
    pub(crate) fn differences(&self) -> (usize, usize) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let open = usize::from(!self.wraps);
        ((width - open) * height, width * (height - open))
    }

    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("total_variation", self.image_gradient)
            .uses(Read, [self.image, self.coefficients.slot])
            .uses(Add, [self.image_gradient])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.losses])
    }
}

/// Pixels along an edge of the squares that [`EdgeLoss`] averages.
pub const EDGE_CELL: u32 = 4;

/// Laplacian loss (Li et al., "Laplacian-Steered Neural Style Transfer", 2017): the picture is averaged over cells of
/// [`EDGE_CELL`] x [`EDGE_CELL`] pixels, `L(x)` is the sum of a cell's differences from its neighbours above, below, left
/// and right, as many as there are, and with `D = L(x) - T` the `value = a * sum(D^2)`; `b` times the gradient,
/// `L(D) / EDGE_CELL^2` for each pixel of a cell, is added to the picture's. An incomplete cell at the right or lower edge
/// is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct EdgeLoss {
    pub image: SlotId,
    /// T, `[height / EDGE_CELL][width / EDGE_CELL][3]`.
    pub target: SlotId,
    /// D, like T.
    pub difference: SlotId,
    pub image_gradient: SlotId,
    pub partials: SlotId,
    pub coefficients: Coefficients,
    pub losses: SlotId,
    pub size: Size,
}

impl EdgeLoss {
    /// Whole cells of a picture.
    pub fn cells(size: Size) -> Size {
        Size { width: size.width / EDGE_CELL, height: size.height / EDGE_CELL }
    }

    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("edge_loss", self.image_gradient)
            .uses(Read, [self.image, self.target, self.coefficients.slot])
            .uses(Scratch, [self.difference, self.partials])
            .uses(Add, [self.image_gradient])
            .uses(Write, [self.losses])
    }
}

/// Gradient of the pixels that may move: `image_gradient[p] *= freedom[p]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreezePixels {
    /// `[height][width][3]`.
    pub image_gradient: SlotId,
    /// `[height][width]`: 0 or 1.
    pub freedom: SlotId,
    /// Pixels.
    pub pixels: usize,
}

impl FreezePixels {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("freeze_pixels", self.image_gradient)
            .uses(Read, [self.freedom])
            .uses(Add, [self.image_gradient])
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
