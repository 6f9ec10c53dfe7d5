//! The buffers of a plan in the host's memory, for the back ends that work there. Some may be on the disk.

use crate::backend::{BackendError, Session, SlotContents};
use crate::contents::Contents;
use crate::plan::{Plan, SlotId, Tensor};
use crate::scratch_file::{PIECE, ScratchFile};
use crate::words::Words;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A slot's place: its buffer and how many of the buffer's words belong to it.
#[derive(Clone, Copy, Debug)]
struct Place {
    buffer: usize,
    words: usize,
}

/// A vector in a slot that holds one or, one after the other, several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vector {
    pub slot: SlotId,
    /// How many are before it.
    pub row: usize,
}

impl Vector {
    /// The only one of a slot, or the first.
    pub(crate) fn alone(slot: SlotId) -> Vector {
        Vector { slot, row: 0 }
    }

    /// The first so many of a slot.
    pub(crate) fn rows(slot: SlotId, count: usize) -> Vec<Vector> {
        (0..count).map(|row| Vector { slot, row }).collect()
    }
}

/// Where a buffer's contents are.
#[derive(Debug)]
pub(crate) enum Buffer {
    Memory(Words),
    Disk(Arc<ScratchFile>),
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer::Memory(Words::default())
    }
}

impl Buffer {
    /// Copies words, from one on.
    ///
    /// # Errors
    /// If it is on the disk and cannot be read.
    pub(crate) fn load(&self, first: usize, into: &mut [u32]) -> Result<(), BackendError> {
        match self {
            Buffer::Memory(words) => into.copy_from_slice(&words[first..first + into.len()]),
            Buffer::Disk(file) => file.read(first, bytemuck::cast_slice_mut(into))?,
        }
        Ok(())
    }

    /// Overwrites words, from one on.
    ///
    /// # Errors
    /// If it is on the disk and cannot be written.
    pub(crate) fn store(&mut self, first: usize, from: &[u32]) -> Result<(), BackendError> {
        self.store_bytes(first, bytemuck::cast_slice(from))
    }

    /// Overwrites bytes, from a word on.
    fn store_bytes(&mut self, first: usize, from: &[u8]) -> Result<(), BackendError> {
        match self {
            Buffer::Memory(words) => {
                bytemuck::cast_slice_mut(&mut words[first..])[..from.len()].copy_from_slice(from);
                Ok(())
            }
            Buffer::Disk(file) => own(file)?.write(first, from),
        }
    }
}

/// A file that nobody else looks at.
fn own(file: &mut Arc<ScratchFile>) -> Result<&ScratchFile, BackendError> {
    if Arc::get_mut(file).is_none() {
        *file = Arc::new(file.copy()?);
    }
    Ok(file)
}

/// What one session leaves to another.
enum HandedOver {
    Memory(Words),
    /// Nobody writes it any more.
    File(Arc<ScratchFile>),
}

/// The contents of all buffers, as words that are viewed as f32 or as they are. Of a buffer on the disk, a part is read and
/// written at a time: [`Self::in_pieces`], [`Buffer::load`], [`Buffer::store`].
#[derive(Debug)]
pub(crate) struct HostMemory {
    places: Vec<Place>,
    buffers: Vec<Buffer>,
    requests: VecDeque<Vec<u8>>,
}

impl HostMemory {
    /// Zeroed buffers for all slots of a plan.
    ///
    /// # Errors
    /// If the system does not have enough memory.
    pub(crate) fn new(plan: &Plan) -> Result<HostMemory, BackendError> {
        HostMemory::with_scratch(plan, |_| false, Path::new(""))
    }

    /// [`Self::new`] with some slots in files of a directory, which vanish with the memory. They must be persistent.
    ///
    /// # Errors
    /// If the system does not have enough memory, or no file can be made there.
    pub(crate) fn with_scratch(
        plan: &Plan,
        on_disk: impl Fn(Tensor) -> bool,
        directory: &Path,
    ) -> Result<HostMemory, BackendError> {
        let buffer = |(index, &words): (usize, &usize)| {
            let moved = |slot: &&crate::plan::Slot| slot.buffer == index && slot.persistent && on_disk(slot.tensor);
            match plan.slots.iter().find(moved) {
                Some(_) => Ok(Buffer::Disk(Arc::new(ScratchFile::new(directory, words)?))),
                None => Words::zeros(words).map(Buffer::Memory).map_err(|_| BackendError::OutOfMemory {
                    device: "the CPU".to_owned(),
                    needed: plan.bytes() >> 20,
                }),
            }
        };
        let buffers = plan.buffers.iter().enumerate().map(buffer).collect::<Result<_, _>>()?;
        let places = plan.slots.iter().map(|slot| Place { buffer: slot.buffer, words: slot.words }).collect();
        Ok(HostMemory { places, buffers, requests: VecDeque::new() })
    }

