//! From a photograph and a painting to a picture: scale after scale, each with its own targets.

use super::{
    lbfgs::{Lbfgs, Stepped},
    loss_ring::LossRing,
    objective::{Loss, Objective},
    recipe::{Init, Method, Recipe, RecipeError},
    scales::scales,
    targets::{TargetError, features, network},
};
use crate::{
    BackendError, Engine, Session,
    picture::{Picture, fit_long_side},
    plan::{self, Optimizer, Plan, PlanError, Routine, Size, Tensor, Wanted},
    read_values, values, write_values,
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

/// What happens while a picture is made.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A scale begins.
    Scale {
        /// Which, from 1.
        number: usize,
        /// How many there are.
        count: usize,
        /// Size of the picture.
        size: Size,
        /// Size of the painting.
        style: Size,
        /// Iterations to come.
        iterations: u32,
    },
    /// An iteration is done.
    Iteration {
        /// Size of the picture.
        size: Size,
        /// Which iteration of the scale, from 1.
        iteration: u32,
        /// Evaluations of the scale so far: with L-BFGS an iteration takes one or more.
        evaluations: u32,
        /// Losses: with Adam before the iteration's step, with L-BFGS after it.
        loss: Loss,
        /// Since the start of the scale.
        seconds: f64,
    },
    /// The picture as it would be if the work ended now.
    Snapshot {
        /// Which iteration of the scale.
        iteration: u32,
        /// The picture.
        picture: &'a Picture,
    },
    /// An optimiser found nothing better and ends the scale early.
    Converged {
        /// Iterations done.
        iteration: u32,
    },
}

/// Why the work ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// A number of the recipe is out of range.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The photograph is too small for the layers.
    #[error("the photograph does not suit the layers: {0}")]
    Content(PlanError),
    /// The painting is too small for the layers.
    #[error("the painting does not suit the layers: {0}")]
    Style(PlanError),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A loss is not a number any more.
    #[error(
        "the losses are not finite at {size}, iteration {iteration}: check the filters, or use a smaller --learning-rate or smaller weights"
    )]
    NotFinite {
        /// Size of the picture.
        size: Size,
        /// Which iteration.
        iteration: u32,
    },
}

/// Why the work ended, and what was done until then.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct StylizeError {
    /// What happened.
    pub reason: Reason,
    /// The last good picture, if any iteration was done.
    pub so_far: Option<Box<Picture>>,
}

impl From<Reason> for StylizeError {
    fn from(reason: Reason) -> Self {
        StylizeError { reason, so_far: None }
    }
}

/// One scale ready to run.
struct Scale<'a> {
    recipe: &'a Recipe,
    objective: &'a Objective,
    plan: &'a Plan,
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

