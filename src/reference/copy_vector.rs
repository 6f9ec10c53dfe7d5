//! One vector onto another.

use crate::host_memory::HostMemory;
use crate::plan::CopyVector;

pub(super) fn copy_vector(step: &CopyVector, memory: &mut HostMemory) {
    let from = memory.words(step.from)[..step.count].to_vec();
    memory.words_mut(step.to)[..step.count].copy_from_slice(&from);
}
