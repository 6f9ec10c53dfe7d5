//! Memory for arrays in the host's memory.

use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

/// Words of what a cache moves at once; vectors aligned to it are read and written fastest.
const LINE: usize = 16;

/// The system does not have enough memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMemory;

/// Words that start at a cache line. A clone is the same memory, until one of both is about to be changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Longer by up to a line. An allocator that is asked for aligned zeros writes them; without alignment, the system
    /// provides memory only where it is touched.
    memory: Arc<Vec<u32>>,
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
        Words { memory: Arc::new(memory), range }
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
        if Arc::get_mut(&mut self.memory).is_none() {
            let mut own = Words::within(vec![0; Words::with_margin(self.len())]);
            let memory = Arc::make_mut(&mut own.memory);
            memory[own.range.clone()].copy_from_slice(self);
            *self = own;
        }
        &mut Arc::make_mut(&mut self.memory)[self.range.clone()]
    }
}
