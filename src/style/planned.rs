//! Plans for as much memory as there is: of the whole picture or, where that takes too much, of windows.

use super::{
    memory_needed::{Memory, alone, process},
    outline::Outline,
    prepare,
};
use crate::{
    BackendError, Engine, Session,
    plan::{
        self, Cover, Depths, Moving, Network, Optimizer, Plan, PlanError, Precision, Representation, Routine, Size,
        Spill, Storage, Term, Tiles, Windowed, cover, time_of, window_sizes,
    },
};

/// See the module.
#[derive(Clone, Debug)]
pub enum Planned {
    /// Everything at once, but for what is on the disk.
    Whole(Plan, Spill),
    /// One window after another.
    Windowed(Box<Windowed>),
}

impl Planned {
    /// The plan as its session's user sees it.
    pub fn plan(&self) -> &Plan {
        match self {
            Planned::Whole(plan, _) => plan,
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
            Planned::Whole(plan, _) => plan,
            Planned::Windowed(windowed) => windowed.window_on(device),
        }
    }

    /// The windows, if there are any.
    pub fn windows(&self) -> Option<&Cover> {
        match self {
            Planned::Whole(..) => None,
            Planned::Windowed(windowed) => Some(&windowed.cover),
        }
    }

    /// What is on the disk meanwhile.
    pub fn spill(&self) -> Spill {
        match self {
            Planned::Whole(_, spill) => *spill,
            Planned::Windowed(windowed) => windowed.spill,
        }
    }

    fn with_spill(self, spill: Spill) -> Planned {
        match self {
            Planned::Whole(plan, _) => Planned::Whole(plan, spill),
            Planned::Windowed(windowed) => Planned::Windowed(Box::new(Windowed { spill, ..*windowed })),
        }
    }

