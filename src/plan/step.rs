//! The operations. Each has a shader, a CPU function and a naive reference function of the same name.

use super::{FeatureShape, Map, Rows, Size, SlotId};
use crate::{vgg19::Layer, weights::Normalisation};

/// What the first convolution sees beyond the picture's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Border {
    /// Zero, after normalisation: the mean colour.
    Zero,
    /// The nearest pixel of the picture.
    Replicate,
}

/// How 2x2 blocks of pixels become one; an odd last row or column is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The largest value; of equal ones the first in reading order.
    Max,
    /// The mean.
    Average,
}

/// Where a backward step puts its gradient: `output = mask * (new + old)`, with `old` only if it accumulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The gradient that is written; its halo becomes zero.
    pub output: Map,
    /// Whether the new values are added to those that are there.
    pub accumulate: bool,
    /// ReLU mask (whole) that is applied to the sum; none where more is to be added or no ReLU stands below.
    pub mask: Option<SlotId>,
}

/// Scales of one loss, two neighbouring f32 of [`super::Tensor::Coefficients`].
///
/// Losses are stored in the order content layers, style layers, total variation. One more pair behind them belongs to no
/// loss: its first word is 1, its second the `u` of [`NetworkInputBackward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficients {
    /// The slot of all pairs.
    pub slot: SlotId,
    /// Which pair: `[2 * loss]` scales the reported value, `[2 * loss + 1]` the gradient, weight included.
    pub loss: usize,
}

/// `output[p][c] = (image[p][c] - mean[c]) / deviation[c]`, channel 3 zero, the halo by `border`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct NetworkInput {
    pub image: SlotId,
    pub output: SlotId,
    pub size: Size,
    pub border: Border,
    pub normalisation: Normalisation,
}

/// Gradient by the picture from that by the network input: `image = u * sum of gradient[q] / deviation` over the padded
/// pixels `q` that were made from it; `u` undoes the scale that keeps gradients within f16.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct NetworkInputBackward {
    pub gradient: SlotId,
    pub image_gradient: SlotId,
    pub unscale: Coefficients,
    pub size: Size,
    pub border: Border,
    pub normalisation: Normalisation,
}

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

/// Gradient by the input of a convolution from that by its output: the convolution with transposed filters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv3x3Backward {
    /// Whose filters.
    pub layer: Layer,
    /// Gradient by the convolution's output (ReLU mask applied), zero halo, `layer.output_channels()`.
    pub gradient: Map,
    /// Gradient by the convolution's input, of `shape`. For the first layer nothing is accumulated or masked, and the
    /// halo gets its gradient too, because a replicated border passes it on.
    pub into: Destination,
    /// Shape of the input, padded channels included.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
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

/// Gradient of 2x2 max pooling: the winner of each block gets all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPoolBackward {
    /// Gradient by the pooled map, of `shape.pooled()`.
    pub gradient: Map,
    /// From [`MaxPool`].
    pub winners: SlotId,
    /// Gradient by the input, of `shape`.
    pub into: Destination,
    /// Shape of the pooling's input.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
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

/// Gradient of 2x2 average pooling: each pixel of a block gets a quarter of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePoolBackward {
    /// Gradient by the pooled map, of `shape.pooled()`.
    pub gradient: Map,
    /// Gradient by the input, of `shape`.
    pub into: Destination,
    /// Shape of the pooling's input.
    pub shape: FeatureShape,
    /// Rows of the input whose gradient is made.
    pub rows: Rows,
}

/// Gram matrix `G = F^T F / pixels` of a feature map F `[pixel][channel]`, or the share that some rows have in it.
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
    /// Whether the sum is added to the matrix that is there.
    pub accumulate: bool,
    /// Into how many runs of pixels the sum is split.
    pub splits: u32,
    /// Pixels of the whole picture at this layer.
    pub pixels: usize,
}

/// Style loss of one layer: `value = a * sum((G - T)^2)` and `S = b * (G - T)`, (a, b) its coefficients; then
/// dF = F S by [`GramBackward`].
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
}

/// Gradient by the features: `F S` for every pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GramBackward {
    /// F, of `shape`.
    pub features: Map,
    /// S, `[C][C]`, symmetric.
    pub gram_gradient: SlotId,
    /// Gradient by F.
    pub into: Destination,
    /// Shape of F; channels a multiple of 64.
    pub shape: FeatureShape,
    /// Rows whose gradient is made.
    pub rows: Rows,
}

