//! One scale: the iterations of an optimiser on a session that is ready, and what is reported and kept on the way.

use super::{
    lbfgs::{Lbfgs, Stepped},
    loss_ring::LossRing,
    objective::{Loss, Objective},
    prepare::{Prepared, Work},
    recipe::{Method, Recipe},
    stylize::{Event, Reason, StylizeError},
};
use crate::{
    BackendError, Session,
    picture::Picture,
    plan::{self, Optimizer, PerTerm, Plan, Precision, Routine, Size, Tensor},
    read_values, values,
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// Iterations between two looks at the loss ring at most. Two requests may be under way and the host may be one interval
/// ahead, so that four intervals must fit the ring.
const RING_INTERVAL: u32 = 10;
const _: () = assert!(4 * RING_INTERVAL as usize <= plan::RING_ROWS);
/// Time between two looks where iterations are so slow that [`RING_INTERVAL`] of them take longer.
const NEWS: Duration = Duration::from_millis(500);
/// Time after which the picture is copied to the host again, in case the device is lost.
const KEEP: Duration = Duration::from_secs(2);

/// One scale ready to run.
pub(super) struct Scale<'a> {
    recipe: &'a Recipe,
    objective: &'a Objective,
    plan: Plan,
    session: Box<dyn Session>,
    ring: LossRing,
    size: Size,
    iterations: u32,
    snapshots: Option<NonZeroU32>,
    start: Instant,
    reported: u32,
    /// A recent picture, which outlives the device.
    so_far: Option<Picture>,
    /// When it was last asked for.
    kept: Option<Instant>,
}

/// What was asked of the session without waiting; it comes back in this order.
enum Asked {
    Losses,
    State,
    /// The average, of the moment of the state before it.
    Average,
}

/// How a scale ended that did not fail.
pub(super) enum Ended {
    /// With a picture.
    Painted(Picture),
    /// A value went beyond what f16 holds: here is all that is needed to go on in f32.
    OutOfRange(Resume),
}

/// Where Adam stood before an iteration whose losses or gradient were not finite.
pub(super) struct Resume {
    /// Iterations done.
    pub iteration: u32,
    /// Contents of the slots that Adam keeps between iterations.
    contents: Vec<(Tensor, Vec<u8>)>,
    so_far: Option<Picture>,
    start: Instant,
}

/// What Adam keeps between iterations, but for the state.
const KEPT: [Tensor; 4] = [Tensor::Image, Tensor::AdamMean, Tensor::AdamSquare, Tensor::Average];

impl<'a> Scale<'a> {
    pub fn new(work: Work<'a>, prepared: Prepared, iterations: u32, snapshots: Option<NonZeroU32>) -> Scale<'a> {
        let Prepared { plan, session } = prepared;
        Scale {
            recipe: work.recipe,
            objective: work.objective,
            ring: LossRing::new(&plan),
            size: plan.window.size,
            plan,
            session,
            iterations,
            snapshots,
            start: Instant::now(),
            reported: 0,
            so_far: None,
            kept: None,
        }
    }

    /// Puts everything where it was.
    pub fn resume(mut self, resume: Resume) -> Result<Scale<'a>, BackendError> {
        for (tensor, bytes) in &resume.contents {
            let slot = self.slot(*tensor);
            self.session.write(slot, bytes)?;
        }
        Ok(Scale { reported: resume.iteration, so_far: resume.so_far, start: resume.start, ..self })
    }

    /// Where Adam stands. The device has not moved the picture since the last iteration that was reported.
    fn into_resume(mut self) -> Result<Resume, BackendError> {
        let mut contents = Vec::new();
        for tensor in KEPT {
            let slot = self.slot(tensor);
            contents.push((tensor, self.session.read(slot)?));
        }
        // The powers stay; evaluations are counted anew, for a new ring, and nothing is halted.
        let slot = self.slot(Tensor::State);
        let mut state = self.session.read(slot)?;
        state[..8].fill(0);
        contents.push((Tensor::State, state));
        Ok(Resume { iteration: self.reported, contents, so_far: self.so_far, start: self.start })
    }

