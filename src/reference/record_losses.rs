//! The end of an evaluation: its losses go to the ring.

use crate::host_memory::HostMemory;
use crate::plan::{IterationState, RecordLosses, ring_row};

pub(crate) fn record_losses(step: &RecordLosses, memory: &mut HostMemory) {
    let losses = memory.words(step.losses)[..step.count].to_vec();
    let finite = losses.iter().all(|&bits| f32::from_bits(bits).is_finite());
    let mut state: IterationState = memory.structure(step.state);
    state.evaluations = state.evaluations.wrapping_add(1);
    state.halted |= u32::from(!finite);
    memory.put_structure(step.state, state);
    let number = state.evaluations;
    let row = (number.wrapping_sub(1) as usize % step.rows) * ring_row(step.count);
    let ring = &mut memory.words_mut(step.ring)[row..][..ring_row(step.count)];
    ring[0] = number;
    ring[1..].copy_from_slice(&losses);
}