/// Paints `content` in the style of `style`. `observe` is told what happens; `snapshots` asks for a picture every so many
/// iterations.
///
/// # Errors
/// If a number is out of range, a picture is too small, the device fails or the losses stop being numbers; the error
/// carries the last good picture.
pub fn stylize(
    engine: &Engine,
    content: &Picture,
    style: &Picture,
    recipe: &Recipe,
    snapshots: Option<NonZeroU32>,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Picture, StylizeError> {
    recipe.check().map_err(Reason::Recipe)?;
    let sizes = sizes(content.size, recipe)?;
    let objective = Objective::new(recipe);
    let mut picture: Option<Picture> = None;
    for (index, &size) in sizes.iter().enumerate() {
        let style_size = style_size(style.size, size, recipe);
        let iterations = if index == 0 { recipe.first_iterations } else { recipe.iterations };
        observe(Event::Scale { number: index + 1, count: sizes.len(), size, style: style_size, iterations });
        let content = content.resize(size);
        let start = match (&picture, &recipe.init) {
            (Some(smaller), _) => smaller.resize(size),
            (None, Init::Content) => content.clone(),
            (None, Init::Noise) => Picture::noise(size, recipe.seed),
            (None, Init::Picture(other)) => other.resize(size),
        };
        let painted = prepare(engine, recipe, &objective, &content, &style.resize(style_size), &start)
            .map_err(StylizeError::from)
            .and_then(|(plan, session)| {
                Scale {
                    recipe,
                    objective: &objective,
                    plan: &plan,
                    session,
                    ring: LossRing::new(&plan, recipe.losses().count()),
                    size,
                    iterations,
                    snapshots,
                    start: Instant::now(),
                    reported: 0,
                    so_far: None,
                    kept: None,
                }
                .run(observe)
            });
        picture = match painted {
            Ok(painted) => Some(painted),
            // What a smaller scale made is better than nothing.
            Err(error) => {
                return Err(StylizeError { so_far: error.so_far.or_else(|| picture.map(Box::new)), ..error });
            }
        };
    }
    Ok(picture.expect("there is at least one scale"))
}

/// Size of the painting beside a picture of a size.
pub(super) fn style_size(style: Size, picture: Size, recipe: &Recipe) -> Size {
    let long = picture.width.max(picture.height);
    let style_long = (long as f32 * recipe.style_scale).round().max(1.0) as u32;
    fit_long_side(style, style_long.min(style.width.max(style.height)))
}

/// Sizes of the scales; those too small for the layers are left out, but for the last, which must suit.
pub(super) fn sizes(content: Size, recipe: &Recipe) -> Result<Vec<Size>, Reason> {
    let deepest = recipe.deepest().ok_or(Reason::Content(PlanError::NoLayer))?;
    let minimum = 1 << deepest.poolings();
    let all = scales(recipe.size, recipe.min_scale).into_iter().map(|long| fit_long_side(content, long));
    let suitable: Vec<Size> = all.filter(|size| size.width.min(size.height) >= minimum).collect();
    if suitable.is_empty() {
        let size = fit_long_side(content, recipe.size);
        return Err(Reason::Content(PlanError::TooSmall { layer: deepest, size, minimum }));
    }
    Ok(suitable)
}

/// The plan of a scale and a session with targets, scales and the start in place.
pub(super) fn prepare(
    engine: &Engine,
    recipe: &Recipe,
    objective: &Objective,
    content: &Picture,
    style: &Picture,
    start: &Picture,
) -> Result<(Plan, Box<dyn Session>), Reason> {
    let losses = recipe.losses();
    let network = network(engine, content.size, recipe.border, recipe.pooling);
    let plan = plan::iteration(&network, &losses, recipe.optimizer()).map_err(Reason::Content)?;
    let target = |picture, wanted, wrap: fn(PlanError) -> Reason| {
        features(engine, picture, recipe.border, recipe.pooling, &wanted).map_err(|error| match error {
            TargetError::Plan(error) => wrap(error),
            TargetError::Backend(error) => Reason::Backend(error),
        })
    };
    let content_wanted = Wanted { features: losses.content.clone(), grams: Vec::new() };
    let content = target(content, content_wanted, Reason::Content)?;
    let style = target(style, Wanted { features: Vec::new(), grams: losses.style.clone() }, Reason::Style)?;
    let mut session = engine.session(&plan)?;
    objective.write(recipe, session.as_mut(), &plan, &content, &style, 1.0)?;
    let slot = |tensor| plan.find(tensor).expect("an iteration plan has a picture and a state");
    write_values(session.as_mut(), slot(Tensor::Image), &start.pixels)?;
    session.write(slot(Tensor::State), bytemuck::cast_slice(&plan::INITIAL_STATE))?;
    Ok((plan, session))
}

impl Scale<'_> {
    fn run(mut self, observe: &mut dyn FnMut(Event<'_>)) -> Result<Picture, StylizeError> {
        let done = match self.recipe.optimizer() {
            Optimizer::Adam(_) => self.adam(observe),
            Optimizer::Lbfgs { memory } => self.lbfgs(memory, observe),
        };
        match done {
            Ok(()) => Ok(self.picture().map_err(Reason::Backend)?),
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
        let (mut asked, mut looked, mut decayed) = (VecDeque::new(), 0, 0.0);
        for iteration in 1..=self.iterations {
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
        let mut evaluate = |session: &mut dyn Session| -> Result<f64, BackendError> {
            session.run(Routine::Evaluate)?;
            let loss = objective.loss(&read_values(session, slot)?);
            evaluated.borrow_mut().push(loss);
            evaluations.set(evaluations.get() + 1);
            Ok(loss.total)
        };
        let rate = f64::from(self.recipe.learning_rate());
        let mut lbfgs = Lbfgs::start(self.session.as_mut(), self.plan, memory, rate, &mut evaluate)?;
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
    Picture { size, pixels }
}

/// The weight that the start still has in the running average, from the state's bytes.
fn decayed_share(state: &[u8]) -> f32 {
    values(state)[4]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{Device, plan::SlotId, style::WeightedLayer, weights::generated};
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
                let (plan, session) = prepare(&engine, &recipe, &objective, &content, &style, &content).unwrap();
                Scale {
                    recipe: &recipe,
                    objective: &objective,
                    plan: &plan,
                    session: Box::new(Mortal { session, routines }),
                    ring: LossRing::new(&plan, recipe.losses().count()),
                    size,
                    iterations: 12,
                    snapshots,
                    start: Instant::now(),
                    reported: 0,
                    so_far: None,
                    kept: None,
                }
                .run(observe)
            };
            let mut moments = Vec::new();
            paint(u32::MAX, NonZeroU32::new(1), &mut |event| {
                if let Event::Snapshot { picture, .. } = event {
                    moments.push(picture.clone());
                }
            })
            .unwrap();
            assert_eq!(moments.len(), 12);
            let error = paint(21, None, &mut |_| {}).unwrap_err();
            assert!(matches!(error.reason, Reason::Backend(BackendError::DeviceLost { .. })), "{error}");
            let kept = error.so_far.unwrap();
            assert!(moments.contains(&kept), "{method:?}: not a picture of this run");
            let error = paint(1, None, &mut |_| {}).unwrap_err();
            assert!(error.so_far.is_none(), "{method:?}: nothing was painted");
        }
    }
}
