//! One vector onto another.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::CopyVector;

pub(super) fn copy_vector(step: &CopyVector, memory: &mut HostMemory) {
    let mut words = memory.take(step.to);
    numbers(&mut words)[..step.count].copy_from_slice(&memory.values(step.from)[..step.count]);
    memory.put(step.to, words);
}
