//! The sum of an array's squares.

use crate::{host_memory::HostMemory, plan::SumOfSquares};

pub(super) fn sum_of_squares(step: &SumOfSquares, memory: &mut HostMemory) {
    let values = &memory.values(step.values)[..step.count];
    let sum: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    memory.values_mut(step.sums)[step.index] = sum as f32;
}
