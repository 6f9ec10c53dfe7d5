//! A device that works on windows.

use super::whole::{Made, Whole, is_of_pixels, slot};
use crate::{
    backend::{self, BackendError, Session},
    contents::Contents,
    plan::{Plan, Routine, SlotId, Tensor, Tile, Tiles},
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Numbers of tensors, in the order of the plan.
pub(super) type Sums = Vec<(Tensor, Vec<f32>)>;

/// One pass over the windows.
pub(super) struct Pass<'a> {
    /// [`Routine::Statistics`] or [`Routine::Gradient`].
    pub routine: Routine,
    pub tiles: &'a Tiles,
    pub whole: Whole<'a>,
    pub made: &'a [Made],
    /// Whether the work is to end before the next window.
    pub stop: &'a AtomicBool,
}

/// A device with the plan of a window made ready.
pub(crate) struct Worker {
    /// Which of the engine's devices, from 0.
    pub device: usize,
    pub name: String,
    /// In any unit, the same for all.
    pub speed: f64,
    plan: Plan,
    session: Box<dyn Session>,
    /// Tiles of the present pass that were dealt to it.
    pub dealt: Vec<usize>,
    /// What they add up to.
    pub(super) sums: Sums,
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

/// What windows add to in a routine.
fn is_added_up(tensor: Tensor, routine: Routine) -> bool {
    match routine {
        Routine::Statistics => matches!(tensor, Tensor::Gram(..) | Tensor::Mean(..)),
        _ => tensor == Tensor::LossValues,
    }
}

/// What windows read of what follows from the statistics of the whole.
fn handed_on(plan: &Plan) -> Vec<Tensor> {
    let written = |slot: &SlotId| {
        let losses = &plan.steps[plan.routine(Routine::Losses)];
        let tensor = plan.slot(*slot).tensor;
        is_added_up(tensor, Routine::Statistics) || losses.iter().any(|step| step.slots().1.contains(slot))
    };
    let mut tensors = Vec::new();
    let read = plan.steps[plan.routine(Routine::Gradient)].iter().flat_map(|step| step.slots().0);
    for slot in read.filter(|slot| plan.slot(*slot).persistent).filter(written) {
        let tensor = plan.slot(slot).tensor;
        if !tensors.contains(&tensor) && tensor != Tensor::LossValues {
            tensors.push(tensor);
        }
    }
    tensors
}

impl Worker {
    pub(crate) fn new(device: usize, name: &str, speed: f64, plan: &Plan, session: Box<dyn Session>) -> Worker {
        let (name, plan) = (name.to_owned(), plan.clone());
        Worker { device, name, speed, plan, session, dealt: Vec::new(), sums: Sums::new() }
    }

    pub fn bytes(&self) -> u64 {
        self.session.bytes()
    }

    pub fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        self.session.run(routine)
    }

    /// Writes what is the same for all windows.
    pub fn write_at(&mut self, tensor: Tensor, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        match self.plan.find(tensor) {
            Some(slot) if !is_of_pixels(tensor) => self.session.write_at(slot, first, bytes),
            _ => Ok(()),
        }
    }

    /// Works on tiles that were dealt, after those that it has worked on in this pass, and adds up.
    pub(super) fn work(&mut self, pass: &Pass<'_>, tiles: &[usize]) -> Result<(), BackendError> {
        if tiles.is_empty() {
            return Ok(());
        }
        let is_first = self.dealt.is_empty();
        // Before anything can fail: what was dealt to a device that is lost goes to the others.
        self.dealt.extend(tiles);
        if is_first {
            self.zero(pass.routine)?;
        }
        let shown = shown_before(&self.plan, pass.routine);
        let asked_for = self.asked_for(pass);
        let mut awaited = None;
        for &tile in tiles {
            if pass.stop.load(Ordering::Relaxed) {
                return Err(BackendError::Stopped);
            }
            let tile = pass.tiles.get(tile);
            for &slot in &shown {
                let (tensor, stored) = (self.plan.slot(slot).tensor, self.plan.precision_of(slot));
                pass.whole.show(tensor, &tile, pass.routine, |first, values| {
                    self.session.write_at(slot, stored.words(first), &stored.encode(values))
                })?;
            }
            self.session.run(pass.routine)?;
            let here: Option<Vec<Contents>> = asked_for.iter().map(|slot| self.session.share(*slot)).collect();
            if let Some(contents) = here {
                self.keep(pass, &tile, contents)?;
                continue;
            }
            // While the device works on this window, the host keeps what came of the one before.
            asked_for.iter().try_for_each(|slot| self.session.request(*slot))?;
            if let Some(before) = awaited.replace(tile) {
                self.receive(pass, &before, asked_for.len())?;
            }
        }
        if let Some(last) = awaited {
            self.receive(pass, &last, asked_for.len())?;
        }
        self.sums = self.read(&self.added_up(pass.routine))?;
        Ok(())
    }

