//! Plans for as much memory as there is: of the whole picture or, where that takes too much, of windows.

use super::{
    memory_needed::{Memory, alone, process},
    outline::Outline,
    prepare,
};
use crate::{
    BackendError, Engine, Session,
    plan::{
        self, Cover, Depths, Moving, Network, Optimizer, Plan, PlanError, Precision, Representation, Size, Spill, Term,
        Windowed, cover, time_of, window_sizes,
    },
};

/// See the module.
#[derive(Clone, Debug)]
pub enum Planned {
    /// Everything at once.
    Whole(Plan),
    /// One window after another.
    Windowed(Box<Windowed>),
}

impl Planned {
    /// The plan as its session's user sees it.
    pub fn plan(&self) -> &Plan {
        match self {
            Planned::Whole(plan) => plan,
            Planned::Windowed(windowed) => &windowed.whole,
        }
    }

    /// How the network's maps are stored.
    pub fn precision(&self) -> Precision {
        self.on_device(0).precision
    }

    /// The plan whose steps run on one of the engine's devices, counted from 0.
    pub fn on_device(&self, device: usize) -> &Plan {
        match self {
            Planned::Whole(plan) => plan,
            Planned::Windowed(windowed) => windowed.window_on(device),
        }
    }

    /// The windows, if there are any.
    pub fn windows(&self) -> Option<&Cover> {
        match self {
            Planned::Whole(_) => None,
            Planned::Windowed(windowed) => Some(&windowed.cover),
        }
    }

    /// What is on the disk meanwhile.
    pub fn spill(&self) -> Spill {
        match self {
            Planned::Whole(_) => Spill::Nothing,
            Planned::Windowed(windowed) => windowed.spill,
        }
    }

    /// Makes it ready.
    pub(super) fn session(&self, engine: &Engine) -> Result<Box<dyn Session>, BackendError> {
        match self {
            Planned::Whole(plan) => engine.session(plan),
            Planned::Windowed(windowed) => engine.windowed_session(windowed),
        }
    }
}

/// What the network computes from a picture. `windowed` asks for windows even where the whole fits, because who takes the
/// result works on windows too.
pub(super) fn features(
    engine: &Engine,
    network: &Network,
    wanted: &[Representation],
    outline: &Outline,
    iteration: &Planned,
    windowed: bool,
) -> Result<Planned, PlanError> {
    let whole = || plan::features(network, wanted);
    let make = |engine: &Engine, size| Windowed::features(network, &of_window(engine, network, size), wanted);
    let fits = Fitting::new(engine, outline, Some(iteration), windowed);
    fits.choose(network, whole, Depths::of_representations(wanted), make)
}

/// The iterations of an optimiser for inputs of this outline.
pub(super) fn iteration(
    engine: &Engine,
    network: &Network,
    terms: &[Term],
    optimizer: Optimizer,
    outline: &Outline,
) -> Result<Planned, PlanError> {
    let whole = || prepare::iteration(network, terms, optimizer, outline);
    let moving = if outline.frozen { Moving::Some } else { Moving::All };
    let make = |engine: &Engine, size| {
        Windowed::iteration(network, &of_window(engine, network, size), terms, optimizer, moving)
    };
    let fits = Fitting::new(engine, outline, None, false);
    fits.choose(network, whole, Depths::of_terms(terms), make)
}

/// The network at one window, whose maps are stored as precisely as those of the whole would be.
fn of_window(engine: &Engine, network: &Network, size: Size) -> Network {
    network.of_window(size, engine.storage(network.storage.precision, size))
}

/// What has to fit, and beside what.
struct Fitting<'a> {
    engine: &'a Engine,
    /// Each of the engine's.
    devices: Vec<Engine>,
    outline: &'a Outline,
    /// A plan whose filters may be there already.
    after: Option<&'a Planned>,
    /// Whether there are windows even where the whole fits.
    windowed: bool,
}