/// Content loss of one layer: `value = a * sum((F - T)^2)` and gradient `b * (F - T)`, (a, b) its coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContentLoss {
    /// F, of `shape`.
    pub features: Map,
    /// T, whole.
    pub target: SlotId,
    /// Gradient by F.
    pub into: Destination,
    /// Scratch of the sum.
    pub partials: SlotId,
    /// (a, b).
    pub coefficients: Coefficients,
    /// Where the value goes.
    pub losses: SlotId,
    /// Shape of F.
    pub shape: FeatureShape,
    /// Rows whose gradient is made.
    pub rows: Rows,
    /// Rows, among those, that are summed.
    pub summed: Rows,
    /// Whether the sum is added to the value that is there.
    pub accumulate: bool,
}

/// Total variation: `value = a * (sum of squared right differences / (3 (W-1) H) + sum of squared down differences /
/// (3 W (H-1)))`; `b` times its gradient is added to the picture's gradient. If the picture's gradient is not finite
/// anywhere, the value becomes infinite, so that no step is taken along it.
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

/// Closes an evaluation: writes its number and its loss values to the next row of the ring, and stops the optimiser if
/// one of them is not finite.
///
/// State words: 0 evaluations so far (u32), 1 whether a loss was not finite (u32, 0 or 1); the others are Adam's. A row
/// of the ring has [`ring_row`] words: the evaluation's number as a u32, counted from 1, then the loss values.
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

/// Words in a row of the loss ring.
pub const fn ring_row(losses: usize) -> usize {
    losses + 1
}

/// One step of Adam (Kingma and Ba, 2015) on the picture, clamped to [0, 1], and the running average of the iterates:
///
/// `m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; x = clamp(x - lr/(1-b1^t) m / (sqrt(v)/sqrt(1-b2^t) + eps));
/// average = d average + (1-d) x`
///
/// State words 2, 3 and 4 are b1^t, b2^t and d^t as f32, 1 before the first step and advanced by this one. Nothing
/// changes when state word 1 is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// x.
    pub image: SlotId,
    /// g.
    pub gradient: SlotId,
    /// m.
    pub mean: SlotId,
    /// v.
    pub square: SlotId,
    /// Running average, to be divided by `1 - d^t`.
    pub average: SlotId,
    /// See above.
    pub state: SlotId,
    /// Values of the picture.
    pub count: usize,
    /// lr, above zero.
    pub learning_rate: f32,
    /// b1 and b2, in [0, 1).
    pub betas: [f32; 2],
    /// eps, above zero.
    pub epsilon: f32,
    /// d, in [0, 1).
    pub decay: f32,
}

/// Keeps the newest curvature pair and moves the base point:
/// `history[s] = image - base; history[y] = gradient - history[2m]; history[2m] = gradient; base = image`.
///
/// Control words 0 and 1 (u32) are the rows s and y. With both at `2m + 1` or above, no pair is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsUpdate {
    pub image: SlotId,
    pub gradient: SlotId,
    pub base: SlotId,
    pub history: SlotId,
    pub control: SlotId,
    pub count: usize,
    pub memory: usize,
}

/// Inner products of three rows of the history with all of its `2m + 1` rows: `results[i][k] = history[row_i] .
/// history[k]`, the rows being control words 0, 1 (u32) and row 2m; a row at `2m + 1` or above gives zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsDots {
    pub history: SlotId,
    pub control: SlotId,
    pub partials: SlotId,
    pub results: SlotId,
    pub count: usize,
    pub memory: usize,
}

/// `direction = sum over k of control[4 + k] * history[k]`, k in 0..=2m. Rows with coefficient zero are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsDirection {
    pub history: SlotId,
    pub control: SlotId,
    pub direction: SlotId,
    pub count: usize,
    pub memory: usize,
}

/// `image = base + control[2] * direction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsTrial {
    pub base: SlotId,
    pub direction: SlotId,
    pub control: SlotId,
    pub image: SlotId,
    pub count: usize,
}

