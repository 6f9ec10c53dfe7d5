//! The sum of squares of an array, which relative losses are divided by.

use super::SlotId;
use super::declaration::{Declaration, Role::*};

/// `sums[index] = sum of values[i]^2` over a whole feature map, whose zero halo adds nothing, or a whole matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumOfSquares {
    /// The array, stored as [`crate::plan::Plan::precision_of`] says.
    pub values: SlotId,
    /// Values in it, a multiple of four.
    pub count: usize,
    /// Scratch of the sum.
    pub partials: SlotId,
    /// The slot that holds the sums of several arrays.
    pub sums: SlotId,
    /// Which of those sums this is.
    pub index: usize,
}

impl SumOfSquares {
    pub(super) fn declaration(&self) -> Declaration {
        Declaration::new("sum_of_squares", self.sums)
            .uses(Read, [self.values])
            .uses(Write, [self.sums])
            .uses(Scratch, [self.partials])
    }
}
