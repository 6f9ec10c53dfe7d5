//! A session of [`Windowed`] plans: whole arrays in the host's memory, the network on the device, one window at a time.
//! From outside it is a session of the whole plan.

mod place;

use crate::{
    backend::{self, BackendError, SlotContents},
    host_memory::HostSession,
    plan::{FeatureShape, Plan, Region, Routine, SlotId, Tensor, Term, Tile, Window, Windowed},
    vgg19::Layer,
};
use place::{Place, copy};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// See the module.
pub(crate) struct Session {
    windowed: Windowed,
    whole: Box<dyn HostSession>,
    window: Box<dyn backend::Session>,
    /// What a window is shown before it adds to the statistics, and before its gradient is made.
    shown: [Vec<SlotId>; 2],
    /// Whether the work is to end before the next window.
    stop: Arc<AtomicBool>,
}

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

impl Session {
    pub(crate) fn new(
        windowed: &Windowed,
        whole: Box<dyn HostSession>,
        window: Box<dyn backend::Session>,
        stop: Arc<AtomicBool>,
    ) -> Session {
        let shown = [Routine::Statistics, Routine::Gradient].map(|routine| shown_before(&windowed.window, routine));
        Session { windowed: windowed.clone(), whole, window, shown, stop }
    }

    fn whole_slot(&self, tensor: Tensor) -> SlotId {
        self.windowed.whole.find(tensor).expect("the whole plan has what its windows are shown")
    }

    fn window_slot(&self, tensor: Tensor) -> SlotId {
        self.windowed.window.find(tensor).expect("the window's plan has what the whole asks for")
    }

    /// Writes what a routine of a window reads, unless the work is to end.
    fn show(&mut self, tile: &Tile, routine: Routine) -> Result<(), BackendError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(BackendError::Stopped);
        }
        let counting = routine == Routine::Statistics;
        for index in 0..self.shown[usize::from(!counting)].len() {
            let slot = self.shown[usize::from(!counting)][index];
            let tensor = self.windowed.window.slot(slot).tensor;
            let values = match tensor {
                Tensor::Image => self.part_of_picture(tile.window),
                Tensor::Counted(layer) => counted(tile, layer),
                Tensor::RegionWeights(layer, region) => self.weights(tile, layer, region, counting),
                Tensor::Target(Term::Content(layer)) => self.part_of_map(tensor, tile.window, layer),
                _ => continue,
            };
            backend::write_map(self.window.as_mut(), &self.windowed.window, slot, &values)?;
        }
        Ok(())
    }

    fn part_of_picture(&mut self, window: Window) -> Vec<f32> {
        let image = self.whole_slot(Tensor::Image);
        let whole = Window::whole(window.picture);
        let mut part = vec![0.0; 3 * window.size.pixels()];
        let (from, to) = (Place::in_picture(window, whole), Place::in_picture(window, window));
        copy(self.whole.memory().values(image), from, &mut part, to, window.size, 3);
        part
    }

    /// A window of a map of a layer, with a halo of zeros.
    fn part_of_map(&mut self, tensor: Tensor, window: Window, layer: Layer) -> Vec<f32> {
        let slot = self.whole_slot(tensor);
        let channels = match tensor {
            Tensor::RegionWeights(..) => 1,
            _ => layer.output_channels() as usize,
        };
        let window = window.at(layer);
        let padded = (window.size.width as usize + 2) * (window.size.height as usize + 2);
        let mut part = vec![0.0; channels * padded];
        let (from, to) = (Place::in_map(window, Window::whole(window.picture)), Place::in_map(window, window));
        copy(self.whole.memory().values(slot), from, &mut part, to, window.size, channels);
        part
    }

    /// How much pixels of a window count in a region: where statistics are added up, only those that no other window adds.
    fn weights(&mut self, tile: &Tile, layer: Layer, region: Region, counting: bool) -> Vec<f32> {
        let mut weights = self.part_of_map(Tensor::RegionWeights(layer, region), tile.window, layer);
        if counting {
            weights.iter_mut().zip(counted(tile, layer)).for_each(|(weight, counted)| *weight *= counted);
        }
        weights
    }

    /// Adds up the statistics of all windows; of features, the whole takes what a window counts.
    fn add_up(&mut self) -> Result<(), BackendError> {
        for index in 0..self.windowed.window.slots.len() {
            let slot = &self.windowed.window.slots[index];
            if matches!(slot.tensor, Tensor::Gram(..) | Tensor::Mean(..) | Tensor::LossValues) {
                self.window.write(SlotId(index), &vec![0; slot.bytes() as usize])?;
            }
        }
        let maps: Vec<Layer> = self.windowed.whole.slots.iter().filter_map(|slot| feature_layer(slot.tensor)).collect();
        for index in 0..self.windowed.cover.statistics.len() {
            let tile = self.windowed.cover.statistics[index];
            self.show(&tile, Routine::Statistics)?;
            self.window.run(Routine::Statistics)?;
            for &layer in &maps {
                let (from, to) = (self.window_slot(Tensor::Features(layer)), self.whole_slot(Tensor::Features(layer)));
                let map = backend::read_map(self.window.as_mut(), &self.windowed.window, from)?;
                let (window, inner) = (tile.window.at(layer), tile.inner.at(layer));
                let (at, place) = (Place::in_map(inner, window), Place::in_map(inner, Window::whole(inner.picture)));
                let channels = layer.output_channels() as usize;
                copy(&map, at, self.whole.memory().values_mut(to), place, inner.size, channels);
            }
        }
        Ok(())
    }

    /// Losses of the whole picture and its gradient.
    fn evaluate(&mut self) -> Result<(), BackendError> {
        self.add_up()?;
        self.window.run(Routine::Losses)?;
        let (from, to) = (self.window_slot(Tensor::ImageGradient), self.whole_slot(Tensor::ImageGradient));
        for index in 0..self.windowed.cover.gradients.len() {
            let tile = self.windowed.cover.gradients[index];
            self.show(&tile, Routine::Gradient)?;
            self.window.run(Routine::Gradient)?;
            let gradient = backend::values(&self.window.read(from)?);
            let Tile { window, inner } = tile;
            let (at, place) =
                (Place::in_picture(inner, window), Place::in_picture(inner, Window::whole(inner.picture)));
            copy(&gradient, at, self.whole.memory().values_mut(to), place, inner.size, 3);
        }
        // Those of the picture itself follow.
        let losses = self.window.read(self.window_slot(Tensor::LossValues))?;
        self.whole.write(self.whole_slot(Tensor::LossValues), &losses)?;
        self.whole.run(Routine::Evaluate)
    }

    /// What the network computes from the whole picture.
    fn features(&mut self) -> Result<(), BackendError> {
        self.add_up()?;
        for index in 0..self.windowed.whole.slots.len() {
            let tensor = self.windowed.whole.slots[index].tensor;
            if matches!(tensor, Tensor::Gram(..) | Tensor::Mean(..)) {
                let statistics = self.window.read(self.window_slot(tensor))?;
                self.whole.write(SlotId(index), &statistics)?;
            }
        }
        self.whole.run(Routine::Features)
    }
}

