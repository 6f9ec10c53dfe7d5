//! The sum of an array's squares.

use super::sums::dot;
use crate::{backend::BackendError, host_memory::HostMemory, plan::SumOfSquares};

pub(super) fn sum_of_squares(step: &SumOfSquares, memory: &mut HostMemory) -> Result<(), BackendError> {
    let mut sum = 0.0;
    memory.in_pieces([], [step.values], step.count, |[], [values]| sum += dot(values, values))?;
    memory.values_mut(step.sums)[step.index] = sum as f32;
    Ok(())
}
