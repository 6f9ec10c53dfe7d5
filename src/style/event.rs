//! What a painting reports about its work.

use super::objective::Loss;
use crate::{LostDevice, picture::Picture, plan::Size};

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
        /// Size of each painting.
        styles: Vec<Size>,
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
    /// A value went beyond what f16 holds: the work continues in f32.
    OutOfRange {
        /// Iterations done at this size.
        iteration: u32,
    },
    /// A device failed, and others go on with its part of the work: nothing is lost.
    DeviceLost(LostDevice),
    /// An optimiser found nothing better and ends the scale early.
    Converged {
        /// Iterations done.
        iteration: u32,
    },
}
