//! Why a painting ends early.

use super::recipe::RecipeError;
use crate::{
    BackendError,
    picture::Picture,
    plan::{PlanError, Size},
    vgg19::Layer,
};

/// Why the work ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A number of the recipe is out of range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The photograph is too small for the layers.
    #[error("the photograph does not suit the layers: {0}")]
    Content(PlanError),
    /// The painting is too small for the layers.
    #[error("the painting does not suit the layers: {0}")]
    Style(PlanError),
    /// The style scale makes the painting too small for the layers.
    #[error(
        "at {picture} pixels a style scale of {style_scale} makes the painting {painting}, too small for {layer}, which needs at least {minimum} pixels on each side: use a style scale of at least {enough}"
    )]
    StyleScale {
        /// Size of the picture.
        picture: Size,
        /// Size of the painting for it.
        painting: Size,
        /// Of the recipe.
        style_scale: f32,
        /// The deepest style layer.
        layer: Layer,
        /// Pixels that one pixel of the layer stands for.
        minimum: u32,
        /// A style scale that suits.
        enough: f32,
    },
    /// A mask that says nothing.
    #[error("{of} is empty: a mask is white where it counts, and this one is black or transparent everywhere")]
    EmptyMask {
        /// Which.
        of: MaskOf,
    },
    /// A region without area.
    #[error(
        "the region of painting {} covers nothing of the photograph that may be painted: make its mask larger, or leave the painting out", painting + 1
    )]
    RegionCoversNothing {
        /// Which painting's, from 0.
        painting: usize,
    },
    /// Everything is kept or transparent.
    #[error("nothing of the photograph may be painted: all of it is kept or transparent")]
    NothingToPaint,
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A loss is no longer a number.
    #[error(
        "the losses are not finite at {size}, iteration {iteration}: check the filters, or use a smaller learning rate or smaller weights"
    )]
    NotFinite {
        /// Size of the picture.
        size: Size,
        /// Which iteration.
        iteration: u32,
    },
}

/// What a mask is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskOf {
    /// The part of a painting that counts; paintings are counted from 0.
    Painting(usize),
    /// Where a painting rules.
    Region(usize),
}

impl std::fmt::Display for MaskOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MaskOf::Painting(number) => write!(f, "the mask of painting {}", number + 1),
            MaskOf::Region(number) => write!(f, "the region of painting {}", number + 1),
        }
    }
}

/// Why the work ended, and what had been done by then.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct StylizeError {
    /// What happened.
    pub reason: Reason,
    /// The last good picture, if any iteration was done.
    pub so_far: Option<Box<Picture>>,
}

impl From<Reason> for StylizeError {
    fn from(reason: Reason) -> Self {
        StylizeError { reason, so_far: None }
    }
}
