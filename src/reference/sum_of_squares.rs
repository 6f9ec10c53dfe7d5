//! The sum of an array's squares.

use crate::{backend::BackendError, host_memory::HostMemory, plan::SumOfSquares};

pub(super) fn sum_of_squares(step: &SumOfSquares, memory: &mut HostMemory) -> Result<(), BackendError> {
    let mut sum = 0.0;
    memory.in_pieces([], [step.values], step.count, |[], [values]| {
        sum += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
    })?;
    memory.values_mut(step.sums)[step.index] = sum as f32;
    Ok(())
}
