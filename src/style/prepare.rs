//! From pictures and a recipe to a session that is ready to paint, a piece at a time.

use super::{
    coefficients::{self, LossScale},
    error::Reason,
    gradient_scale::{RangeSearch, Trial, range},
    objective::Objective,
    optimizer::{Device, Purpose},
    outline::Outline,
    planned::{self, Planned},
    recipe::Recipe,
    running_plan::RunningPlan,
    scale_pictures::ScalePictures,
    targets::{Source, SourcePicture, Targets, network, read_by_host, unsuitable, wanted_of_sources},
};
use crate::{
    BackendError, Engine,
    plan::{
        self, IterationState, Network, Optimizer, PerTerm, Plan, PlanError, Precision, Representation, Routine, Tensor,
        Term,
    },
};
use std::collections::VecDeque;

/// What a scale works with.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub engine: &'a Engine,
    pub recipe: &'a Recipe,
    pub objective: &'a Objective,
    pub outline: &'a Outline,
    pub pictures: &'a ScalePictures,
    /// The power of two that gradients are multiplied by in f16, if already found.
    pub gradient_exponent: Option<i32>,
}

/// A session with targets and scales in place.
pub(super) struct Prepared {
    pub device: Device,
    /// See [`Objective::write`].
    pub at_zero: PerTerm<Option<f64>>,
    /// The loss that gradients are in units of, see [`Objective::unit_scales`].
    pub unit: f64,
    /// The power of two that gradients are multiplied by in f16.
    pub gradient_exponent: Option<i32>,
}

/// How far the preparation is.
pub(super) enum Progress {
    /// The device has not answered.
    Pending,
    /// Some work was done.
    Worked,
    /// Everything is prepared.
    Ready(Box<Prepared>),
    /// A value is beyond what f16 holds: f32 may still work.
    OutOfRange,
}

/// The network at work on a picture that terms compare with.
struct Look {
    source: Source,
    wanted: Vec<Representation>,
    device: RunningPlan<()>,
}

/// What is in progress.
enum Stage {
    /// Computing what terms compare with, picture by picture.
    Targets {
        looks: VecDeque<(Source, Vec<Representation>)>,
        look: Option<Look>,
        targets: Targets,
    },
    /// Testing the range of f16.
    Range {
        prepared: Prepared,
        scales: PerTerm<LossScale>,
        search: RangeSearch,
        asked: bool,
    },
    Ready(Prepared),
}

/// A session being prepared.
pub(super) struct Preparation {
    planned: Planned,
    stage: Option<Stage>,
}

impl Preparation {
    /// A preparation with everything still to do.
    ///
    /// # Errors
    /// If the picture is too small for the layers.
    pub fn new(work: Work<'_>, precision: Precision) -> Result<Preparation, Reason> {
        let Work { engine, recipe, objective, outline, pictures, .. } = work;
        let terms = objective.terms();
        let network = network(engine, precision, pictures.content.size(), recipe.border, recipe.pooling);
        let planned = planned::iteration(engine, &network, &terms, recipe.optimizer(), outline);
        let planned = planned.map_err(Reason::Content)?;
        let looks = wanted_of_sources(&terms, outline).into();
        let targets = Targets::new(&terms, &pictures.content);
        Ok(Preparation { planned, stage: Some(Stage::Targets { looks, look: None, targets }) })
    }

    /// Does a bounded piece of work; if there is nothing else to do and `wait` says so, waits for an answer of the
    /// device. `work` is what [`Preparation::new`] was given.
    pub fn advance(&mut self, work: Work<'_>, wait: bool) -> Result<Progress, Reason> {
        let stage = self.stage.take().expect("nothing is asked of what is ready or failed");
        let (stage, progress) = match stage {
            Stage::Targets { looks, look, targets } => self.make_targets(work, wait, looks, look, targets)?,
            Stage::Range { prepared, scales, search, asked } => {
                match try_range(wait, prepared, scales, search, asked)? {
                    Some(next) => next,
                    None => return Ok(Progress::OutOfRange),
                }
            }
            Stage::Ready(prepared) => return Ok(Progress::Ready(Box::new(prepared))),
        };
        self.stage = Some(stage);
        Ok(progress)
    }

    fn make_targets(
        &self,
        work: Work<'_>,
        wait: bool,
        mut looks: VecDeque<(Source, Vec<Representation>)>,
        look: Option<Look>,
        mut targets: Targets,
    ) -> Result<(Stage, Progress), Reason> {
        let Some(mut look) = look else {
            return match looks.pop_front() {
                Some((source, wanted)) => {
                    let look = Some(self.look(work, source, wanted)?);
                    Ok((Stage::Targets { looks, look, targets }, Progress::Worked))
                }
                None => Ok((self.write(work, &targets)?, Progress::Worked)),
            };
        };
        let Some(((), contents)) = look.device.receive(wait)? else {
            return Ok((Stage::Targets { looks, look: Some(look), targets }, Progress::Pending));
        };
        let (session, plan) = look.device.session();
        targets.take(look.source, &look.wanted, &contents, plan, session)?;
        Ok((Stage::Targets { looks, look: None, targets }, Progress::Worked))
    }

