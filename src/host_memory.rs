//! The buffers of a plan in the host's memory, for the back ends that work there.

use crate::backend::{BackendError, Session};
use crate::plan::{Plan, SlotId};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut, Range};

/// Words of what a cache moves at once; vectors aligned to it are read and written fastest.
const LINE: usize = 16;

/// The system does not have enough memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMemory;

/// Words that start at a cache line.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Longer by up to a line. An allocator that is asked for aligned zeros writes them; without alignment, the system
    /// provides memory only where it is touched.
    memory: Vec<u32>,
    range: Range<usize>,
}

impl Words {
    /// At least this many zeros, whole lines.
    ///
    /// # Errors
    /// If the system does not have enough memory.
    pub(crate) fn zeros(words: usize) -> Result<Words, NoMemory> {
        let memory = bytemuck::allocation::try_zeroed_vec(Words::with_margin(words)).map_err(|()| NoMemory)?;
        Ok(Words::within(memory))
    }

    /// At least this many words, with any contents.
    pub(crate) fn grow(&mut self, words: usize) {
        if self.len() < words {
            // Not both at once.
            *self = Words::default();
            *self = Words::within(vec![0; Words::with_margin(words)]);
        }
    }

    fn with_margin(words: usize) -> usize {
        words.next_multiple_of(LINE) + LINE
    }

    /// The lines within some memory.
    fn within(memory: Vec<u32>) -> Words {
        let first = memory.as_ptr().align_offset(LINE * size_of::<u32>()).min(LINE);
        let range = first..first + memory.len() - LINE;
        Words { memory, range }
    }
}

impl Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.memory[self.range.clone()]
    }
}

impl DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        &mut self.memory[self.range.clone()]
    }
}

/// A slot's place: its buffer and how many of the buffer's words belong to it.
#[derive(Clone, Copy, Debug)]
struct Place {
    buffer: usize,
    words: usize,
}

/// The contents of all buffers, as words that are viewed as f32 or as they are.
#[derive(Debug)]
pub(crate) struct HostMemory {
    places: Vec<Place>,
    buffers: Vec<Words>,
    requests: VecDeque<Vec<u8>>,
}

impl HostMemory {
    /// Zeroed buffers for all slots of a plan.
    ///
    /// # Errors
    /// If the system does not have enough memory.
    pub(crate) fn new(plan: &Plan) -> Result<HostMemory, BackendError> {
        let buffers = plan.buffers.iter().map(|&words| Words::zeros(words)).collect::<Result<_, _>>();
        let buffers = buffers
            .map_err(|_| BackendError::OutOfMemory { device: "the CPU".to_owned(), needed: plan.bytes() >> 20 })?;
        let places = plan.slots.iter().map(|slot| Place { buffer: slot.buffer, words: slot.words }).collect();
        Ok(HostMemory { places, buffers, requests: VecDeque::new() })
    }

    /// Takes a slot's buffer out, so that it can be written while others are read. A [`Self::put`] follows every
    /// `take`.
    pub(crate) fn take(&mut self, slot: SlotId) -> Words {
        std::mem::take(&mut self.buffers[self.places[slot.0].buffer])
    }

    /// Puts a slot's buffer back.
    pub(crate) fn put(&mut self, slot: SlotId, words: Words) {
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

    /// The words of a slot, mutable.
    pub(crate) fn words_mut(&mut self, slot: SlotId) -> &mut [u32] {
        let Place { buffer, words } = self.places[slot.0];
        &mut self.buffers[buffer][..words]
    }

    /// The numbers of a slot, mutable.
    pub(crate) fn values_mut(&mut self, slot: SlotId) -> &mut [f32] {
        bytemuck::cast_slice_mut(self.words_mut(slot))
    }

    /// The struct at the start of a slot.
    pub(crate) fn structure<T: bytemuck::Pod>(&self, slot: SlotId) -> T {
        bytemuck::pod_read_unaligned(&bytemuck::cast_slice(self.words(slot))[..size_of::<T>()])
    }

    /// Writes the struct at the start of a slot.
    pub(crate) fn put_structure<T: bytemuck::Pod>(&mut self, slot: SlotId, value: T) {
        self.write(slot, bytemuck::bytes_of(&value));
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

/// A session whose slots are in the host's memory.
pub(crate) trait HostSession: Session {
    /// The slots.
    fn memory(&mut self) -> &mut HostMemory;
}

/// The numbers in a buffer that was taken.
pub(crate) fn numbers(words: &mut [u32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(words)
}

/// Bytes of memory that the system can give without taking them from another process, where it says so: Linux does.
pub(crate) fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
