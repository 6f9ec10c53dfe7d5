//! The sum of an array's squares.

use super::sums::dot;
use crate::{host_memory::HostMemory, plan::SumOfSquares};

pub(super) fn sum_of_squares(step: &SumOfSquares, memory: &mut HostMemory) {
    let values = &memory.values(step.values)[..step.count];
    let sum = dot(values, values);
    memory.values_mut(step.sums)[step.index] = sum as f32;
}