/// `results = [gradient . direction, sum |gradient|, max |direction|]`; the maximum is NaN if a direction value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsScalars {
    pub gradient: SlotId,
    pub direction: SlotId,
    pub partials: SlotId,
    pub results: SlotId,
    pub count: usize,
}

/// `to = from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct CopyVector {
    pub from: SlotId,
    pub to: SlotId,
    pub count: usize,
}

/// One operation with the slots it works on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is described at its type")]
pub enum Step {
    NetworkInput(NetworkInput),
    NetworkInputBackward(NetworkInputBackward),
    Conv3x3(Conv3x3),
    Conv3x3Backward(Conv3x3Backward),
    MaxPool(MaxPool),
    MaxPoolBackward(MaxPoolBackward),
    AveragePool(AveragePool),
    AveragePoolBackward(AveragePoolBackward),
    Gram(Gram),
    GramBackward(GramBackward),
    StyleLoss(StyleLoss),
    ContentLoss(ContentLoss),
    TotalVariation(TotalVariation),
    RecordLosses(RecordLosses),
    Adam(Adam),
    LbfgsUpdate(LbfgsUpdate),
    LbfgsDots(LbfgsDots),
    LbfgsDirection(LbfgsDirection),
    LbfgsTrial(LbfgsTrial),
    LbfgsScalars(LbfgsScalars),
    CopyVector(CopyVector),
}