    /// Takes a slot's buffer out, so that it can be written while others are read. A [`Self::put`] follows every
    /// `take`.
    pub(crate) fn take(&mut self, slot: SlotId) -> Words {
        std::mem::take(self.in_memory_mut(slot))
    }

    /// Puts a slot's buffer back.
    pub(crate) fn put(&mut self, slot: SlotId, words: Words) {
        *self.in_memory_mut(slot) = words;
    }

    /// A slot's buffer, which may be on the disk.
    pub(crate) fn buffer(&self, slot: SlotId) -> &Buffer {
        &self.buffers[self.places[slot.0].buffer]
    }

    /// The same, mutable, or to be taken out for a time as by [`Self::take`].
    pub(crate) fn buffer_mut(&mut self, slot: SlotId) -> &mut Buffer {
        &mut self.buffers[self.places[slot.0].buffer]
    }

    fn in_memory_mut(&mut self, slot: SlotId) -> &mut Words {
        match self.buffer_mut(slot) {
            Buffer::Memory(words) => words,
            Buffer::Disk(_) => unreachable!("who works on whole slots is given none that is on the disk"),
        }
    }

    /// The words of a slot whose buffer is not taken.
    pub(crate) fn words(&self, slot: SlotId) -> &[u32] {
        let Place { buffer, words } = self.places[slot.0];
        match &self.buffers[buffer] {
            Buffer::Memory(buffer) => &buffer[..words],
            Buffer::Disk(_) => unreachable!("who works on whole slots is given none that is on the disk"),
        }
    }

    /// The words of a slot as numbers.
    pub(crate) fn values(&self, slot: SlotId) -> &[f32] {
        bytemuck::cast_slice(self.words(slot))
    }

