//! Adam.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

/// One step of Adam (Kingma and Ba, 2015) on the picture, clamped to [0, 1], and the running average of the iterates:
///
/// `m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; x = clamp(x - lr/(1-b1^t) m / (sqrt(v)/sqrt(1-b2^t) + eps));
/// average = d average + (1-d) x`
///
/// State words 2, 3 and 4 are b1^t, b2^t and d^t as f32, 1 before the first step and advanced by this one. Nothing
/// changes when state word 1 is set.
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
    /// Values of the picture.
    pub count: usize,
    /// lr, above zero.
    pub learning_rate: f32,
    /// b1 and b2, in [0, 1).
    pub betas: [f32; 2],
    /// eps, above zero.
    pub epsilon: f32,
    /// d, in [0, 1).
    pub decay: f32,
}

impl Adam {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("adam", self.image)
            .uses(Read, [self.gradient])
            .uses(Add, [self.image, self.mean, self.square, self.average, self.state])
    }
}
