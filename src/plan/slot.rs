//! Slots: the arrays that steps read and write.

use super::{FeatureShape, Region, Size, Term};
use crate::vgg19::Layer;
use std::fmt;

/// Index of a slot in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub usize);

/// A matrix of channels on the way to a Wasserstein distance, by its letter in [`super::WassersteinLoss`] and
/// [`super::PolarStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// The covariance S.
    S,
    /// The overlap X.
    X,
    /// Converges to the polar factor.
    U,
    /// The next U; before that, the inverse Cholesky factor of a step.
    NextU,
    /// What U is multiplied by.
    T,
    /// The Cholesky factor of S, then that of a step, then W.
    L,
    /// The inverse of the Cholesky factor of S.
    M,
}

/// What a slot holds. Feature maps and their gradients are haloed NHWC (see [`super::FeatureShape`]); pictures are
/// `[height][width][3]`, red first, without a halo. Everything is f32 unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tensor {
    /// The picture that is optimised, in [0, 1].
    Image,
    /// Gradient of the total loss with respect to the picture.
    ImageGradient,
    /// Normalised picture, four channels, the last zero.
    NetworkInput,
    /// Gradient with respect to [`Tensor::NetworkInput`], halo included.
    NetworkInputGradient,
    /// Output of a layer, after the ReLU.
    Features(Layer),
    /// Gradient with respect to the input of a layer's ReLU.
    Gradient(Layer),
    /// Which values of a layer's output are above zero: bits, [`super::FeatureShape::mask_words`].
    ReluMask(Layer),
    /// The pooled output of the layer below the named one.
    Pooled(Layer),
    /// Gradient with respect to [`Tensor::Pooled`].
    PooledGradient(Layer),
    /// Feature map of a layer, recomputed for its gradient, a band of rows.
    Recomputed(Layer),
    /// The pooled input of a layer, recomputed, a band of rows.
    RecomputedPooled(Layer),
    /// Which pixel of each 2x2 won, 0 to 3 in reading order: [`super::FeatureShape::winner_words`].
    PoolWinners(Layer),
    /// What a term compares with: a feature map, a Gram matrix, or the edges of a picture.
    Target(Term),
    /// The mean that a style term compares with beside the Gram matrix.
    TargetMean(Term),
    /// What a style term needs beside its target: a [`super::TargetScalars`].
    TargetScalars(Term),
    /// Cholesky factor of the covariance that a style term compares with, made once from target and mean.
    TargetFactor(Term),
    /// Gram matrix of a layer in a region, `[C][C]`, divided by the number of pixels.
    Gram(Layer, Region),
    /// Mean of each channel of a layer in a region, `[C]`.
    Mean(Layer, Region),
    /// How much each padded pixel of a layer counts in a region, on average 1; halo pixels count 0. Written by the host.
    RegionWeights(Layer, Region),
    /// Which padded pixels of a layer a window counts, 1, and which another does, 0; halo pixels count 0. Written by the
    /// host.
    Counted(Layer),
    /// Gradient with respect to the features of a layer through its Gram matrix: the symmetric matrix S in
    /// dF = w (F S + c), summed over the region's style terms.
    GramGradient(Layer, Region),
    /// Gradient with respect to the features of a layer through its mean: c of [`Tensor::GramGradient`].
    MeanGradient(Layer, Region),
    /// A matrix of channels on the way to a Wasserstein distance.
    Matrix(Matrix),
    /// The squared norm of an overlap.
    SquaredNorm,
    /// The numbers for steps towards a polar factor, see [`super::PolarFactors`].
    PolarFactors,
    /// Difference between the edges of the picture and of the photograph, see [`super::EdgeLoss`].
    EdgeDifference,
    /// Which pixels may move, see [`super::FreezePixels`]. Written by the host.
    Freedom,
    /// Sum of squares of each representation that a features plan produces, in the order of the request.
    SumsOfSquares,
    /// Partial sums of a reduction.
    Partials,
    /// One (value scale, gradient scale) pair for each of [`super::Plan::terms`]; written by the host, see
    /// [`super::Coefficients`].
    Coefficients,
    /// One number, written by the host: restores the true size of the gradient that comes out of the network. It undoes
    /// the factor in the gradient scales that keeps gradients within f16.
    InverseGradientScale,
    /// One unweighted value for each of [`super::Plan::terms`].
    LossValues,
    /// Loss values of the latest evaluations, see [`super::RecordLosses`].
    LossRing,
    /// What steps keep between iterations: an [`super::IterationState`].
    State,
    /// What the host tells Adam: [`super::AdamRates`] and a share for each term.
    AdamRates,
    /// First moment of Adam, like the picture.
    AdamMean,
    /// Second moment of Adam, like the picture.
    AdamSquare,
    /// Running average of the iterates, like the picture, not yet bias-corrected.
    Average,
    /// `2 m + 1` rows like the picture: m steps s, m gradient differences y, and the gradient at the base point.
    LbfgsHistory,
    /// Picture at the start of a line search.
    LbfgsBase,
    /// Search direction, like the picture.
    LbfgsDirection,
    /// What the host tells the vector operations of L-BFGS: an [`super::LbfgsControl`], then a coefficient for each row
    /// of the history.
    LbfgsControl,
    /// Numbers that the vector operations of L-BFGS return to the host.
    LbfgsResults,
    /// Gradient set aside by the line search.
    KeptGradient,
}

