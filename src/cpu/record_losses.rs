//! The end of an evaluation: its losses go to the ring.

use crate::host_memory::HostMemory;
use crate::plan::{IterationState, RecordLosses, ring_row};

pub(super) fn record_losses(step: &RecordLosses, memory: &mut HostMemory) {
    let mut ring = memory.take(step.ring);
    let losses = &memory.words(step.losses)[..step.count];
    let stops = losses.iter().any(|&word| !f32::from_bits(word).is_finite());
    let mut state: IterationState = memory.structure(step.state);
    let before = state.evaluations;
    let row = &mut ring[before as usize % step.rows * ring_row(step.count)..][..ring_row(step.count)];
    row[0] = before.wrapping_add(1);
    row[1..].copy_from_slice(losses);
    memory.put(step.ring, ring);
    state.evaluations = before.wrapping_add(1);
    state.halted |= u32::from(stops);
    memory.put_structure(step.state, state);
}
