//! Adam, and what steps keep from one iteration to the next.

use super::SlotId;
use super::declaration::{Declaration, Role::*};
use bytemuck::{Pod, Zeroable};

/// What [`crate::plan::Tensor::State`] holds.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct IterationState {
    /// Evaluations so far, counted by [`super::RecordLosses`].
    pub evaluations: u32,
    /// Whether a loss was not finite, 0 or 1: then [`Adam`] changes nothing.
    pub halted: u32,
    /// b1^t of [`Adam`] after t steps.
    pub mean_power: f32,
    /// b2^t.
    pub square_power: f32,
    /// d^t, the weight that remains of the start in the running average.
    pub average_power: f32,
}

impl IterationState {
    /// Before the first evaluation.
    pub const INITIAL: IterationState =
        IterationState { evaluations: 0, halted: 0, mean_power: 1.0, square_power: 1.0, average_power: 1.0 };
    /// Its length in words.
    pub const WORDS: usize = size_of::<IterationState>() / 4;
}

/// What [`crate::plan::Tensor::AdamRates`] begins with; the host may write it between two iterations. A share s of each
/// loss value follows, in the order of the plan's terms.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct AdamRates {
    /// lr of [`Adam`], above zero.
    pub learning_rate: f32,
    /// eps, above zero.
    pub epsilon: f32,
}

impl AdamRates {
    /// Its length in words.
    pub const WORDS: usize = size_of::<AdamRates>() / 4;
}

/// One step of Adam (Kingma and Ba, 2015) on the picture, clamped to [0, 1], and the running average of the iterates:
///
/// `m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; x = clamp(x - r/(1-b1^t) m / (sqrt(v)/sqrt(1-b2^t) + eps));
/// average = d average + (1-d) x`
///
/// `r = lr min(1, sqrt(sum s L))` over the losses L of the point where g was taken: near a loss of zero steps are
/// shorter. Where the sum is zero, as with shares of zero, r = lr.
///
/// The powers in the [`IterationState`] are advanced first. If it is halted, nothing changes. lr, eps and s come from
/// [`crate::plan::Tensor::AdamRates`].
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
    /// See above.
    pub rates: SlotId,
    /// L.
    pub losses: SlotId,
    /// How many losses there are.
    pub terms: usize,
    /// Values of the picture.
    pub count: usize,
    /// b1 and b2, in [0, 1).
    pub betas: [f32; 2],
    /// d, in [0, 1).
    pub decay: f32,
}

impl Adam {
    /// What lr is multiplied by, from the words of the rates and the losses.
    pub(crate) fn nearness(&self, rates: &[f32], losses: &[f32]) -> f32 {
        let shares = &rates[AdamRates::WORDS..][..self.terms];
        let sum: f32 = shares.iter().zip(losses).map(|(share, loss)| share * loss).sum();
        if sum > 0.0 { sum.sqrt().min(1.0) } else { 1.0 }
    }

    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("adam", self.image)
            .uses(Read, [self.gradient, self.rates, self.losses])
            .uses(Add, [self.image, self.mean, self.square, self.average, self.state])
    }
}