    pub fn run(mut self, observe: &mut dyn FnMut(Event<'_>)) -> Result<Ended, StylizeError> {
        let done = match self.recipe.optimizer() {
            Optimizer::Adam(_) => self.adam(observe),
            Optimizer::Lbfgs { memory } => self.lbfgs(memory, observe),
        };
        match done {
            Ok(()) => Ok(Ended::Painted(self.picture().map_err(Reason::Backend)?)),
            Err(Reason::NotFinite { .. }) if self.plan.precision == Precision::F16 => {
                Ok(Ended::OutOfRange(self.into_resume().map_err(Reason::Backend)?))
            }
            Err(reason) => {
                // The picture on the device is still good if only a loss is not; a lost device has none to give.
                let lost = matches!(reason, Reason::Backend(BackendError::DeviceLost { .. }));
                let so_far = if self.reported > 0 && !lost { self.picture().ok() } else { None };
                Err(StylizeError { reason, so_far: so_far.or(self.so_far).map(Box::new) })
            }
        }
    }

    fn slot(&self, tensor: Tensor) -> plan::SlotId {
        self.plan.find(tensor).expect("a plan has the slots of its optimiser")
    }

    fn adam(&mut self, observe: &mut dyn FnMut(Event<'_>)) -> Result<(), Reason> {
        let (state, average) = (self.slot(Tensor::State), self.slot(Tensor::Average));
        let (mut asked, mut looked, mut decayed) = (VecDeque::new(), self.reported, 0.0);
        for iteration in self.reported + 1..=self.iterations {
            self.session.run(Routine::Evaluate)?;
            self.session.run(Routine::Adam)?;
            let last = iteration == self.iterations;
            if iteration - looked >= self.ring_interval() || last {
                looked = iteration;
                self.session.request(self.ring.slot)?;
                asked.push_back(Asked::Losses);
                if !last && self.wants_keeping() {
                    self.session.request(state)?;
                    self.session.request(average)?;
                    asked.extend([Asked::State, Asked::Average]);
                }
            }
            // Never more than two looks behind, so that the queue stays short and losses come while they are news.
            let behind =
                |asked: &VecDeque<Asked>| asked.iter().filter(|what| matches!(what, Asked::Losses)).count() > 2;
            while let Some(bytes) = self.session.receive(behind(&asked) || last && !asked.is_empty())? {
                match asked.pop_front() {
                    Some(Asked::State) => decayed = decayed_share(&bytes),
                    Some(Asked::Average) => self.so_far = Some(corrected(self.size, &values(&bytes), decayed)),
                    Some(Asked::Losses) | None => self.report_ring(&bytes, observe)?,
                }
            }
            if self.wants_snapshot(iteration) {
                self.snapshot(iteration, observe)?;
            }
        }
        Ok(())
    }

    /// Iterations until the next look at the losses: as many as fit [`NEWS`] at the pace of this scale.
    fn ring_interval(&self) -> u32 {
        let pace = f64::from(self.reported) / self.start.elapsed().as_secs_f64();
        ((pace * NEWS.as_secs_f64()) as u32).clamp(1, RING_INTERVAL)
    }

    /// Whether it is time to copy the picture to the host.
    fn wants_keeping(&mut self) -> bool {
        let due = self.kept.is_none_or(|kept| kept.elapsed() >= KEEP);
        if due {
            self.kept = Some(Instant::now());
        }
        due
    }

    fn lbfgs(&mut self, memory: usize, observe: &mut dyn FnMut(Event<'_>)) -> Result<(), Reason> {
        let (objective, slot) = (self.objective, self.slot(Tensor::LossValues));
        // Several points are tried in an iteration; the one it ends at is reported.
        let evaluated: RefCell<Vec<Loss>> = RefCell::default();
        let evaluations = Cell::new(0);
        let terms = self.plan.terms.clone();
        let mut evaluate = |session: &mut dyn Session| -> Result<f64, BackendError> {
            session.run(Routine::Evaluate)?;
            let loss = objective.loss(&PerTerm::new(&terms, read_values(session, slot)?));
            evaluated.borrow_mut().push(loss);
            evaluations.set(evaluations.get() + 1);
            Ok(loss.total)
        };
        let rate = f64::from(self.recipe.learning_rate());
        let mut lbfgs = Lbfgs::start(self.session.as_mut(), &self.plan, memory, rate, &mut evaluate)?;
        if !lbfgs.loss().is_finite() {
            return Err(Reason::NotFinite { size: self.size, iteration: 1 });
        }
        for iteration in 1..=self.iterations {
            if lbfgs.step(self.session.as_mut(), &mut evaluate)? == Stepped::Converged {
                observe(Event::Converged { iteration: iteration - 1 });
                break;
            }
            let reached = evaluated.take().into_iter().find(|loss| loss.total == lbfgs.loss());
            if let Some(loss) = reached {
                self.report(loss, evaluations.get(), observe);
            }
            if self.wants_snapshot(iteration) {
                self.snapshot(iteration, observe)?;
            } else if self.wants_keeping() {
                // Between two steps the device waits for the host anyway.
                self.so_far = Some(self.picture()?);
            }
        }
        Ok(())
    }

    fn report_ring(&mut self, bytes: &[u8], observe: &mut dyn FnMut(Event<'_>)) -> Result<(), Reason> {
        for row in self.ring.news(bytes) {
            let loss = self.objective.loss(&row);
            if !loss.is_finite() {
                return Err(Reason::NotFinite { size: self.size, iteration: self.reported + 1 });
            }
            self.report(loss, self.reported + 1, observe);
        }
        Ok(())
    }

    fn report(&mut self, loss: Loss, evaluations: u32, observe: &mut dyn FnMut(Event<'_>)) {
        self.reported += 1;
        let seconds = self.start.elapsed().as_secs_f64();
        observe(Event::Iteration { size: self.size, iteration: self.reported, evaluations, loss, seconds });
    }

    fn wants_snapshot(&self, iteration: u32) -> bool {
        self.snapshots.is_some_and(|every| iteration % every == 0)
    }

    fn snapshot(&mut self, iteration: u32, observe: &mut dyn FnMut(Event<'_>)) -> Result<(), Reason> {
        let picture = self.picture()?;
        observe(Event::Snapshot { iteration, picture: &picture });
        self.so_far = Some(picture);
        Ok(())
    }

    /// The bias-corrected running average, or for L-BFGS the present point, in [0, 1].
    fn picture(&mut self) -> Result<Picture, BackendError> {
        match self.recipe.method {
            Method::Lbfgs => {
                let image = self.slot(Tensor::Image);
                let point = read_values(self.session.as_mut(), image)?;
                Ok(corrected(self.size, &point, 0.0))
            }
            Method::Adam => {
                let (state, average) = (self.slot(Tensor::State), self.slot(Tensor::Average));
                let decayed = decayed_share(&self.session.read(state)?);
                let average = read_values(self.session.as_mut(), average)?;
                Ok(corrected(self.size, &average, decayed))
            }
        }
    }
}

/// A running average in which the start still has the weight `decayed`, without the start, in [0, 1].
fn corrected(size: Size, average: &[f32], decayed: f32) -> Picture {
    let pixels = average.iter().map(|value| (value / (1.0 - decayed)).clamp(0.0, 1.0)).collect();
    Picture::new(size, pixels).expect("a plan is for a picture of at least one pixel, with three values each")
}

/// The weight that the start still has in the running average, from the state's bytes.
fn decayed_share(state: &[u8]) -> f32 {
    values(state)[4]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{
        Device, Engine,
        plan::SlotId,
        style::{WeightedLayer, prepare::prepare},
        weights::generated,
    };
    use std::sync::Arc;

    /// A session on a device that is lost after so many routines.
    struct Mortal {
        session: Box<dyn Session>,
        routines: u32,
    }

    impl Mortal {
        fn alive(&self) -> Result<(), BackendError> {
            match self.routines {
                0 => Err(BackendError::DeviceLost { device: "mortal".to_owned(), reason: "of age".to_owned() }),
                _ => Ok(()),
            }
        }
    }

    impl Session for Mortal {
        fn write(&mut self, slot: SlotId, bytes: &[u8]) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.write(slot, bytes))
        }

        fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
            self.alive().and_then(|()| self.session.read(slot))
        }

        fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
            self.alive()?;
            self.routines -= 1;
            self.alive().and_then(|()| self.session.run(routine))
        }

        fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
            self.alive().and_then(|()| self.session.request(slot))
        }

        fn receive(&mut self, until_there: bool) -> Result<Option<Vec<u8>>, BackendError> {
            self.alive().and_then(|()| self.session.receive(until_there))
        }

        fn bytes(&self) -> u64 {
            self.session.bytes()
        }

        fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
            self.session.time_steps(repeats)
        }
    }

