//! One vector onto another.

use crate::backend::BackendError;
use crate::host_memory::HostMemory;
use crate::plan::CopyVector;

pub(super) fn copy_vector(step: &CopyVector, memory: &mut HostMemory) -> Result<(), BackendError> {
    memory.in_pieces([step.to], [step.from], step.count, |[to], [from]| to.copy_from_slice(from))
}
