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
    contents::Contents,
    host_memory::HostSession,
    plan::{Routine, SlotId, Tensor, Tiles, Windowed, deal},
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
        tiles: &Tiles,
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
    fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        let tensor = self.windowed.whole.slot(slot).tensor;
        self.of_all(|worker| worker.write_at(tensor, first, bytes))?;
        self.whole.write_at(slot, first, bytes)
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

    fn share(&self, slot: SlotId) -> Option<Contents> {
        self.whole.share(slot)
    }

    /// Windows keep nothing of what a moment holds.
    fn restore(&mut self, slot: SlotId, contents: &Contents) -> Result<(), BackendError> {
        self.whole.restore(slot, contents)
    }

    fn hand_over(&mut self, slot: SlotId) -> Result<SlotContents, BackendError> {
        self.whole.hand_over(slot)
    }

    fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        self.whole.take_over(slot, contents)
    }

    fn bytes(&self) -> u64 {
        self.windowed.in_memory() + self.workers.iter().map(Worker::bytes).sum::<u64>()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        self.whole.time_steps(repeats)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{
        Device, Engine,
        backend::Session as _,
        gpu::{Gpu, ShaderChecks, first_adapter},
        plan::{Border, Depths, Moving, Network, Optimizer, Plan, Pooling, Size, Storage, Term, Window, window_sizes},
        random::Random,
        tolerance,
        vgg19::Layer,
        weights::{Normalisation, generated},
    };

    /// A session on a device that is lost with its next routine, after so many of a kind: a GPU in earnest.
    struct Mortal {
        session: Box<dyn backend::Session>,
        is_real: bool,
        /// Until it is lost.
        gpu: Option<Arc<Gpu>>,
        kind: Routine,
        left: u32,
        dead: bool,
    }

    impl Mortal {
        fn alive(&self) -> Result<(), BackendError> {
            match self.dead && !self.is_real {
                true => Err(BackendError::DeviceLost { device: "mortal".to_owned(), reason: "of age".to_owned() }),
                false => Ok(()),
            }
        }
    }

    impl backend::Session for Mortal {
        fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.write_at(slot, first, bytes))
        }

        fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
            self.alive().and_then(|()| self.session.read(slot))
        }

        fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
            if routine == self.kind {
                self.dead |= self.left == 0;
                self.left = self.left.saturating_sub(1);
            }
            self.alive()?;
            self.session.run(routine)?;
            // With what was asked of it on its way.
            if let Some(gpu) = self.gpu.take_if(|_| self.dead) {
                gpu.lose();
            }
            Ok(())
        }

        fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.request(slot))
        }

        fn receive(&mut self, wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
            self.alive().and_then(|()| self.session.receive(wait))
        }

        fn bytes(&self) -> u64 {
            self.session.bytes()
        }

        fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
            self.session.time_steps(repeats)
        }
    }

    fn layer(name: &str) -> Layer {
        name.parse().unwrap()
    }

    fn windowed() -> Windowed {
        let picture = Size { width: 57, height: 43 };
        let whole = Network {
            window: Window::whole(picture),
            border: Border::Replicate,
            pooling: Pooling::Max,
            normalisation: Normalisation::IMAGENET,
            storage: Storage::PLAIN,
        };
        let terms = [Term::Content(layer("relu2_1")), Term::gram(layer("relu1_1"), 0), Term::TotalVariation];
        let size = *window_sizes(picture, whole.border, Depths::of_terms(&terms)).last().unwrap();
        let window = whole.of_window(size, Storage::PLAIN);
        Windowed::iteration(&whole, &window, &terms, Optimizer::default(), Moving::All).unwrap()
    }

    fn engine() -> Engine {
        Engine::new(&Device::Cpu(None), Arc::new(generated(3, layer("relu2_1")))).unwrap()
    }

    /// A GPU that is lost as in [`session`], and the processor.
    fn session_with_gpu(windowed: &Windowed, kind: Routine, left: u32) -> (Session, LostDevices) {
        let gpu = Gpu::open(&first_adapter(), ShaderChecks::default()).unwrap();
        let filters = Arc::new(generated(3, layer("relu2_1")));
        let engine = Engine::new(&Device::Gpu(gpu.clone()), filters).unwrap();
        let (mut both, lost) = session(windowed, 2, 0, kind, left);
        let session = engine.session(&windowed.window).unwrap();
        let mortal = Box::new(Mortal { session, is_real: true, gpu: Some(gpu), kind, left, dead: false });
        both.workers[0] = Worker::new(0, "GPU", 1.0, &windowed.window, mortal);
        (both, lost)
    }

    /// Workers of which the first so many are lost with a routine of this kind, after so many.
    fn session(windowed: &Windowed, workers: usize, mortal: usize, kind: Routine, left: u32) -> (Session, LostDevices) {
        let engine = engine();
        let worker = |number: usize| {
            let session = engine.session(&windowed.window).unwrap();
            let session: Box<dyn backend::Session> = if number < mortal {
                Box::new(Mortal { session, is_real: false, gpu: None, kind, left, dead: false })
            } else {
                session
            };
            Worker::new(number, &format!("device {number}"), 1.0, &windowed.window, session)
        };
        let whole = crate::cpu::Session::on(&crate::cpu::Cpu::without_filters().unwrap(), &windowed.whole).unwrap();
        let (workers, lost) = ((0..workers).map(worker).collect(), LostDevices::default());
        (Session::new(windowed, Box::new(whole), workers, lost.clone(), Arc::default()), lost)
    }

    fn fill(plan: &Plan, session: &mut Session) {
        for (index, slot) in plan.slots.iter().enumerate() {
            let values = match slot.tensor {
                Tensor::Image | Tensor::Target(_) => Random::new(5).uniform_values(slot.words, 0.1, 0.9),
                Tensor::InverseGradientScale => vec![1.0],
                Tensor::Coefficients => vec![1e-3; slot.words],
                _ => continue,
            };
            backend::write_map(session, plan, SlotId(index), &values).unwrap();
        }
        session.run(Routine::Targets).unwrap();
    }

    fn evaluate(plan: &Plan, session: &mut Session) -> Result<[Vec<f32>; 2], BackendError> {
        session.run(Routine::Evaluate)?;
        let mut read = |tensor| backend::read_values(session, slot(plan, tensor));
        Ok([read(Tensor::LossValues)?, read(Tensor::ImageGradient)?])
    }

    /// `|a - b| / |b|`.
    fn distance(a: &[f32], b: &[f32]) -> f64 {
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let apart = squares(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        (apart / squares(&mut b.iter().map(|value| f64::from(*value)))).sqrt()
    }

    #[test]
    fn a_device_that_is_lost_in_either_pass_or_between_them_leaves_its_windows_to_the_others() {
        let windowed = windowed();
        assert!(windowed.cover.statistics.len() > 3 && windowed.cover.gradients.len() > 3);
        let (mut alone, _) = session(&windowed, 1, 0, Routine::Losses, 0);
        fill(&windowed.whole, &mut alone);
        let expected = evaluate(&windowed.whole, &mut alone).unwrap();
        for kind in [Routine::Statistics, Routine::Losses, Routine::Gradient] {
            for (mortal, left) in [(1, 0), (1, 1), (2, 1)] {
                let (mut session, lost) = session(&windowed, 3, mortal, kind, left);
                fill(&windowed.whole, &mut session);
                for evaluation in 0..3 {
                    let found = evaluate(&windowed.whole, &mut session).unwrap();
                    let allowed = [tolerance::WINDOWS_LOSS, tolerance::F32_GRADIENT];
                    for ((found, expected), allowed) in found.iter().zip(&expected).zip(allowed) {
                        let apart = distance(found, expected);
                        assert!(apart <= allowed, "{kind:?} {mortal} {left} {evaluation}: {apart:e}");
                    }
                }
                let lost = lost.all();
                assert_eq!(lost.len(), mortal, "{kind:?} {left}: {lost:?}");
                assert_eq!(session.workers.len(), 3 - mortal);
                assert!(lost.iter().all(|lost| lost.reason == "stopped working (of age)" && !lost.left.is_empty()));
            }
        }
    }

    #[test]
    fn a_real_device_that_is_lost_with_its_work_leaves_its_windows_to_the_others() {
        let windowed = windowed();
        let (mut alone, _) = session(&windowed, 1, 0, Routine::Losses, 0);
        fill(&windowed.whole, &mut alone);
        let expected = evaluate(&windowed.whole, &mut alone).unwrap();
        for kind in [Routine::Statistics, Routine::Losses, Routine::Gradient] {
            let (mut session, lost) = session_with_gpu(&windowed, kind, u32::from(kind != Routine::Losses));
            fill(&windowed.whole, &mut session);
            let found = evaluate(&windowed.whole, &mut session).unwrap();
            let allowed = [tolerance::WINDOWS_LOSS, tolerance::F32_GRADIENT];
            for ((found, expected), allowed) in found.iter().zip(&expected).zip(allowed) {
                let apart = distance(found, expected);
                assert!(apart <= allowed, "{kind:?}: {apart:e}");
            }
            let lost = lost.all();
            assert!(lost.len() == 1 && lost[0].device == "GPU", "{kind:?}: {lost:?}");
            assert!(lost[0].reason.starts_with("stopped working"), "{lost:?}");
        }
    }

    #[test]
    fn where_the_last_device_is_lost_the_error_is_its_own() {
        let windowed = windowed();
        let (mut session, lost) = session(&windowed, 2, 2, Routine::Gradient, 1);
        fill(&windowed.whole, &mut session);
        assert!(matches!(evaluate(&windowed.whole, &mut session), Err(BackendError::DeviceLost { .. })));
        assert_eq!(lost.all().len(), 1);
        // The picture is on the host.
        let image = slot(&windowed.whole, Tensor::Image);
        assert!(session.read(image).unwrap().iter().any(|byte| *byte != 0));
    }

    #[test]
    fn a_device_that_is_lost_is_said_in_one_sentence() {
        let left = vec!["CPU".to_owned()];
        let lost = LostDevice { device: "a card".to_owned(), reason: "stopped working (why)".to_owned(), left };
        assert_eq!(lost.to_string(), "a card stopped working (why): CPU goes on with its windows");
    }
}
