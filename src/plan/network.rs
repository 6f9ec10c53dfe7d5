//! What a plan is made for, the network and the optimiser, and why there may be no plan.

use super::{Border, Pooling, Size, Storage, Term, Window};
use crate::vgg19::{Layer, Normalisation};

/// The network up to the layers that are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// The part of the picture it looks at.
    pub window: Window,
    /// What the first convolution sees beyond the edge.
    pub border: Border,
    /// Which pooling.
    pub pooling: Pooling,
    /// What the filters expect of a pixel.
    pub normalisation: Normalisation,
    /// How feature maps are stored.
    pub storage: Storage,
}

impl Network {
    /// Max pooling, zero border, ImageNet statistics, the whole picture in whole maps of f32.
    #[cfg(test)]
    pub(crate) fn for_tests(width: u32, height: u32) -> Network {
        Network {
            window: Window::whole(Size { width, height }),
            border: Border::Zero,
            pooling: Pooling::Max,
            normalisation: Normalisation::IMAGENET,
            storage: Storage::PLAIN,
        }
    }
}

/// Settings of Adam, see [`super::Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as in the formula")]
pub struct AdamSettings {
    pub betas: [f32; 2],
    /// Decay of the running average of the iterates.
    pub decay: f32,
}

/// How the picture moves along its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Adam with clamping.
    Adam(AdamSettings),
    /// L-BFGS; the host runs the line search.
    Lbfgs {
        /// Curvature pairs that are kept, at least 1.
        memory: usize,
    },
}

impl Default for AdamSettings {
    fn default() -> Self {
        AdamSettings { betas: [0.9, 0.99], decay: 0.99 }
    }
}

impl Default for Optimizer {
    /// Adam with its default settings.
    fn default() -> Self {
        Optimizer::Adam(AdamSettings::default())
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nothing to look at.
    #[error("no content layer and no style layer is named: name at least one")]
    NoLayer,
    /// A loss appears twice at one place.
    #[error("the {0} is named twice: name it once, with its weight")]
    TermTwice(Term),
    /// Nothing is left of the picture after the poolings.
    #[error(
        "a picture of {size} pixels is too small for {layer}, which needs at least {minimum} on each side: make the picture larger or use layers nearer to it"
    )]
    TooSmall {
        /// The deepest layer asked for.
        layer: Layer,
        /// The picture or window.
        size: Size,
        /// Pixels that one pixel of the layer stands for.
        minimum: u32,
    },
}
