//! The whole arrays as the windows see them, and what the windows put into them.

use super::place::{Layout, load, store};
use crate::{
    backend::BackendError,
    contents::Contents,
    host_memory::{Buffer, HostMemory},
    plan::{Plan, Precision, Routine, Size, SlotId, Tensor, Term, Tile, Window},
    scratch_file::PIECE,
    vgg19::Layer,
};
use std::sync::{Mutex, PoisonError};

/// Arrays of the whole picture, to be read.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub plan: &'a Plan,
    pub memory: &'a HostMemory,
}

impl Whole<'_> {
    /// Tells `put` what a routine of a window reads of a tensor, if that has a value for every pixel, some rows at a time: the
    /// place of their first value in the window's slot, and the values. Rows of a map's halo stay zero, as they were made.
    ///
    /// # Errors
    /// What `put` fails with, and if the tensor is on the disk and cannot be read.
    pub fn show(
        &self,
        tensor: Tensor,
        tile: &Tile,
        routine: Routine,
        mut put: impl FnMut(usize, &[f32]) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        let (tile, layout) = match tensor {
            Tensor::Image => (*tile, Layout::PICTURE),
            Tensor::Counted(layer) | Tensor::RegionWeights(layer, _) => (tile.at(layer), WEIGHTS),
            Tensor::Target(Term::Content(layer)) => (tile.at(layer), features(layer)),
            _ => return Ok(()),
        };
        let Size { width, height } = tile.window.size;
        let line = layout.line(width);
        let rows = (PIECE / line).clamp(1, height as usize) as u32;
        let mut values = vec![0.0; layout.values(Size { width, height: rows })];
        for first in (0..height).step_by(rows as usize) {
            let size = Size { width, height: rows.min(height - first) };
            let part = Window { y: tile.window.y + first, size, ..tile.window };
            let values = &mut values[..layout.values(size)];
            match tensor {
                Tensor::Counted(_) => count(tile.inner, part, values),
                _ => self.load(tensor, part, layout, values)?,
            }
            if matches!(tensor, Tensor::RegionWeights(..)) && routine == Routine::Statistics {
                // Only those count here that no other window adds.
                let mut counted = vec![0.0; values.len()];
                count(tile.inner, part, &mut counted);
                values.iter_mut().zip(counted).for_each(|(weight, counted)| *weight *= counted);
            }
            put(line * (first as usize + layout.halo), &values[line * layout.halo..][..line * size.height as usize])?;
        }
        Ok(())
    }

    /// Copies the parts of a window out of an array.
    fn load(&self, tensor: Tensor, window: Window, layout: Layout, part: &mut [f32]) -> Result<(), BackendError> {
        let buffer = self.memory.buffer(slot(self.plan, tensor));
        window.parts().try_for_each(|(in_picture, at)| {
            let from = layout.place(in_picture, Window::whole(window.picture));
            load(buffer, from, part, layout.place(at, window))
        })
    }
}

/// How weights of pixels lie.
const WEIGHTS: Layout = Layout::map(1);

/// How the features of a layer lie.
fn features(layer: Layer) -> Layout {
    Layout::map(layer.output_channels() as usize)
}

/// Writes 1 for those pixels of a part of a window that count and 0 for the others, into an array with a halo.
fn count(inner: Window, part: Window, counted: &mut [f32]) {
    counted.fill(0.0);
    let (first, end) = (inner.y.max(part.y), (inner.y + inner.size.height).min(part.y + part.size.height));
    if first < end {
        let size = Size { height: end - first, ..inner.size };
        WEIGHTS.place(Window { y: first, size, ..inner }, part).rows().for_each(|row| counted[row].fill(1.0));
    }
}

/// An array of the whole that windows make, each its inner part.
pub(super) struct Made {
    pub tensor: Tensor,
    buffer: Mutex<Buffer>,
}

/// What windows make in a routine: the gradient, or features that the host wants.
fn made_in(tensor: Tensor, routine: Routine) -> bool {
    match routine {
        Routine::Gradient => tensor == Tensor::ImageGradient,
        _ => matches!(tensor, Tensor::Features(_)),
    }
}

impl Made {
    /// Takes the arrays out of the whole, so that others can be read meanwhile.
    pub fn take(plan: &Plan, memory: &mut HostMemory, routine: Routine) -> Vec<Made> {
        let tensors = plan.slots.iter().map(|slot| slot.tensor).filter(|tensor| made_in(*tensor, routine));
        let take = |tensor| Made { tensor, buffer: Mutex::new(std::mem::take(memory.buffer_mut(slot(plan, tensor)))) };
        tensors.map(take).collect()
    }

    pub fn put(self, plan: &Plan, memory: &mut HostMemory) {
        *memory.buffer_mut(slot(plan, self.tensor)) = self.buffer.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// Keeps what a window made within its inner part.
    ///
    /// # Errors
    /// If it belongs on the disk and cannot be written.
    pub fn keep(&self, made: &Contents, stored: Precision, tile: &Tile) -> Result<(), BackendError> {
        let mut whole = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let (Tile { window, inner }, layout) = match self.tensor {
            Tensor::Features(layer) => (tile.at(layer), features(layer)),
            _ => (*tile, Layout::PICTURE),
        };
        inner.parts().try_for_each(|(in_picture, at)| {
            let to = layout.place(in_picture, Window::whole(inner.picture));
            store(made, stored, layout.place(at, window), &mut whole, to)
        })
    }
}

impl Tile {
    /// The same in a layer's map.
    fn at(&self, layer: Layer) -> Tile {
        Tile { window: self.window.at(layer), inner: self.inner.at(layer) }
    }
}

/// Whether a tensor has a value for every pixel: a window has its own.
pub(super) fn is_of_pixels(tensor: Tensor) -> bool {
    matches!(
        tensor,
        Tensor::Image
            | Tensor::ImageGradient
            | Tensor::Counted(_)
            | Tensor::RegionWeights(..)
            | Tensor::Target(Term::Content(_))
    )
}

/// A slot that both plans have, because one was made for the other.
pub(super) fn slot(plan: &Plan, tensor: Tensor) -> SlotId {
    plan.find(tensor).expect("the plans of the whole and of its windows have the same tensors")
}