    /// Makes it ready.
    pub(super) fn session(&self, engine: &Engine) -> Result<Box<dyn Session>, BackendError> {
        match self {
            Planned::Whole(plan, spill) => engine.spilling_session(plan, *spill),
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
    let whole = |storage| plan::features(&Network { storage, ..*network }, wanted);
    let make = |window: &Network| Windowed::features(network, window, wanted);
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
    let whole = |storage| prepare::iteration(&Network { storage, ..*network }, terms, optimizer, outline);
    let moving = if outline.frozen { Moving::Some } else { Moving::All };
    let make = |window: &Network| Windowed::iteration(network, window, terms, optimizer, moving);
    let fits = Fitting::new(engine, outline, None, false);
    fits.choose(network, whole, Depths::of_terms(terms), make)
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

    /// A plan with the least on the disk with which it fits, or all if it does not even so; and whether it fits.
    fn spilling(&self, mut planned: Planned, size: Size) -> (Planned, bool) {
        let spills: Vec<Spill> = match &planned {
            Planned::Whole(..) if self.engine.can_spill() => Spill::OF_WHOLE.to_vec(),
            Planned::Whole(..) => vec![Spill::Nothing],
            Planned::Windowed(windowed) => {
                Spill::OF_WINDOWS.into_iter().filter(|spill| windowed.allows(*spill)).collect()
            }
        };
        for spill in spills {
            planned = planned.with_spill(spill);
            if self.fits(&planned, size) {
                return (planned, true);
            }
        }
        (planned, false)
    }

    /// The network at one window, whose maps are stored as precisely as those of the whole would be, in one of a device's ways
    /// to store them, or the last of them if it has not so many.
    fn of_window(device: &Engine, network: &Network, size: Size, way: usize) -> Network {
        let ways = device.storages(network.storage.precision, size);
        network.of_window(size, ways[way.min(ways.len() - 1)])
    }

    /// Windows of a size, and whether they fit.
    fn in_windows(
        &self,
        network: &Network,
        make: impl Fn(&Network) -> Result<Windowed, PlanError>,
        size: Size,
        way: usize,
    ) -> Result<(Planned, bool), PlanError> {
        let plan_on = |device| make(&Self::of_window(device, network, size, way));
        let others = self.devices[1..].iter().map(|device| Ok(plan_on(device)?.window));
        let others = others.collect::<Result<_, PlanError>>()?;
        let windowed = Windowed { others, ..plan_on(self.engine)? };
        Ok(self.spilling(Planned::Windowed(Box::new(windowed)), network.window.size))
    }

    /// The plan of the whole in the first way to store its maps that fits, from the usual one to the leanest.
    fn at_once(
        &self,
        network: &Network,
        whole: impl Fn(Storage) -> Result<Plan, PlanError>,
    ) -> Result<Option<Planned>, PlanError> {
        let (picture, usual) = (network.window.size, network.storage);
        let ways = self.engine.storages(usual.precision, picture);
        for storage in ways.into_iter().rev().skip_while(|storage| *storage != usual) {
            let (planned, fits) = self.spilling(Planned::Whole(whole(storage)?, Spill::Nothing), picture);
            if fits {
                return Ok(Some(planned));
            }
        }
        Ok(None)
    }

    /// The plan of the whole if it fits. Else that of the windows with which the devices are done first, of the ways to store maps
    /// and the sizes that fit, else that of the smallest; each with as little on the disk as it allows. On a torus, around which
    /// every window has a halo, the smallest may be larger than the whole.
    fn choose(
        &self,
        network: &Network,
        whole: impl Fn(Storage) -> Result<Plan, PlanError>,
        depths: Depths,
        make: impl Fn(&Network) -> Result<Windowed, PlanError>,
    ) -> Result<Planned, PlanError> {
        let (picture, usual) = (network.window.size, network.storage);
        let limited = self.engine.budget().is_some() || self.engine.is_of_several();
        let sizes = if limited { window_sizes(picture, network.border, depths) } else { Vec::new() };
        let Some(smallest) = sizes.last() else { return Ok(Planned::Whole(whole(usual)?, Spill::Nothing)) };
        // Plans of large pictures take long to make, and none is made in vain.
        let (least, fits) = self.in_windows(network, &make, *smallest, 0)?;
        if !fits && smallest.pixels() < picture.pixels() {
            return Ok(least);
        }
        if !self.windowed
            && let Some(planned) = self.at_once(network, whole)?
        {
            return Ok(planned);
        }
        if !fits {
            return Ok(least);
        }
        let speeds = self.engine.speeds();
        let mut best = (f64::INFINITY, least);
        let ways = self.devices.iter().map(|device| device.storages(usual.precision, picture).len()).max().unwrap_or(1);
        for way in 0..ways {
            let is_too_large = |size: &Size| !self.in_windows(network, &make, *size, way).is_ok_and(|(_, fits)| fits);
            let fitting = &sizes[sizes.partition_point(is_too_large)..];
            // The first takes the least work.
            let time = |size: &Size| time_of_windows(&cover(picture, network.border, *size, depths), &speeds);
            let Some(size) = fitting.iter().min_by(|a, b| time(a).total_cmp(&time(b))) else { continue };
            let (planned, fits) = self.in_windows(network, &make, *size, way)?;
            let time = time_of_evaluation(&planned, &speeds);
            if fits && time < best.0 {
                best = (time, planned);
            }
        }
        Ok(best.1)
    }
}

/// How long devices of these speeds take together for windows that differ in nothing but their size and number: one forward, and
/// one forward and back.
fn time_of_windows(cover: &Cover, speeds: &[f64]) -> f64 {
    let passes = time_of(cover.statistics.len(), speeds) + 2.0 * time_of(cover.gradients.len(), speeds);
    passes * cover.size.pixels() as f64
}

/// How long devices of these speeds take together for an evaluation in windows, by the arithmetic of a window on each.
fn time_of_evaluation(planned: &Planned, speeds: &[f64]) -> f64 {
    let Some(cover) = planned.windows() else { return 0.0 };
    let pass = |routine, tiles: &Tiles| {
        let flops = |device| planned.on_device(device).routine_cost(routine).flops.max(1) as f64;
        let windows: Vec<f64> = speeds.iter().enumerate().map(|(device, speed)| speed / flops(device)).collect();
        time_of(tiles.len(), &windows)
    };
    pass(Routine::Statistics, &cover.statistics) + pass(Routine::Gradient, &cover.gradients)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{
        Device,
        style::{Recipe, memory_needed::ScalePlans, shortage},
        weights::{Filters, Normalisation, Origin},
    };
    use std::{num::NonZeroUsize, sync::Arc};

    /// The iterations with the largest and with smaller limits.
    fn planned(limits: impl Iterator<Item = u64>) -> Vec<Planned> {
        let none = Filters { origin: Origin::Network, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
        let engine = Engine::new(&Device::Cpu(NonZeroUsize::new(2)), Arc::new(none)).unwrap();
        let recipe = Recipe { size: 700, ..Recipe::default() };
        let outline = Outline::simple(Size { width: 900, height: 600 }, Size { width: 400, height: 500 }, &recipe);
        let planned = limits.map_while(|mebibytes| {
            let engine = engine.clone().with_memory(Some(mebibytes << 20));
            let fits = shortage(&engine, &outline, &recipe).unwrap().is_none();
            fits.then(|| ScalePlans::last(&engine, &outline, &recipe).unwrap().iteration)
        });
        planned.collect()
    }

    #[test]
    fn with_less_memory_first_the_disk_helps_then_leaner_maps_and_then_windows() {
        let planned = planned((290..=540).rev().step_by(5));
        let usual = planned[0].plan().bytes();
        let stage = |planned: &Planned| match planned {
            Planned::Whole(plan, Spill::Nothing) if plan.bytes() == usual => 0,
            Planned::Whole(plan, _) if plan.bytes() == usual => 1,
            Planned::Whole(..) => 2,
            Planned::Windowed(_) => 3,
        };
        let mut stages: Vec<i32> = planned.iter().map(stage).collect();
        stages.dedup();
        assert_eq!(stages, [0, 1, 2, 3]);
    }

    #[test]
    fn less_memory_takes_more_arithmetic_and_more_takes_less() {
        let planned = planned((290..=540).rev().step_by(5));
        let windows: Vec<&Planned> = planned.iter().filter(|planned| planned.windows().is_some()).collect();
        let times: Vec<f64> = windows.iter().map(|planned| time_of_evaluation(planned, &[1.0])).collect();
        // Sizes are tried whose work differs by a part.
        assert!(times.len() > 10 && times.is_sorted_by(|more, less| *more <= 1.05 * less), "{times:?}");
        assert!(times[times.len() - 1] > 2.0 * times[0], "{times:?}");
        let mut ways: Vec<_> = windows.iter().map(|planned| &planned.on_device(0).segments).collect();
        ways.dedup();
        assert!(ways.len() > 3);
    }
}
