//! A session of [`Windowed`] plans: whole arrays in the host's memory, the network on one device or several, one window at a
//! time on each. From outside it is a session of the whole plan.

mod lost;
mod place;
mod whole;
mod worker;

pub use lost::LostDevice;
pub(crate) use lost::{LostDevices, what_happened};
pub(crate) use worker::Worker;

use crate::{
    backend::{self, BackendError, SlotContents},
    host_memory::HostSession,
    plan::{Routine, SlotId, Tensor, Tile, Windowed, deal},
};
use std::{
    panic::resume_unwind,
    sync::{Arc, atomic::AtomicBool},
    thread,
};
use whole::{Made, Whole, slot};
use worker::{Pass, Sums};

/// See the module.
pub(crate) struct Session {
    windowed: Windowed,
    whole: Box<dyn HostSession>,
    /// At least one.
    workers: Vec<Worker>,
    lost: LostDevices,
    /// Whether the work is to end before the next window.
    stop: Arc<AtomicBool>,
}

impl Session {
    /// Of one worker or more, in the order of the engine's devices.
    pub(crate) fn new(
        windowed: &Windowed,
        whole: Box<dyn HostSession>,
        workers: Vec<Worker>,
        lost: LostDevices,
        stop: Arc<AtomicBool>,
    ) -> Session {
        Session { windowed: windowed.clone(), whole, workers, lost, stop }
    }

    /// Goes on without workers that failed, if others are left; returns the tiles that were dealt to them.
    fn dismiss(&mut self, failed: Vec<(usize, BackendError)>) -> Result<Vec<usize>, BackendError> {
        let mut tiles = Vec::new();
        // From the last, so that the places of the others stay.
        for (worker, error) in failed.into_iter().rev() {
            let Some(reason) = what_happened(&error).filter(|_| self.workers.len() > 1) else { return Err(error) };
            let Worker { device, name, dealt, .. } = self.workers.remove(worker);
            tiles.extend(dealt);
            let left = self.workers.iter().map(|worker| worker.name.clone()).collect();
            self.lost.add(device, LostDevice { device: name, reason, left });
        }
        tiles.sort_unstable();
        Ok(tiles)
    }

    /// Asks something of every worker.
    fn of_all(&mut self, mut ask: impl FnMut(&mut Worker) -> Result<(), BackendError>) -> Result<(), BackendError> {
        let asked = self.workers.iter_mut().enumerate();
        let failed = asked.filter_map(|(index, worker)| Some((index, ask(worker).err()?))).collect();
        self.dismiss(failed).map(|_| ())
    }

    /// One pass over all windows, with all workers at the same time. Tiles of a worker that is lost go to the others: what it
    /// had added up is lost with it. Sums are added in the order of the workers.
    fn pass(&mut self, routine: Routine) -> Result<Sums, BackendError> {
        let cover = &self.windowed.cover;
        let tiles = if routine == Routine::Statistics { &cover.statistics } else { &cover.gradients }.clone();
        for worker in &mut self.workers {
            (worker.dealt, worker.sums) = (Vec::new(), Sums::new());
        }
        let mut left: Vec<usize> = (0..tiles.len()).collect();
        while !left.is_empty() {
            let made = Made::take(&self.windowed.whole, self.whole.memory(), routine);
            let failed = self.work(routine, &tiles, &made, &left);
            for made in made {
                made.put(&self.windowed.whole, self.whole.memory());
            }
            left = self.dismiss(failed)?;
        }
        let mut sums = self.workers.iter_mut().map(|worker| std::mem::take(&mut worker.sums)).filter(|s| !s.is_empty());
        let mut sum = sums.next().unwrap_or_default();
        for further in sums {
            for ((_, sum), (_, further)) in sum.iter_mut().zip(further) {
                sum.iter_mut().zip(further).for_each(|(sum, further)| *sum += further);
            }
        }
        Ok(sum)
    }

    /// Lets every worker do its share of some tiles; returns those that failed.
    fn work(
        &mut self,
        routine: Routine,
        tiles: &[Tile],
        made: &[Made],
        numbers: &[usize],
    ) -> Vec<(usize, BackendError)> {
        let speeds: Vec<f64> = self.workers.iter().map(|worker| worker.speed).collect();
        let shares = deal(numbers.len(), &speeds);
        let whole = Whole { plan: &self.windowed.whole, memory: self.whole.memory() };
        let pass = &Pass { routine, tiles, whole, made, stop: &self.stop };
        let mut workers = self.workers.iter_mut().zip(shares.into_iter().map(|share| &numbers[share]));
        let ends: Vec<Result<(), BackendError>> = thread::scope(|scope| {
            let first = workers.next();
            let others: Vec<_> = workers.map(|(worker, tiles)| scope.spawn(move || worker.work(pass, tiles))).collect();
            let first = first.map(|(worker, tiles)| worker.work(pass, tiles));
            let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            first.into_iter().chain(others).collect()
        });
        ends.into_iter().enumerate().filter_map(|(index, end)| Some((index, end.err()?))).collect()
    }

    /// Style losses of the whole picture, computed by the first worker, and for all workers what follows for the gradient.
    fn losses(&mut self, statistics: &Sums) -> Result<Vec<f32>, BackendError> {
        loop {
            let others = self.workers.len() > 1;
            match self.workers[0].losses(statistics, others) {
                Ok((losses, handed_on)) => {
                    let mut first = true;
                    self.of_all(|worker| if std::mem::take(&mut first) { Ok(()) } else { worker.put(&handed_on) })?;
                    return Ok(losses);
                }
                Err(error) => {
                    self.dismiss(vec![(0, error)])?;
                }
            }
        }
    }

    /// Losses of the whole picture and its gradient.
    fn evaluate(&mut self) -> Result<(), BackendError> {
        let statistics = self.pass(Routine::Statistics)?;
        let mut losses = self.losses(&statistics)?;
        for (_, of_windows) in self.pass(Routine::Gradient)? {
            losses.iter_mut().zip(of_windows).for_each(|(loss, of_windows)| *loss += of_windows);
        }
        // Those of the picture itself follow.
        let slot = slot(&self.windowed.whole, Tensor::LossValues);
        backend::write_values(self.whole.as_mut(), slot, &losses)?;
        self.whole.run(Routine::Evaluate)
    }

    /// What the network computes from the whole picture.
    fn features(&mut self) -> Result<(), BackendError> {
        for (tensor, values) in self.pass(Routine::Statistics)? {
            backend::write_values(self.whole.as_mut(), slot(&self.windowed.whole, tensor), &values)?;
        }
        self.whole.run(Routine::Features)
    }
}

impl backend::Session for Session {
    fn write(&mut self, slot: SlotId, bytes: &[u8]) -> Result<(), BackendError> {
        let tensor = self.windowed.whole.slot(slot).tensor;
        self.of_all(|worker| worker.write(tensor, bytes))?;
        self.whole.write(slot, bytes)
    }

    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        self.whole.read(slot)
    }

    fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        match routine {
            Routine::Targets => self.of_all(|worker| worker.run(routine)),
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
        self.windowed.whole.bytes() + self.workers.iter().map(Worker::bytes).sum::<u64>()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        self.whole.time_steps(repeats)
    }
}
