//! Plans for as much memory as there is: of the whole picture or, where that takes too much, of windows.

use super::{
    memory_needed::{Memory, alone, process},
    outline::Outline,
    prepare,
};
use crate::{
    BackendError, Engine, Session,
    plan::{
        self, Border, Cover, Depths, Moving, Network, Optimizer, Plan, PlanError, Precision, Representation, Size,
        Spill, Term, Windowed, window_sizes,
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

    /// The plan whose steps run on the device.
    pub fn on_device(&self) -> &Plan {
        match self {
            Planned::Whole(plan) => plan,
            Planned::Windowed(windowed) => &windowed.window,
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
    let whole = || Ok(Planned::Whole(plan::features(network, wanted)?));
    let in_f32 = in_f32(engine, network);
    let make = |size| Windowed::features(&in_f32, &of_window(engine, &in_f32, size), wanted);
    let fits = Fitting { engine, outline, after: Some(iteration), windowed };
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
    let whole = || Ok(Planned::Whole(prepare::iteration(network, terms, optimizer, outline)?));
    let moving = if outline.frozen { Moving::Some } else { Moving::All };
    let in_f32 = in_f32(engine, network);
    let make = |size| Windowed::iteration(&in_f32, &of_window(engine, &in_f32, size), terms, optimizer, moving);
    let fits = Fitting { engine, outline, after: None, windowed: false };
    fits.choose(network, whole, Depths::of_terms(terms), make)
}

/// Windows work in f32.
fn in_f32(engine: &Engine, network: &Network) -> Network {
    Network { storage: engine.storage(Precision::F32, network.window.size), ..*network }
}

fn of_window(engine: &Engine, network: &Network, size: Size) -> Network {
    network.of_window(size, engine.storage(Precision::F32, size))
}

/// What has to fit, and beside what.
struct Fitting<'a> {
    engine: &'a Engine,
    outline: &'a Outline,
    /// A plan whose filters may be there already.
    after: Option<&'a Planned>,
    /// Whether there are windows even where the whole fits.
    windowed: bool,
}

impl Fitting<'_> {
    fn fits(&self, planned: &Planned, size: Size, budget: u64) -> bool {
        let process = process(self.outline, size);
        Memory { process, ..alone(self.engine, planned, self.after) }.fits(self.engine, budget)
    }

    /// The plan of the whole if it fits, else that of the largest windows that do, with as little on the disk as they allow,
    /// else that of the smallest. On a torus a window at one edge would need the opposite one, so there are none.
    fn choose(
        &self,
        network: &Network,
        whole: impl Fn() -> Result<Planned, PlanError>,
        depths: Depths,
        make: impl Fn(Size) -> Result<Windowed, PlanError>,
    ) -> Result<Planned, PlanError> {
        let budget = self.engine.budget().filter(|_| network.border != Border::Wrap);
        let Some(budget) = budget else { return whole() };
        let sizes = window_sizes(network.window.size, depths);
        let Some(smallest) = sizes.last() else { return whole() };
        let make = |size: Size, spill| Ok(Planned::Windowed(Box::new(Windowed { spill, ..make(size)? })));
        let fits = |planned: &Planned| self.fits(planned, network.window.size, budget);
        // Plans of large pictures take long to make, and none is made in vain.
        let mut chosen = (sizes.len(), make(*smallest, Spill::TargetsAndMoments)?);
        if sizes.len() > 1 && !fits(&chosen.1) {
            return Ok(chosen.1);
        }
        if !self.windowed {
            let whole = whole()?;
            if fits(&whole) {
                return Ok(whole);
            }
        }
        for spill in Spill::ALL {
            let fails = |size: &Size| make(*size, spill).is_ok_and(|planned| !fits(&planned));
            let index = sizes[..chosen.0].partition_point(fails);
            if index < chosen.0 {
                chosen = (index, make(sizes[index], spill)?);
            }
        }
        Ok(chosen.1)
    }
}
