//! From a network and its losses to plain data: steps in order, the slots they read and write, and the buffers that
//! slots share. No device type appears here, so a plan can be printed, its memory known before anything is allocated,
//! and its steps tested one by one.

mod band_rows;
mod buffers;
mod build;
mod cost;
mod deal;
mod network;
mod only;
mod precision;
mod reach;
mod rows;
mod segments;
mod shape;
mod slot;
mod steps;
mod summary;
mod terms;
mod tiles;
mod windowed;

pub use buffers::share_buffers;
pub(crate) use build::REDUCTION_GROUPS;
pub use build::{Moving, RING_ROWS, features, iteration, iteration_of_some_pixels};
pub use cost::Cost;
pub use deal::{deal, time_of};
pub use network::{AdamSettings, Network, Optimizer, PlanError};
pub use precision::Precision;
pub use reach::{reach_of_features, reach_of_gradient};
pub use rows::{Map, Rows};
pub use segments::{Banding, Segment, Storage};
pub use shape::{FeatureShape, Size, Window};
pub use slot::{Matrix, Slot, SlotId, Tensor};
pub use steps::*;
pub use summary::StepSummary;
pub use terms::{PerTerm, Region, Representation, Statistic, Style, Term, check_terms};
pub use tiles::{Cover, Depths, Tile, Tiles, cover, window_sizes};
pub use windowed::{Spill, Windowed};

use std::ops::Range;

/// A part of the plan that runs as a unit: its steps are consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routine {
    /// Features and Gram matrices of the picture.
    Features,
    /// What follows from the targets, once they are written.
    Targets,
    /// Losses of the picture and the gradient with respect to its pixels.
    Evaluate,
    /// Of a window: adds what it counts to the statistics.
    Statistics,
    /// Of a window's plan: the style losses of the whole picture, once its statistics are complete.
    Losses,
    /// Of a window: adds what it counts to the content losses, and makes the gradient with respect to its pixels.
    Gradient,
    /// One Adam step along the gradient.
    Adam,
    /// Keeps the current point and gradient as the newest curvature pair, then takes the inner products L-BFGS needs.
    LbfgsUpdate,
    /// The search direction as a linear combination of the history.
    LbfgsDirection,
    /// The picture at a trial distance along the search direction.
    LbfgsTrial,
    /// Slope and norms of the gradient.
    LbfgsScalars,
    /// Sets the gradient aside.
    KeepGradient,
    /// Restores the gradient that was set aside.
    RestoreGradient,
}

impl Routine {
    /// Whether it is run for one window after another, or between two rounds of that.
    pub fn is_of_windows(self) -> bool {
        matches!(self, Routine::Statistics | Routine::Losses | Routine::Gradient)
    }
}

/// What a back end executes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The part of the picture that the plan covers.
    pub window: Window,
    /// How the slots of feature maps and gradients are stored, see [`Tensor::is_map`].
    pub precision: Precision,
    /// The losses that it evaluates, in the order of [`Tensor::Coefficients`], [`Tensor::LossValues`] and the rows of
    /// [`Tensor::LossRing`]; none if it only computes features.
    pub terms: Vec<Term>,
    /// Every array that a step reads or writes.
    pub slots: Vec<Slot>,
    /// Size in words (4 bytes) of each buffer; slots that are never in use together share one.
    pub buffers: Vec<usize>,
    /// All steps, routine after routine.
    pub steps: Vec<Step>,
    /// Which steps make up a routine.
    pub routines: Vec<(Routine, Range<usize>)>,
    /// The network's layers, from the picture on, and in how many bands they are computed.
    pub segments: Vec<Segment>,
}

impl Plan {
    /// The slot that holds a tensor, if the plan has it.
    pub fn find(&self, tensor: Tensor) -> Option<SlotId> {
        self.slots.iter().position(|slot| slot.tensor == tensor).map(SlotId)
    }

    /// What is known of a slot.
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.0]
    }

    /// How the values of a slot are stored. Slots of bits and of integers count as f32.
    pub fn precision_of(&self, id: SlotId) -> Precision {
        if self.slot(id).tensor.is_map() { self.precision } else { Precision::F32 }
    }

    /// Whether it was made with [`Storage::PLAIN`]: every map whole and of f32.
    pub fn is_plain(&self) -> bool {
        let whole = |step: &Step| step.rows().is_none_or(|(rows, shape)| rows == Rows::all(shape));
        self.precision == Precision::F32 && self.steps.iter().all(whole)
    }

    /// The steps of a routine; none if the plan does not have it.
    pub fn routine(&self, routine: Routine) -> Range<usize> {
        self.routines.iter().find(|(name, _)| *name == routine).map_or(0..0, |(_, range)| range.clone())
    }

    /// Bytes of the largest slot.
    pub fn largest_slot(&self) -> u64 {
        self.slots.iter().map(Slot::bytes).max().unwrap_or(0)
    }

    /// Bytes of all buffers; filters, pipelines and staging are the back end's own.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|&words| 4 * words as u64).sum()
    }
}