    /// What is asked for after each window: what it makes or, so that a device that works on its own is never more than one window
    /// behind, the smallest of what it adds to.
    fn asked_for(&self, pass: &Pass<'_>) -> Vec<SlotId> {
        let made: Vec<SlotId> = pass.made.iter().map(|made| slot(&self.plan, made.tensor)).collect();
        let sums = self.added_up(pass.routine).into_iter().map(|tensor| slot(&self.plan, tensor));
        let smallest = sums.min_by_key(|slot| self.plan.slot(*slot).words);
        if made.is_empty() { smallest.into_iter().collect() } else { made }
    }

    /// Waits for so many answers and keeps what they bring.
    fn receive(&mut self, pass: &Pass<'_>, tile: &Tile, count: usize) -> Result<(), BackendError> {
        let answers = (0..count).filter_map(|_| self.session.receive(true).transpose());
        let answers = answers.map(|answer| Ok(answer?.into())).collect::<Result<_, BackendError>>()?;
        self.keep(pass, tile, answers)
    }

    /// Keeps what a window made.
    fn keep(&self, pass: &Pass<'_>, tile: &Tile, contents: Vec<Contents>) -> Result<(), BackendError> {
        pass.made.iter().zip(contents).try_for_each(|(made, contents)| {
            made.keep(&contents, self.plan.precision_of(slot(&self.plan, made.tensor)), tile)
        })
    }

    fn added_up(&self, routine: Routine) -> Vec<Tensor> {
        self.plan.slots.iter().map(|slot| slot.tensor).filter(|tensor| is_added_up(*tensor, routine)).collect()
    }

    fn zero(&mut self, routine: Routine) -> Result<(), BackendError> {
        for tensor in self.added_up(routine) {
            let slot = slot(&self.plan, tensor);
            self.session.write(slot, &vec![0; self.plan.slot(slot).bytes() as usize])?;
        }
        Ok(())
    }

    fn read(&mut self, tensors: &[Tensor]) -> Result<Sums, BackendError> {
        let read = |tensor: &Tensor| {
            let values = backend::read_values(self.session.as_mut(), slot(&self.plan, *tensor))?;
            Ok((*tensor, values))
        };
        tensors.iter().map(read).collect()
    }

    /// The style losses of the whole picture, and what the gradient's windows read on other devices, if there are any.
    pub(super) fn losses(&mut self, statistics: &Sums, others: bool) -> Result<(Vec<f32>, Sums), BackendError> {
        self.put(statistics)?;
        self.zero(Routine::Gradient)?;
        self.session.run(Routine::Losses)?;
        let losses = backend::read_values(self.session.as_mut(), slot(&self.plan, Tensor::LossValues))?;
        let handed_on = if others { self.read(&handed_on(&self.plan))? } else { Sums::new() };
        Ok((losses, handed_on))
    }

    /// Takes what another worker computed.
    pub(super) fn put(&mut self, values: &Sums) -> Result<(), BackendError> {
        for (tensor, values) in values {
            let slot = slot(&self.plan, *tensor);
            backend::write_values(self.session.as_mut(), slot, values)?;
        }
        Ok(())
    }
}
