//! Why no filters were learned.

use crate::{BackendError, plan::Size, vgg19::Layer};

/// Pixels that a picture needs on each side.
pub(super) const MINIMUM_SIDE: u32 = 16;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// Nothing to learn from.
    #[error("no picture is given to learn filters from: give at least one")]
    NoPicture,
    /// A picture of a few pixels.
    #[error(
        "picture {number} has {size} pixels, too few to learn filters from: use one of at least {MINIMUM_SIDE} on each side"
    )]
    TooSmall {
        /// Which picture, from 1.
        number: usize,
        /// Its size.
        size: Size,
    },
    /// NaN or infinity among the pixels.
    #[error(
        "picture {number} holds {value} among its pixels, and filters are learned from finite ones: check how it was made"
    )]
    NotFinite {
        /// Which picture, from 1.
        number: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// All pictures are of one colour.
    #[error(
        "no filters can be learned where every picture is of a single colour: add one with structure, or name a weights file"
    )]
    Flat,
    /// More filters than patches to learn them from.
    #[error(
        "the pictures give {found} patches to learn the {needed} filters of {layer} from: use more or less narrow pictures, a larger size, or layers nearer to the picture"
    )]
    TooFewPatches {
        /// The layer.
        layer: Layer,
        /// Patches there are.
        found: usize,
        /// Filters of the layer.
        needed: usize,
    },
    /// The CPU back end failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}
