//! The vector operations of L-BFGS.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

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

impl LbfgsUpdate {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_update", self.history)
            .uses(Read, [self.image, self.gradient, self.control])
            .uses(Add, [self.history, self.base])
    }
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

impl LbfgsDots {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_dots", self.results)
            .uses(Read, [self.history, self.control])
            .uses(Scratch, [self.partials])
            .uses(Write, [self.results])
    }
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

impl LbfgsDirection {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_direction", self.direction)
            .uses(Read, [self.history, self.control])
            .uses(Write, [self.direction])
    }
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

impl LbfgsTrial {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("lbfgs_trial", self.image)
            .uses(Read, [self.base, self.direction, self.control])
            .uses(Write, [self.image])
    }
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