impl<'a> Fitting<'a> {
    /// Several devices always work on windows.
    fn new(engine: &'a Engine, outline: &'a Outline, after: Option<&'a Planned>, windowed: bool) -> Fitting<'a> {
        Fitting { engine, devices: engine.devices(), outline, after, windowed: windowed || engine.is_of_several() }
    }

    /// Whether it fits every device.
    fn fits(&self, planned: &Planned, size: Size) -> bool {
        // A painting is looked at for a picture of another size.
        let painted = self.after.map_or(size, |iteration| iteration.plan().window.picture);
        let process = process(self.outline, painted, self.after.is_some());
        self.devices.iter().enumerate().all(|(device, engine)| {
            let budget = engine.budget().unwrap_or(u64::MAX);
            Memory { process, ..alone(engine, device, planned, self.after) }.fits(engine, budget)
        })
    }

    /// Windows with the least on the disk with which they fit, or all if they do not even so; and whether they fit.
    fn spilling(&self, windowed: Windowed, size: Size) -> (Planned, bool) {
        let mut windowed = Box::new(windowed);
        for spill in Spill::ALL.into_iter().filter(|spill| windowed.allows(*spill)).collect::<Vec<_>>() {
            windowed.spill = spill;
            let planned = Planned::Windowed(windowed);
            if self.fits(&planned, size) {
                return (planned, true);
            }
            let Planned::Windowed(again) = planned else { unreachable!("it was made of windows") };
            windowed = again;
        }
        (Planned::Windowed(windowed), false)
    }

    /// The plan of the whole if it fits, else that of the largest windows that do, with as little on the disk as they allow,
    /// else that of the smallest. Several devices get that of the windows with which they are done first, of those that fit.
    /// On a torus, around which every window has a halo, the smallest may be larger than the whole.
    fn choose(
        &self,
        network: &Network,
        whole: impl Fn() -> Result<Plan, PlanError>,
        depths: Depths,
        make: impl Fn(&Engine, Size) -> Result<Windowed, PlanError>,
    ) -> Result<Planned, PlanError> {
        let picture = network.window.size;
        let limited = self.engine.budget().is_some() || self.engine.is_of_several();
        let sizes = if limited { window_sizes(picture, network.border, depths) } else { Vec::new() };
        let Some(smallest) = sizes.last() else { return Ok(Planned::Whole(whole()?)) };
        let planned = |size: Size| -> Result<(Planned, bool), PlanError> {
            let windowed = make(self.engine, size)?;
            let others = self.devices[1..].iter().map(|device| Ok(make(device, size)?.window));
            let others = others.collect::<Result<_, PlanError>>()?;
            Ok(self.spilling(Windowed { others, ..windowed }, picture))
        };
        // Plans of large pictures take long to make, and none is made in vain.
        let (least, fits) = planned(*smallest)?;
        let is_less = smallest.pixels() < picture.pixels();
        if is_less && !fits {
            return Ok(least);
        }
        if !self.windowed {
            let whole = Planned::Whole(whole()?);
            if self.fits(&whole, picture) {
                return Ok(whole);
            }
        }
        if !fits {
            return Ok(least);
        }
        let larger = sizes[..sizes.len() - 1].partition_point(|size| planned(*size).is_ok_and(|(_, fits)| !fits));
        // The first takes the least work.
        let speeds = self.engine.speeds();
        let time = |size: &Size| time_of_evaluation(&cover(picture, network.border, *size, depths), &speeds);
        let best = sizes[larger..].iter().min_by(|a, b| time(a).total_cmp(&time(b)));
        best.filter(|best| *best != smallest).map_or(Ok(least), |size| Ok(planned(*size)?.0))
    }
}

/// How long devices of these speeds take together for an evaluation: one forward, and one forward and back.
fn time_of_evaluation(cover: &Cover, speeds: &[f64]) -> f64 {
    let passes = time_of(cover.statistics.len(), speeds) + 2.0 * time_of(cover.gradients.len(), speeds);
    passes * cover.size.pixels() as f64
}