impl Step {
    /// The operation's name: that of its shader, its functions, its test and its bench.
    pub fn operation(&self) -> &'static str {
        match self {
            Step::NetworkInput(_) => "network_input",
            Step::NetworkInputBackward(_) => "network_input_backward",
            Step::Conv3x3(_) => "conv3x3",
            Step::Conv3x3Backward(_) => "conv3x3_backward",
            Step::MaxPool(_) => "max_pool",
            Step::MaxPoolBackward(_) => "max_pool_backward",
            Step::AveragePool(_) => "average_pool",
            Step::AveragePoolBackward(_) => "average_pool_backward",
            Step::Gram(_) => "gram",
            Step::GramBackward(_) => "gram_backward",
            Step::StyleLoss(_) => "style_loss",
            Step::ContentLoss(_) => "content_loss",
            Step::TotalVariation(_) => "total_variation",
            Step::RecordLosses(_) => "record_losses",
            Step::Adam(_) => "adam",
            Step::LbfgsUpdate(_) => "lbfgs_update",
            Step::LbfgsDots(_) => "lbfgs_dots",
            Step::LbfgsDirection(_) => "lbfgs_direction",
            Step::LbfgsTrial(_) => "lbfgs_trial",
            Step::LbfgsScalars(_) => "lbfgs_scalars",
            Step::CopyVector(_) => "copy_vector",
        }
    }

    /// The rows of a map that it makes or sums, and the map's shape. None if it does not work on rows of maps.
    pub fn rows(&self) -> Option<(Rows, FeatureShape)> {
        match *self {
            Step::Conv3x3(s) => Some((s.rows, s.shape)),
            Step::Conv3x3Backward(s) => Some((s.rows, s.shape)),
            Step::MaxPool(s) => Some((s.rows, s.shape.pooled())),
            Step::MaxPoolBackward(s) => Some((s.rows, s.shape)),
            Step::AveragePool(s) => Some((s.rows, s.shape.pooled())),
            Step::AveragePoolBackward(s) => Some((s.rows, s.shape)),
            Step::Gram(s) => Some((s.rows, s.shape)),
            Step::GramBackward(s) => Some((s.rows, s.shape)),
            Step::ContentLoss(s) => Some((s.rows, s.shape)),
            _ => None,
        }
    }

    /// The slots it reads and those it writes (a slot that is added to is in both).
    pub fn slots(&self) -> (Vec<SlotId>, Vec<SlotId>) {
        let (mut reads, mut writes) = match *self {
            Step::NetworkInput(s) => (vec![s.image], vec![s.output]),
            Step::NetworkInputBackward(s) => (vec![s.gradient, s.unscale.slot], vec![s.image_gradient]),
            Step::Conv3x3(s) => (vec![s.input.slot], [Some(s.output.slot), s.mask].into_iter().flatten().collect()),
            Step::Conv3x3Backward(s) => (vec![s.gradient.slot], vec![]),
            Step::MaxPool(s) => (vec![s.input.slot], [Some(s.output.slot), s.winners].into_iter().flatten().collect()),
            Step::MaxPoolBackward(s) => (vec![s.gradient.slot, s.winners], vec![]),
            Step::AveragePool(s) => (vec![s.input.slot], vec![s.output.slot]),
            Step::AveragePoolBackward(s) => (vec![s.gradient.slot], vec![]),
            Step::Gram(s) => {
                let gram = s.accumulate.then_some(s.gram);
                ([Some(s.features.slot), gram].into_iter().flatten().collect(), vec![s.partials, s.gram])
            }
            Step::GramBackward(s) => (vec![s.features.slot, s.gram_gradient], vec![]),
            Step::StyleLoss(s) => {
                (vec![s.gram, s.target, s.coefficients.slot], vec![s.gram_gradient, s.partials, s.losses])
            }
            Step::ContentLoss(s) => (vec![s.features.slot, s.target, s.coefficients.slot], vec![s.partials, s.losses]),
            Step::TotalVariation(s) => {
                (vec![s.image, s.coefficients.slot, s.image_gradient], vec![s.image_gradient, s.partials, s.losses])
            }
            Step::RecordLosses(s) => (vec![s.losses, s.state], vec![s.state, s.ring]),
            Step::Adam(s) => {
                let both = vec![s.image, s.mean, s.square, s.average, s.state];
                ([&both[..], &[s.gradient]].concat(), both)
            }
            Step::LbfgsUpdate(s) => (vec![s.image, s.gradient, s.base, s.history, s.control], vec![s.history, s.base]),
            Step::LbfgsDots(s) => (vec![s.history, s.control], vec![s.partials, s.results]),
            Step::LbfgsDirection(s) => (vec![s.history, s.control], vec![s.direction]),
            Step::LbfgsTrial(s) => (vec![s.base, s.direction, s.control], vec![s.image]),
            Step::LbfgsScalars(s) => (vec![s.gradient, s.direction], vec![s.partials, s.results]),
            Step::CopyVector(s) => (vec![s.from], vec![s.to]),
        };
        if let Some(into) = self.destination() {
            reads.extend(into.accumulate.then_some(into.output.slot));
            reads.extend(into.mask);
            writes.push(into.output.slot);
        }
        (reads, writes)
    }

    /// The layer whose filters it reads, if it reads any.
    pub fn filters(&self) -> Option<Layer> {
        match self {
            Step::Conv3x3(Conv3x3 { layer, .. }) | Step::Conv3x3Backward(Conv3x3Backward { layer, .. }) => Some(*layer),
            _ => None,
        }
    }

    /// The slot that it is there to make; scratch and loss values are not.
    pub fn makes(&self) -> SlotId {
        match *self {
            Step::NetworkInput(s) => s.output,
            Step::NetworkInputBackward(s) => s.image_gradient,
            Step::Conv3x3(s) => s.output.slot,
            Step::Conv3x3Backward(s) => s.into.output.slot,
            Step::MaxPool(s) => s.output.slot,
            Step::MaxPoolBackward(s) => s.into.output.slot,
            Step::AveragePool(s) => s.output.slot,
            Step::AveragePoolBackward(s) => s.into.output.slot,
            Step::Gram(s) => s.gram,
            Step::GramBackward(s) => s.into.output.slot,
            Step::StyleLoss(s) => s.gram_gradient,
            Step::ContentLoss(s) => s.into.output.slot,
            Step::TotalVariation(s) => s.image_gradient,
            Step::RecordLosses(s) => s.ring,
            Step::Adam(s) => s.image,
            Step::LbfgsUpdate(s) => s.history,
            Step::LbfgsDots(s) => s.results,
            Step::LbfgsDirection(s) => s.direction,
            Step::LbfgsTrial(s) => s.image,
            Step::LbfgsScalars(s) => s.results,
            Step::CopyVector(s) => s.to,
        }
    }

    /// Where a backward step puts its gradient.
    fn destination(&self) -> Option<Destination> {
        match self {
            Step::Conv3x3Backward(s) => Some(s.into),
            Step::MaxPoolBackward(s) => Some(s.into),
            Step::AveragePoolBackward(s) => Some(s.into),
            Step::GramBackward(s) => Some(s.into),
            Step::ContentLoss(s) => Some(s.into),
            _ => None,
        }
    }
}