    fn weighted(name: &str) -> Vec<WeightedLayer> {
        vec![WeightedLayer { layer: name.parse().unwrap(), weight: 1.0 }]
    }

    #[test]
    fn a_lost_device_leaves_a_picture_of_a_moment_before() {
        let size = Size { width: 13, height: 11 };
        let (content, style) = (Picture::noise(size, 1), Picture::noise(size, 2));
        let filters = Arc::new(generated(3, "relu2_1".parse().unwrap()));
        let engine = Engine::new(&Device::Cpu(None), filters).unwrap();
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = Recipe {
                content_layers: weighted("relu2_1"),
                style_layers: weighted("relu1_1"),
                method,
                ..Recipe::default()
            };
            let objective = Objective::new(&recipe);
            let paint = |routines, snapshots, observe: &mut dyn FnMut(Event<'_>)| {
                let work =
                    Work { engine: &engine, recipe: &recipe, objective: &objective, content: &content, style: &style };
                let Ok(Prepared { plan, session }) = prepare(work, Precision::F32, &content) else { panic!() };
                let session = Box::new(Mortal { session, routines });
                Scale::new(work, Prepared { plan, session }, 12, snapshots).run(observe)
            };
            let mut moments = Vec::new();
            paint(u32::MAX, NonZeroU32::new(1), &mut |event| {
                if let Event::Snapshot { picture, .. } = event {
                    moments.push(picture.clone());
                }
            })
            .unwrap();
            assert_eq!(moments.len(), 12);
            let error = paint(21, None, &mut |_| {}).err().unwrap();
            assert!(matches!(error.reason, Reason::Backend(BackendError::DeviceLost { .. })), "{error}");
            let kept = error.so_far.unwrap();
            assert!(moments.contains(&kept), "{method:?}: not a picture of this run");
            let error = paint(1, None, &mut |_| {}).err().unwrap();
            assert!(error.so_far.is_none(), "{method:?}: nothing was painted");
        }
    }
}