impl Tensor {
    /// Whether it is a feature map or the gradient with respect to one: those are stored in the plan's precision, the
    /// others in words.
    pub fn is_map(self) -> bool {
        matches!(
            self,
            Tensor::NetworkInput
                | Tensor::NetworkInputGradient
                | Tensor::Features(_)
                | Tensor::Gradient(_)
                | Tensor::Pooled(_)
                | Tensor::PooledGradient(_)
                | Tensor::Recomputed(_)
                | Tensor::RecomputedPooled(_)
                | Tensor::Target(Term::Content(_))
        )
    }
}

impl Tensor {
    /// The shape of a map, or of the map that a mask or the winners describe; none for a tensor that does not hold data
    /// for the pixels of a layer.
    pub fn shape(self, picture: Size) -> Option<FeatureShape> {
        match self {
            Tensor::NetworkInput | Tensor::NetworkInputGradient => {
                Some(FeatureShape::of_layer(Layer::FIRST, picture).with_channels(4))
            }
            Tensor::Features(layer)
            | Tensor::Gradient(layer)
            | Tensor::ReluMask(layer)
            | Tensor::Recomputed(layer)
            | Tensor::Target(Term::Content(layer)) => Some(FeatureShape::of_layer(layer, picture)),
            Tensor::Pooled(layer)
            | Tensor::PooledGradient(layer)
            | Tensor::RecomputedPooled(layer)
            | Tensor::PoolWinners(layer) => {
                Some(FeatureShape::of_layer(layer, picture).with_channels(layer.input_channels()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tensor::Image => f.write_str("image"),
            Tensor::ImageGradient => f.write_str("gradient of image"),
            Tensor::NetworkInput => f.write_str("network input"),
            Tensor::NetworkInputGradient => f.write_str("gradient of network input"),
            Tensor::Features(layer) => write!(f, "{layer}"),
            Tensor::Gradient(layer) => write!(f, "gradient of {layer}"),
            Tensor::ReluMask(layer) => write!(f, "ReLU mask of {layer}"),
            Tensor::Pooled(layer) => write!(f, "pooled input of {layer}"),
            Tensor::PooledGradient(layer) => write!(f, "gradient of pooled input of {layer}"),
            Tensor::Recomputed(layer) => write!(f, "{layer} once more"),
            Tensor::RecomputedPooled(layer) => write!(f, "pooled input of {layer} once more"),
            Tensor::PoolWinners(layer) => write!(f, "pool winners below {layer}"),
            Tensor::Target(term) => write!(f, "target of {term}"),
            Tensor::TargetMean(term) => write!(f, "target mean of {term}"),
            Tensor::TargetScalars(term) => write!(f, "target numbers of {term}"),
            Tensor::TargetFactor(term) => write!(f, "Cholesky factor of target of {term}"),
            Tensor::Gram(layer, region) => write!(f, "Gram matrix {layer}{}", in_region(region)),
            Tensor::Mean(layer, region) => write!(f, "mean {layer}{}", in_region(region)),
            Tensor::RegionWeights(layer, region) => write!(f, "weights {layer}{}", in_region(region)),
            Tensor::Counted(layer) => write!(f, "counted pixels of {layer}"),
            Tensor::GramGradient(layer, region) => write!(f, "gradient of Gram matrix {layer}{}", in_region(region)),
            Tensor::MeanGradient(layer, region) => write!(f, "gradient of mean {layer}{}", in_region(region)),
            Tensor::Matrix(matrix) => write!(f, "matrix {matrix:?}"),
            Tensor::SquaredNorm => f.write_str("squared norm"),
            Tensor::PolarFactors => f.write_str("factors of polar factor"),
            Tensor::EdgeDifference => f.write_str("difference of edges"),
            Tensor::Freedom => f.write_str("pixels that may move"),
            Tensor::SumsOfSquares => f.write_str("sums of squares"),
            Tensor::Partials => f.write_str("partial sums"),
            Tensor::Coefficients => f.write_str("loss coefficients"),
            Tensor::InverseGradientScale => f.write_str("inverse gradient scale"),
            Tensor::LossValues => f.write_str("loss values"),
            Tensor::LossRing => f.write_str("loss ring"),
            Tensor::State => f.write_str("iteration state"),
            Tensor::AdamRates => f.write_str("Adam rates"),
            Tensor::AdamMean => f.write_str("Adam first moment"),
            Tensor::AdamSquare => f.write_str("Adam second moment"),
            Tensor::Average => f.write_str("running average"),
            Tensor::LbfgsHistory => f.write_str("L-BFGS history"),
            Tensor::LbfgsBase => f.write_str("L-BFGS base point"),
            Tensor::LbfgsDirection => f.write_str("L-BFGS direction"),
            Tensor::LbfgsControl => f.write_str("L-BFGS control"),
            Tensor::LbfgsResults => f.write_str("L-BFGS results"),
            Tensor::KeptGradient => f.write_str("kept gradient"),
        }
    }
}

fn in_region(region: &Region) -> String {
    if region.number == 0 { String::new() } else { format!(" in region {}", region.number + 1) }
}

/// One array of a plan.
#[derive(Clone, Debug)]
pub struct Slot {
    /// What it holds.
    pub tensor: Tensor,
    /// Length in words of 4 bytes.
    pub words: usize,
    /// Whether its contents outlive a routine: then it has a buffer of its own.
    pub persistent: bool,
    /// Whether it holds the rows of one band after another: its contents are no longer needed once a band's rows have
    /// been read for the last time.
    pub per_band: bool,
    /// Index of its buffer in [`super::Plan::buffers`]; it starts at the buffer's first word.
    pub buffer: usize,
}

impl Slot {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        4 * self.words as u64
    }
}