    /// The words of a slot, mutable.
    pub(crate) fn words_mut(&mut self, slot: SlotId) -> &mut [u32] {
        let words = self.places[slot.0].words;
        &mut self.in_memory_mut(slot)[..words]
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
        bytemuck::cast_slice_mut(self.words_mut(slot))[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&value));
    }

    /// Lets `work` change the first `count` numbers of some slots and look at those of others: of all at once where they
    /// are in memory, else of one piece after another.
    ///
    /// # Errors
    /// If a slot is on the disk and cannot be read or written.
    pub(crate) fn in_pieces<const CHANGED: usize, const SEEN: usize>(
        &mut self,
        changed: [SlotId; CHANGED],
        seen: [SlotId; SEEN],
        count: usize,
        mut work: impl FnMut([&mut [f32]; CHANGED], [&[f32]; SEEN]),
    ) -> Result<(), BackendError> {
        let is_on_disk = |slot: &SlotId| matches!(self.buffer(*slot), Buffer::Disk(_));
        if !changed.iter().chain(&seen).any(is_on_disk) {
            let mut taken = changed.map(|slot| self.take(slot));
            work(
                taken.each_mut().map(|words| &mut numbers(words)[..count]),
                seen.map(|slot| &self.values(slot)[..count]),
            );
            changed.into_iter().zip(taken).for_each(|(slot, words)| self.put(slot, words));
            return Ok(());
        }
        self.vectors_in_pieces(&changed.map(Vector::alone), &seen.map(Vector::alone), count, |changed, seen| {
            let (changed, seen) = (changed.try_into(), seen.try_into());
            let (changed, seen): (&mut [Vec<f32>; CHANGED], &[Vec<f32>; SEEN]) =
                changed.ok().zip(seen.ok()).expect("there are as many pieces as vectors");
            work(changed.each_mut().map(Vec::as_mut_slice), seen.each_ref().map(Vec::as_slice));
        })
    }

    /// Lets `work` change vectors of `count` numbers each and look at others, several of which may be in one slot: one piece of
    /// all after another, wherever they are.
    ///
    /// # Errors
    /// As [`Self::in_pieces`].
    pub(crate) fn vectors_in_pieces(
        &mut self,
        changed: &[Vector],
        seen: &[Vector],
        count: usize,
        mut work: impl FnMut(&mut [Vec<f32>], &[Vec<f32>]),
    ) -> Result<(), BackendError> {
        let most = PIECE.min(count);
        let [mut pieces, mut looked_at] = [changed, seen].map(|vectors| vec![vec![0.0; most]; vectors.len()]);
        for first in (0..count).step_by(PIECE) {
            let length = PIECE.min(count - first);
            for (vector, piece) in changed.iter().zip(&mut pieces).chain(seen.iter().zip(&mut looked_at)) {
                piece.truncate(length);
                self.buffer(vector.slot).load(vector.row * count + first, bytemuck::cast_slice_mut(piece))?;
            }
            work(&mut pieces, &looked_at);
            for (vector, piece) in changed.iter().zip(&pieces) {
                self.buffer_mut(vector.slot).store(vector.row * count + first, bytemuck::cast_slice(piece))?;
            }
        }
        Ok(())
    }

    /// `to = from` for the first `count` numbers: [`crate::plan::CopyVector`] on every back end in the host's memory.
    ///
    /// # Errors
    /// As [`Self::in_pieces`].
    pub(crate) fn copy_vector(&mut self, from: SlotId, to: SlotId, count: usize) -> Result<(), BackendError> {
        self.in_pieces([to], [from], count, |[to], [from]| to.copy_from_slice(from))
    }

    /// Lets `work` change the rows of one slot and look at those of another, each of `line` numbers: at all at once where they are
    /// in memory, else at a few of them, and of the other at one more on either side. `work` is told which rows it is given.
    ///
    /// # Errors
    /// As [`Self::in_pieces`].
    pub(crate) fn in_rows(
        &mut self,
        [changed, seen]: [SlotId; 2],
        line: usize,
        height: usize,
        mut work: impl FnMut([Range<usize>; 2], &mut [f32], &[f32]),
    ) -> Result<(), BackendError> {
        if ![changed, seen].iter().any(|slot| matches!(self.buffer(*slot), Buffer::Disk(_))) {
            let mut words = self.take(changed);
            work(
                [0..height, 0..height],
                &mut numbers(&mut words)[..line * height],
                &self.values(seen)[..line * height],
            );
            self.put(changed, words);
            return Ok(());
        }
        let most = (PIECE / line).clamp(1, height);
        let mut piece = vec![0_u32; most * line];
        let mut around = vec![0_u32; (most + 2).min(height) * line];
        for first in (0..height).step_by(most) {
            let rows = first..(first + most).min(height);
            let looked_at = rows.start.saturating_sub(1)..(rows.end + 1).min(height);
            let piece = &mut piece[..rows.len() * line];
            let around = &mut around[..looked_at.len() * line];
            self.buffer(changed).load(rows.start * line, piece)?;
            self.buffer(seen).load(looked_at.start * line, around)?;
            work([rows.clone(), looked_at], numbers(piece), bytemuck::cast_slice(around));
            self.buffer_mut(changed).store(rows.start * line, piece)?;
        }
        Ok(())
    }

    /// [`crate::Session::write_at`].
    ///
    /// # Errors
    /// As [`Buffer::store`].
    pub(crate) fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        let end = size_of::<u32>() * first + bytes.len();
        assert!(end <= size_of::<u32>() * self.places[slot.0].words, "no more than the slot holds");
        self.buffer_mut(slot).store_bytes(first, bytes)
    }

    /// [`crate::Session::read`].
    ///
    /// # Errors
    /// As [`Buffer::load`].
    pub(crate) fn read(&self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        let Place { buffer, words } = self.places[slot.0];
        match &self.buffers[buffer] {
            Buffer::Memory(memory) => Ok(bytemuck::cast_slice(&memory[..words]).to_vec()),
            Buffer::Disk(file) => {
                let mut bytes = vec![0; 4 * words];
                file.read(0, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// [`crate::Session::share`].
    pub(crate) fn share(&self, slot: SlotId) -> Contents {
        let Place { buffer, words } = self.places[slot.0];
        match &self.buffers[buffer] {
            Buffer::Memory(memory) => Contents::of_memory(memory.clone(), words),
            Buffer::Disk(file) => Contents::of_file(file.clone(), words),
        }
    }

    /// [`crate::Session::restore`].
    ///
    /// # Errors
    /// As [`Buffer::store`], and if the contents cannot be read.
    pub(crate) fn restore(&mut self, slot: SlotId, contents: &Contents) -> Result<(), BackendError> {
        let mut first = 0;
        contents.each_piece(std::convert::identity, |bytes| {
            self.write_at(slot, first, bytes)?;
            first += bytes.len() / size_of::<u32>();
            Ok(())
        })
    }

    /// [`crate::Session::hand_over`].
    pub(crate) fn hand_over(&mut self, slot: SlotId) -> SlotContents {
        // Nobody uses this memory any more.
        SlotContents(Box::new(match std::mem::take(self.buffer_mut(slot)) {
            Buffer::Memory(words) => HandedOver::Memory(words),
            Buffer::Disk(file) => HandedOver::File(file),
        }))
    }

    /// [`crate::Session::take_over`].
    ///
    /// # Errors
    /// As [`Buffer::load`] and [`Buffer::store`].
    pub(crate) fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        let Place { buffer, words } = self.places[slot.0];
        match (contents.of::<HandedOver>(), &mut self.buffers[buffer]) {
            (HandedOver::Memory(from), _) => self.write_at(slot, 0, bytemuck::cast_slice(&from[..words])),
            (HandedOver::File(file), Buffer::Memory(memory)) => {
                file.read(0, bytemuck::cast_slice_mut(&mut memory[..words]))
            }
            (HandedOver::File(file), Buffer::Disk(own)) => {
                *own = file.clone();
                Ok(())
            }
        }
    }

    /// [`crate::Session::request`]: everything is done at once here, so the answer is too.
    ///
    /// # Errors
    /// As [`Buffer::load`].
    pub(crate) fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
        let bytes = self.read(slot)?;
        self.requests.push_back(bytes);
        Ok(())
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
