//! The whole arrays as the windows see them, and what the windows put into them.

use super::place::{Place, load, store};
use crate::{
    backend::BackendError,
    host_memory::{Buffer, HostMemory},
    plan::{FeatureShape, Plan, Region, Routine, SlotId, Tensor, Term, Tile, Window},
    vgg19::Layer,
};
use std::sync::{Mutex, PoisonError};

/// Which padded pixels of a layer a tile counts.
fn counted(tile: &Tile, layer: Layer) -> Vec<f32> {
    let (window, inner) = (tile.window.at(layer), tile.inner.at(layer));
    let place = Place::in_map(inner, window);
    let mut counted =
        vec![0.0; FeatureShape { width: window.size.width, height: window.size.height, channels: 4 }.padded_pixels()];
    for y in 0..inner.size.height as usize {
        counted[place.row(y, inner.size.width as usize, 1)].fill(1.0);
    }
    counted
}

/// Arrays of the whole picture, to be read.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub plan: &'a Plan,
    pub memory: &'a HostMemory,
}

impl Whole<'_> {
    /// What a routine of a window reads of a tensor, if that has a value for every pixel.
    ///
    /// # Errors
    /// If it is on the disk and cannot be read.
    pub fn shown(&self, tensor: Tensor, tile: &Tile, routine: Routine) -> Result<Option<Vec<f32>>, BackendError> {
        Ok(Some(match tensor {
            Tensor::Image => self.part_of_picture(tile.window)?,
            Tensor::Counted(layer) => counted(tile, layer),
            Tensor::RegionWeights(layer, region) => {
                self.weights(tile, layer, region, routine == Routine::Statistics)?
            }
            Tensor::Target(Term::Content(layer)) => self.part_of_map(tensor, tile.window, layer)?,
            _ => return Ok(None),
        }))
    }

    fn part_of_picture(&self, window: Window) -> Result<Vec<f32>, BackendError> {
        let mut part = vec![0.0; 3 * window.size.pixels()];
        self.load(Tensor::Image, window, Place::in_picture, 3, &mut part)?;
        Ok(part)
    }

    /// A window of a map of a layer, with a halo of zeros.
    fn part_of_map(&self, tensor: Tensor, window: Window, layer: Layer) -> Result<Vec<f32>, BackendError> {
        let channels = match tensor {
            Tensor::RegionWeights(..) => 1,
            _ => layer.output_channels() as usize,
        };
        let window = window.at(layer);
        let padded = (window.size.width as usize + 2) * (window.size.height as usize + 2);
        let mut part = vec![0.0; channels * padded];
        self.load(tensor, window, Place::in_map, channels, &mut part)?;
        Ok(part)
    }

    /// Copies the parts of a window out of an array in which `place` tells where pixels are.
    fn load(
        &self,
        tensor: Tensor,
        window: Window,
        place: fn(Window, Window) -> Place,
        channels: usize,
        part: &mut [f32],
    ) -> Result<(), BackendError> {
        let buffer = self.memory.buffer(slot(self.plan, tensor));
        window.parts().try_for_each(|(in_picture, at)| {
            let from = place(in_picture, Window::whole(window.picture));
            load(buffer, from, part, place(at, window), at.size, channels)
        })
    }

    /// How much pixels of a window count in a region: where statistics are added up, only those that no other window adds.
    fn weights(&self, tile: &Tile, layer: Layer, region: Region, counting: bool) -> Result<Vec<f32>, BackendError> {
        let mut weights = self.part_of_map(Tensor::RegionWeights(layer, region), tile.window, layer)?;
        if counting {
            weights.iter_mut().zip(counted(tile, layer)).for_each(|(weight, counted)| *weight *= counted);
        }
        Ok(weights)
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
    pub fn keep(&self, made: &[f32], tile: &Tile) -> Result<(), BackendError> {
        let mut whole = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, inner, channels): (fn(Window, Window) -> Place, _, _) = match self.tensor {
            Tensor::Features(layer) => (Place::in_map, tile.at(layer), layer.output_channels() as usize),
            _ => (Place::in_picture, *tile, 3),
        };
        let Tile { window, inner } = inner;
        inner.parts().try_for_each(|(in_picture, at)| {
            let to = place(in_picture, Window::whole(inner.picture));
            store(made, place(at, window), &mut whole, to, at.size, channels)
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
