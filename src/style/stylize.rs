//! From a photograph and a painting to a picture: scale after scale, each with its own targets.

use super::{
    objective::Loss,
    painting::{Painting, Status},
    recipe::{Recipe, RecipeError},
    scales::scales,
};
use crate::{
    BackendError, Engine,
    picture::{Picture, fit_long_side},
    plan::{PlanError, Size},
};
use std::num::NonZeroU32;

/// What happens while a picture is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A scale begins.
    Scale {
        /// Which, from 1.
        number: usize,
        /// How many there are.
        count: usize,
        /// Size of the picture.
        size: Size,
        /// Size of the painting.
        style: Size,
        /// Iterations to come.
        iterations: u32,
    },
    /// An iteration is done.
    Iteration {
        /// Size of the picture.
        size: Size,
        /// Which iteration of the scale, from 1.
        iteration: u32,
        /// Evaluations of the scale so far: with L-BFGS an iteration takes one or more.
        evaluations: u32,
        /// Losses: with Adam before the iteration's step, with L-BFGS after it.
        loss: Loss,
        /// Since the start of the scale.
        seconds: f64,
    },
    /// The picture as it would be if the work ended now.
    Snapshot {
        /// Which iteration of the scale.
        iteration: u32,
        /// The picture.
        picture: Picture,
    },
    /// A value went beyond what f16 holds: the work goes on in f32.
    OutOfRange {
        /// Iterations done at this size.
        iteration: u32,
    },
    /// An optimiser found nothing better and ends the scale early.
    Converged {
        /// Iterations done.
        iteration: u32,
    },
}

/// Why the work ended before its end.
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
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A loss is not a number any more.
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

/// Why the work ended, and what was done until then.
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

/// Paints `content` in the style of `style`, from the first scale to the last: a [`Painting`] that nobody interrupts.
/// `observe` is told what happens; `snapshots` asks for a picture every so many iterations.
///
/// # Errors
/// If a number is out of range, a picture is too small, the device fails or the losses stop being numbers; the error
/// carries the last good picture.
pub fn stylize(
    engine: &Engine,
    content: &Picture,
    style: &Picture,
    recipe: &Recipe,
    snapshots: Option<NonZeroU32>,
    observe: &mut dyn FnMut(Event),
) -> Result<Picture, StylizeError> {
    let mut painting = Painting::new(engine, content.clone(), style.clone(), recipe.clone())?;
    painting.snapshot_every(snapshots);
    loop {
        let status = painting.wait();
        while let Some(event) = painting.next_event() {
            observe(event);
        }
        if status? == Status::Done {
            return Ok(painting.picture()?.expect("a painting without an error ends with a picture"));
        }
    }
}

/// Size of the painting beside a picture of a size.
pub(super) fn style_size(style: Size, picture: Size, recipe: &Recipe) -> Size {
    let long = picture.width.max(picture.height);
    let style_long = (long as f32 * recipe.style_scale).round().max(1.0) as u32;
    fit_long_side(style, style_long.min(style.width.max(style.height)))
}

/// Sizes of the scales; those too small for the layers are left out, but for the last, which must suit.
pub(super) fn sizes(content: Size, recipe: &Recipe) -> Result<Vec<Size>, Reason> {
    let deepest = recipe.deepest().ok_or(Reason::Content(PlanError::NoLayer))?;
    let minimum = 1 << deepest.poolings();
    let all = scales(recipe.size, recipe.min_scale).into_iter().map(|long| fit_long_side(content, long));
    let suitable: Vec<Size> = all.filter(|size| size.width.min(size.height) >= minimum).collect();
    if suitable.is_empty() {
        let size = fit_long_side(content, recipe.size);
        return Err(Reason::Content(PlanError::TooSmall { layer: deepest, size, minimum }));
    }
    Ok(suitable)
}
