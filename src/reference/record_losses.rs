//! The end of an evaluation: its losses go to the ring.

use crate::host_memory::HostMemory;
use crate::plan::{RecordLosses, ring_row};

pub(crate) fn record_losses(step: &RecordLosses, memory: &mut HostMemory) {
    let losses = memory.words(step.losses)[..step.count].to_vec();
    let finite = losses.iter().all(|&bits| f32::from_bits(bits).is_finite());
    let state = memory.words_mut(step.state);
    state[0] = state[0].wrapping_add(1);
    state[1] |= u32::from(!finite);
    let number = state[0];
    let row = (number.wrapping_sub(1) as usize % step.rows) * ring_row(step.count);
    let ring = &mut memory.words_mut(step.ring)[row..][..ring_row(step.count)];
    ring[0] = number;
    ring[1..].copy_from_slice(&losses);
}
