//! The buffers of a plan in the host's memory, for the back ends that work there.

use crate::backend::BackendError;
use crate::plan::{Plan, SlotId};
use std::collections::VecDeque;

/// A slot's place: its buffer and how many words of it are the slot's.
#[derive(Clone, Copy, Debug)]
struct Place {
    buffer: usize,
    words: usize,
}

/// The contents of all buffers, as words that are seen as f32 or as they are.
#[derive(Debug)]
pub(crate) struct HostMemory {
    places: Vec<Place>,
    buffers: Vec<Vec<u32>>,
    requests: VecDeque<Vec<u8>>,
}

impl HostMemory {
    /// Zeroed buffers for all slots of a plan.
    ///
    /// # Errors
    /// If the system has not enough memory.
    pub(crate) fn new(plan: &Plan) -> Result<HostMemory, BackendError> {
        let buffers = plan.buffers.iter().map(|&words| zeros(words)).collect::<Option<_>>();
        let buffers = buffers
            .ok_or_else(|| BackendError::OutOfMemory { device: "the CPU".to_owned(), needed: plan.bytes() >> 20 })?;
        let places = plan.slots.iter().map(|slot| Place { buffer: slot.buffer, words: slot.words }).collect();
        Ok(HostMemory { places, buffers, requests: VecDeque::new() })
    }

    /// Takes the buffer of a slot out, to be written while others are read. Every `take` is followed by a [`Self::put`].
    pub(crate) fn take(&mut self, slot: SlotId) -> Vec<u32> {
        std::mem::take(&mut self.buffers[self.places[slot.0].buffer])
    }

    /// Puts a slot's buffer back.
    pub(crate) fn put(&mut self, slot: SlotId, words: Vec<u32>) {
        self.buffers[self.places[slot.0].buffer] = words;
    }

    /// The words of a slot whose buffer is not taken.
    pub(crate) fn words(&self, slot: SlotId) -> &[u32] {
        let Place { buffer, words } = self.places[slot.0];
        &self.buffers[buffer][..words]
    }

    /// The words of a slot as numbers.
    pub(crate) fn values(&self, slot: SlotId) -> &[f32] {
        bytemuck::cast_slice(self.words(slot))
    }

    /// The words of a slot, to be changed.
    pub(crate) fn words_mut(&mut self, slot: SlotId) -> &mut [u32] {
        let Place { buffer, words } = self.places[slot.0];
        &mut self.buffers[buffer][..words]
    }

    /// The numbers of a slot, to be changed.
    pub(crate) fn values_mut(&mut self, slot: SlotId) -> &mut [f32] {
        bytemuck::cast_slice_mut(self.words_mut(slot))
    }

    /// [`crate::Session::write`].
    pub(crate) fn write(&mut self, slot: SlotId, bytes: &[u8]) {
        bytemuck::cast_slice_mut(self.words_mut(slot))[..bytes.len()].copy_from_slice(bytes);
    }

    /// [`crate::Session::read`].
    pub(crate) fn read(&self, slot: SlotId) -> Vec<u8> {
        bytemuck::cast_slice(self.words(slot)).to_vec()
    }

    /// [`crate::Session::request`]: everything is done at once here, so the answer is too.
    pub(crate) fn request(&mut self, slot: SlotId) {
        let bytes = self.read(slot);
        self.requests.push_back(bytes);
    }

    /// [`crate::Session::receive`].
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        self.requests.pop_front()
    }
}

/// So many zeros, or none if the memory is not there.
fn zeros(words: usize) -> Option<Vec<u32>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(words).ok()?;
    buffer.resize(words, 0);
    Some(buffer)
}

/// The numbers in a buffer that was taken.
pub(crate) fn numbers(words: &mut [u32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(words)
}