/// Whether a tensor has a value for every pixel: a window has its own.
fn is_of_pixels(tensor: Tensor) -> bool {
    matches!(
        tensor,
        Tensor::Image
            | Tensor::ImageGradient
            | Tensor::Counted(_)
            | Tensor::RegionWeights(..)
            | Tensor::Target(Term::Content(_))
    )
}

fn feature_layer(tensor: Tensor) -> Option<Layer> {
    if let Tensor::Features(layer) = tensor { Some(layer) } else { None }
}

/// The slots of pixels that a routine reads and does not make.
fn shown_before(plan: &Plan, routine: Routine) -> Vec<SlotId> {
    let mut shown: Vec<SlotId> = Vec::new();
    for slot in plan.steps[plan.routine(routine)].iter().flat_map(|step| step.slots().0) {
        if is_of_pixels(plan.slot(slot).tensor) && !shown.contains(&slot) {
            shown.push(slot);
        }
    }
    shown
}

impl backend::Session for Session {
    fn write(&mut self, slot: SlotId, bytes: &[u8]) -> Result<(), BackendError> {
        let tensor = self.windowed.whole.slot(slot).tensor;
        if !is_of_pixels(tensor)
            && let Some(slot) = self.windowed.window.find(tensor)
        {
            self.window.write(slot, bytes)?;
        }
        self.whole.write(slot, bytes)
    }

    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        self.whole.read(slot)
    }

    fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        match routine {
            Routine::Targets => self.window.run(routine),
            Routine::Evaluate => self.evaluate(),
            Routine::Features => self.features(),
            _ => self.whole.run(routine),
        }
    }

    fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
        self.whole.request(slot)
    }

    fn receive(&mut self, wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
        self.whole.receive(wait)
    }

    fn hand_over(&mut self, slot: SlotId) -> Result<SlotContents, BackendError> {
        self.whole.hand_over(slot)
    }

    fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        self.whole.take_over(slot, contents)
    }

    fn bytes(&self) -> u64 {
        self.windowed.whole.bytes() + self.window.bytes()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        self.whole.time_steps(repeats)
    }
}
