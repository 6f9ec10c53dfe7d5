//! The vector operations of L-BFGS.

use super::SlotId;
use super::declaration::{Declaration, Role::*};
use bytemuck::{Pod, Zeroable};

/// The start of [`crate::plan::Tensor::LbfgsControl`]; an f32 for each row of the history follows.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct LbfgsControl {
    /// Row of the history where the newest step s goes.
    pub step_row: u32,
    /// Row where the newest difference y of gradients goes.
    pub difference_row: u32,
    /// How far a trial goes along the direction.
    pub distance: f32,
    /// Unused.
    pub unused: u32,
}

impl LbfgsControl {
    /// Rows beyond any history, so that no pair is written or multiplied. The distance is zero.
    pub const NO_PAIR: LbfgsControl =
        LbfgsControl { step_row: u32::MAX, difference_row: u32::MAX, distance: 0.0, unused: 0 };
    /// Its length in words.
    pub const WORDS: usize = size_of::<LbfgsControl>() / 4;
}

/// What [`LbfgsScalars`] computes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct LbfgsScalarResults {
    /// gradient . direction
    pub slope: f32,
    /// sum |gradient|
    pub gradient_sum: f32,
    /// max |direction|, NaN if any value of the direction is.
    pub largest: f32,
}

/// Keeps the newest curvature pair and moves the base point:
/// `history[s] = image - base; history[y] = gradient - history[2m]; history[2m] = gradient; base = image`.
///
/// The rows s and y are those of the [`LbfgsControl`]. With both at `2m + 1` or above, no pair is written.
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

impl LbfgsUpdate {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_update", self.history)
            .uses(Read, [self.image, self.gradient, self.control])
            .uses(Add, [self.history, self.base])
    }
}

/// Inner products of three rows of the history with all of its `2m + 1` rows:
/// `results[i][k] = history[row_i] . history[k]`. The three are the two rows of the [`LbfgsControl`] and row 2m; a row
/// at `2m + 1` or above gives zeros.
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

impl LbfgsDots {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_dots", self.results)
            .uses(Read, [self.history, self.control])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.results])
    }
}

/// `direction = sum over k of coefficients[k] * history[k]`, k in 0..=2m, with the coefficients that follow the
/// [`LbfgsControl`]. Rows with coefficient zero are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsDirection {
    pub history: SlotId,
    pub control: SlotId,
    pub direction: SlotId,
    pub count: usize,
    pub memory: usize,
}

impl LbfgsDirection {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_direction", self.direction)
            .uses(Read, [self.history, self.control])
            .uses(Write, [self.direction])
    }
}

/// `image = base + distance * direction`, with the distance of the [`LbfgsControl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsTrial {
    pub base: SlotId,
    pub direction: SlotId,
    pub control: SlotId,
    pub image: SlotId,
    pub count: usize,
}

impl LbfgsTrial {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_trial", self.image)
            .uses(Read, [self.base, self.direction, self.control])
            .uses(Write, [self.image])
    }
}

/// [`LbfgsScalarResults`] of gradient and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct LbfgsScalars {
    pub gradient: SlotId,
    pub direction: SlotId,
    pub partials: SlotId,
    pub results: SlotId,
    pub count: usize,
}

impl LbfgsScalars {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_scalars", self.results)
            .uses(Read, [self.gradient, self.direction])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.results])
    }
}

/// `to = from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the formula names the fields")]
pub struct CopyVector {
    pub from: SlotId,
    pub to: SlotId,
    pub count: usize,
}

impl CopyVector {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("copy_vector", self.to).uses(Read, [self.from]).uses(Write, [self.to])
    }
}