    /// Runs the network on a picture, and asks for what the host needs of what it computes.
    fn look(&self, work: Work<'_>, source: Source, wanted: Vec<Representation>) -> Result<Look, Reason> {
        let Work { engine, recipe, outline, pictures, .. } = work;
        let seen = SourcePicture::of(source, pictures);
        let (size, border) = (seen.picture.size(), source.border(recipe.border));
        let network = network(engine, self.planned.precision(), size, border, recipe.pooling);
        // What the photograph's session hands over is taken by that of the picture.
        let windowed = source == Source::Photograph && self.planned.windows().is_some();
        let planned = planned::features(engine, &network, &wanted, outline, &self.planned, windowed);
        let planned = planned.map_err(|error| unsuitable(source, error))?;
        let mut device = RunningPlan::new(planned.plan().clone(), planned.session(engine)?);
        let (session, plan) = device.session();
        seen.write(session, plan, &wanted)?;
        device.run(Routine::Features)?;
        device.ask((), &read_by_host(source, &wanted))?;
        Ok(Look { source, wanted, device })
    }

    /// Makes the session and fills it.
    fn write(&self, work: Work<'_>, targets: &Targets) -> Result<Stage, BackendError> {
        let Work { engine, objective, outline, pictures, gradient_exponent, .. } = work;
        let mut device = Device::new(self.planned.plan().clone(), self.planned.session(engine)?);
        device.write(Tensor::Image, bytemuck::cast_slice(pictures.start.pixels()))?;
        device.write(Tensor::State, bytemuck::bytes_of(&IterationState::INITIAL))?;
        let (session, plan) = device.session();
        let at_zero = objective.write(session, plan, outline, pictures, targets)?;
        let (scales, unit) = objective.unit_scales(&at_zero, plan.window.picture);
        coefficients::write(session, plan, &scales, 2_f32.powi(gradient_exponent.unwrap_or(0)))?;
        let search = RangeSearch::new(plan.window.picture);
        let is_f16 = self.planned.precision() == Precision::F16;
        let gradient_exponent = gradient_exponent.filter(|_| is_f16);
        let prepared = Prepared { device, at_zero, unit, gradient_exponent };
        Ok(if is_f16 && gradient_exponent.is_none() {
            Stage::Range { prepared, scales, search, asked: false }
        } else {
            Stage::Ready(prepared)
        })
    }
}

/// The plan of one iteration for inputs of this outline.
pub(super) fn iteration(
    network: &Network,
    terms: &[Term],
    optimizer: Optimizer,
    outline: &Outline,
) -> Result<Plan, PlanError> {
    let make = if outline.frozen { plan::iteration_of_some_pixels } else { plan::iteration };
    make(network, terms, optimizer)
}

/// Asks for a trial, or takes its answer. None if f16 cannot hold the values.
fn try_range(
    wait: bool,
    mut prepared: Prepared,
    scales: PerTerm<LossScale>,
    mut search: RangeSearch,
    asked: bool,
) -> Result<Option<(Stage, Progress)>, BackendError> {
    let device = &mut prepared.device;
    let write = |device: &mut Device, exponent: i32| {
        let (session, plan) = device.session();
        coefficients::write(session, plan, &scales, 2_f32.powi(exponent))
    };
    if !asked {
        write(device, search.exponent())?;
        device.run(Routine::Evaluate)?;
        device.ask(Purpose::Optimizer, &[Tensor::LossValues])?;
        device.write(Tensor::State, bytemuck::bytes_of(&IterationState::INITIAL))?;
        return Ok(Some((Stage::Range { prepared, scales, search, asked: true }, Progress::Worked)));
    }
    let Some((_, contents)) = device.receive(wait)? else {
        return Ok(Some((Stage::Range { prepared, scales, search, asked }, Progress::Pending)));
    };
    let losses = PerTerm::new(&device.plan.terms, contents[0].values()?);
    Ok(match search.feed(range(&losses)) {
        Trial::Another => Some((Stage::Range { prepared, scales, search, asked: false }, Progress::Worked)),
        Trial::Settled(exponent) => {
            write(device, exponent)?;
            prepared.gradient_exponent = Some(exponent);
            Some((Stage::Ready(prepared), Progress::Worked))
        }
        Trial::Impossible => None,
    })
}

/// Prepares everything and waits for it. None if a value is beyond what f16 holds.
pub(super) fn prepare(work: Work<'_>, precision: Precision) -> Result<Option<Prepared>, Reason> {
    let mut preparation = Preparation::new(work, precision)?;
    loop {
        match preparation.advance(work, true)? {
            Progress::Ready(prepared) => return Ok(Some(*prepared)),
            Progress::OutOfRange => return Ok(None),
            Progress::Pending | Progress::Worked => {}
        }
    }
}
