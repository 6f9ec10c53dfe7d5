//! How much memory painting takes, known before anything is allocated: plans are data.

use super::{
    error::Reason,
    outline::Outline,
    planned::{self, Planned},
    recipe::Recipe,
    sizes::{sizes, style_size, with_margin},
    targets::{Source, network, unsuitable, wanted_of_sources},
};
use crate::{
    BackendError, Engine,
    plan::{Plan, Size, Tensor},
    scratch_file::PIECE,
};
use std::fmt;

/// Most current pictures on their way from a GPU to the host at the same time: two looks at the losses are pending and a third
/// is being requested. Other devices answer at once, without a copy.
const PICTURES_UNDER_WAY: u64 = 3;
/// What a process takes that has no pictures yet: the program, its threads and their stacks.
const PROCESS: u64 = 19 << 20;
/// Suggested sizes are multiples of this many pixels.
const STEP: u32 = 32;

/// The plans of one scale, in the order in which their sessions live. No two of them live at once.
#[derive(Clone, Debug)]
pub struct ScalePlans {
    /// Size of the picture.
    pub size: Size,
    /// Size of each painting.
    pub styles: Vec<Size>,
    /// How many scales there are.
    pub scales: usize,
    /// For the targets: one plan for each picture that a term compares with.
    pub targets: Vec<Planned>,
    /// For the picture itself.
    pub iteration: Planned,
}

impl ScalePlans {
    /// The plans of every scale of a recipe, smallest first: those that [`super::stylize()`] makes for pictures of these
    /// sizes.
    ///
    /// # Errors
    /// If a picture is too small for the layers, or there are none.
    pub fn all(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<Vec<ScalePlans>, Reason> {
        let scales = sizes(outline.content, recipe)?;
        (0..scales.len()).map(|index| ScalePlans::new(engine, &scales, index, outline, recipe)).collect()
    }

    /// The plans of the last scale only.
    ///
    /// # Errors
    /// If a picture is too small for the layers, or there are none.
    pub fn last(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<ScalePlans, Reason> {
        let scales = sizes(outline.content, recipe)?;
        ScalePlans::new(engine, &scales, scales.len() - 1, outline, recipe)
    }

    fn new(
        engine: &Engine,
        scales: &[Size],
        index: usize,
        outline: &Outline,
        recipe: &Recipe,
    ) -> Result<ScalePlans, Reason> {
        let size = scales[index];
        let styles = outline.paintings.iter().map(|painting| style_size(painting.size, size, painting.scale));
        let styles: Vec<Size> = styles.collect();
        let terms = recipe.terms(outline);
        let precision = recipe.precision(engine.precision());
        let seen = |size, border| network(engine, precision, size, border, recipe.pooling);
        let network_of_picture = seen(with_margin(size, recipe), recipe.border);
        let iteration = planned::iteration(engine, &network_of_picture, &terms, recipe.optimizer(), outline);
        let iteration = iteration.map_err(Reason::Content)?;
        let mut targets = Vec::new();
        for (source, wanted) in wanted_of_sources(&terms, outline) {
            let looked_at = match source {
                Source::Photograph => with_margin(size, recipe),
                Source::Painting(number) => styles[number],
            };
            let network = seen(looked_at, source.border(recipe.border));
            let windowed = source == Source::Photograph && iteration.windows().is_some();
            let planned = planned::features(engine, &network, &wanted, outline, &iteration, windowed);
            targets.push(planned.map_err(|error| unsuitable(source, error))?);
        }
        Ok(ScalePlans { size, styles, scales: scales.len(), targets, iteration })
    }

    /// All of them, in the order in which their sessions live.
    pub fn into_plans(self) -> impl Iterator<Item = Planned> {
        self.targets.into_iter().chain([self.iteration])
    }
}

/// Memory in bytes at the moment when the session holds most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The buffers of the plan that is executed.
    pub buffers: u64,
    /// The filters, in every form made by then.
    pub filters: u64,
    /// What the processor's threads work in, if it is the device.
    pub scratch: u64,
    /// Copies on their way between host and device: filters and targets to it, or results from it. Where the GPU has
    /// its own memory, they take the host's.
    pub staging: u64,
    /// Whole arrays in the host's memory, where the device works on windows.
    pub host: u64,
    /// Whole arrays on the disk: not memory, and the most at any moment.
    pub disk: u64,
    /// The process itself, with the pictures that it was given and a copy of what is painted.
    pub process: u64,
    /// The largest slot of all plans, not only at this moment.
    pub largest_slot: u64,
}

impl Memory {
    /// What the session itself holds.
    pub fn held(&self) -> u64 {
        self.buffers + self.filters
    }

    /// What is not only on its way.
    fn lasting(&self) -> u64 {
        self.held() + self.scratch + self.host + self.process
    }

    /// What is taken of the memory that the engine's device has: the host's memory may be the same.
    pub fn on(&self, engine: &Engine) -> u64 {
        self.held() + self.scratch + self.staging + if engine.is_on_host() { self.host + self.process } else { 0 }
    }

    /// Whether it is at most so many bytes, and the device can bind every slot.
    pub(super) fn fits(&self, engine: &Engine, bytes: u64) -> bool {
        self.on(engine) <= bytes && self.largest_slot <= engine.largest_slot()
    }
}

/// What painting takes at its peak, for pictures of these sizes; of several devices, of the first. Nothing is allocated, and no
/// filters need be loaded.
///
/// # Errors
/// If a picture is too small for the layers, or there are none.
pub fn memory(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<Memory, Reason> {
    Ok(memories(engine, outline, recipe)?.swap_remove(0))
}

/// The same of each of the engine's devices, which all look at windows of one size.
///
/// # Errors
/// As [`memory`].
pub fn memories(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<Vec<Memory>, Reason> {
    let mut sessions = Vec::new();
    for scale in ScalePlans::all(engine, outline, recipe)? {
        let size = with_margin(scale.size, recipe);
        sessions.extend(scale.into_plans().map(|planned| {
            let process = process(outline, size, planned.plan().terms.is_empty());
            (planned, process)
        }));
    }
    let devices = engine.devices().into_iter().enumerate();
    Ok(devices.map(|(device, engine)| peak(&engine, device, &sessions)).collect())
}

/// What sessions of these plans, one after the other in a process of that size, take of a device at their peak.
fn peak(engine: &Engine, device: usize, sessions: &[(Planned, u64)]) -> Memory {
    let mut plans: Vec<&Plan> = Vec::new();
    let (mut peak, mut present, mut largest_slot, mut disk) = (Memory::default(), 0, 0, 0);
    // What earlier sessions handed over and this one takes.
    let mut handed_over = 0;
    for &(ref planned, process) in sessions {
        plans.push(planned.on_device(device));
        let filters = engine.filter_bytes(&plans);
        let uploaded = if engine.uploads_filters() { filters - present } else { 0 };
        let is_of_targets = planned.plan().terms.is_empty();
        let arriving = uploaded + if is_of_targets { 0 } else { handed_over };
        let mut now = Memory { process, ..taken(engine, planned, device, filters, arriving) };
        if is_of_targets {
            // It waits until the last of them is done.
            now.staging += handed_over;
            handed_over += targets(planned);
        } else {
            handed_over = 0;
        }
        (largest_slot, disk) = (largest_slot.max(now.largest_slot), disk.max(now.disk));
        peak = if now.lasting() > peak.lasting() { now } else { peak };
        present = filters;
    }
    Memory { largest_slot, disk, ..peak }
}

/// The memory of a process that paints a picture of this size, without that of its session: with what was painted or, while it
/// is `preparing` targets, with all pictures in the sizes of this scale.
pub(super) fn process(outline: &Outline, size: Size, preparing: bool) -> u64 {
    let paintings = outline.paintings.iter().map(|painting| painting.size);
    let given = [outline.content].into_iter().chain(paintings);
    let resized = outline.paintings.iter().map(|painting| style_size(painting.size, size, painting.scale));
    let here = [size].into_iter().chain(resized.chain([size]).filter(|_| preparing));
    let pixels: usize = given.chain(here).map(Size::pixels).sum();
    PROCESS + (3 * size_of::<f32>() * pixels) as u64
}

/// What a session takes of a device that is made for this alone, or after one for another plan, whose filters are still there.
pub(super) fn alone(engine: &Engine, device: usize, planned: &Planned, after: Option<&Planned>) -> Memory {
    let plans: Vec<&Plan> = after.into_iter().chain([planned]).map(|planned| planned.on_device(device)).collect();
    let filters = engine.filter_bytes(&plans);
    let uploaded = if engine.uploads_filters() { filters } else { 0 };
    // What other sessions hand over.
    let is_target = |tensor| matches!(tensor, Tensor::Target(_) | Tensor::TargetMean(_));
    let targets = slots(planned.plan(), |tensor| is_target(tensor) && !planned.spill().holds(tensor));
    taken(engine, planned, device, filters, uploaded + targets)
}

/// What a session takes with filters of so many bytes, when so many more bytes are on their way to it.
fn taken(engine: &Engine, planned: &Planned, device: usize, filters: u64, arriving: u64) -> Memory {
    let executed = planned.on_device(device);
    let (buffers, largest_slot, scratch) = (executed.bytes(), executed.largest_slot(), engine.scratch_bytes(executed));
    let on_gpu = engine.uploads_filters();
    let memory = Memory { buffers, filters, scratch, largest_slot, ..Memory::default() };
    match planned {
        Planned::Whole(plan, _) if on_gpu => {
            Memory { staging: (arriving + picture_of(plan)).max(read(plan)), ..memory }
        }
        Planned::Whole(plan, spill) => {
            let disk = spill.bytes(plan);
            let buffers = buffers - disk;
            // What arrives comes before other buffers than its own are touched.
            let arrived = slots(plan, |tensor| matches!(tensor, Tensor::Target(_)));
            let staging = (arriving + picture_of(plan) + arrived).saturating_sub(buffers).max(pieces(planned));
            Memory { buffers, staging, disk, ..memory }
        }
        Planned::Windowed(windowed) => {
            let window = windowed.window_on(device);
            // A window's arrays go to the device in pieces, which a GPU's driver keeps until it is done. Meanwhile those of the next
            // window come, and what the one before made is read, and copied.
            let copies = window.slots.iter().filter(|slot| on_gpu && slot.persistent).map(|slot| match slot.tensor {
                Tensor::Image | Tensor::Target(_) => 2 * slot.bytes(),
                Tensor::ImageGradient | Tensor::Features(_) => 3 * slot.bytes(),
                _ => 0,
            });
            let under_way = copies.sum();
            // What arrives comes before the window's buffers are touched.
            let staging = (arriving + picture_of(window)).saturating_sub(buffers).max(under_way).max(pieces(planned));
            Memory { staging, host: windowed.in_memory(), disk: windowed.on_disk(), ..memory }
        }
    }
}

/// Bytes of the pieces that are in memory while an optimiser works on what is on the disk: of Adam five arrays, of L-BFGS the
/// direction and what is added up to it. Two are on their way to a window.
fn pieces(planned: &Planned) -> u64 {
    let (plan, spill) = (planned.plan(), planned.spill());
    let vector = (3 * size_of::<f32>() * plan.window.size.pixels()) as u64;
    let on_disk = |wanted| slots(plan, |tensor| tensor == wanted && spill.holds(tensor));
    let arrays = match planned {
        _ if on_disk(Tensor::LbfgsHistory) > 0 => 1 + on_disk(Tensor::LbfgsHistory) / vector,
        _ if on_disk(Tensor::AdamMean) > 0 => 5,
        Planned::Whole(..) => 0,
        Planned::Windowed(_) => 2,
    };
    arrays * vector.min((size_of::<u32>() * PIECE) as u64)
}

/// Bytes of the picture, which the host writes before the first routine.
fn picture_of(plan: &Plan) -> u64 {
    slots(plan, |tensor| tensor == Tensor::Image)
}

/// Bytes of what a features plan produces for terms to compare with.
fn targets(planned: &Planned) -> u64 {
    let (plan, spill) = (planned.plan(), planned.spill());
    let target = |tensor| matches!(tensor, Tensor::Features(_) | Tensor::Gram(..) | Tensor::Mean(..));
    plan.slots
        .iter()
        .filter(|slot| slot.persistent && target(slot.tensor) && !spill.holds(slot.tensor))
        .map(|slot| slot.bytes())
        .sum()
}

/// Bytes of the slots that are read from a GPU.
fn read(plan: &Plan) -> u64 {
    let pictures = slots(plan, |tensor| tensor == Tensor::Average) * PICTURES_UNDER_WAY;
    let small = |tensor| matches!(tensor, Tensor::LossRing | Tensor::LbfgsResults);
    // L-BFGS reads the picture itself when nothing else is under way.
    pictures.max(picture_of(plan)) + slots(plan, small)
}

fn slots(plan: &Plan, wanted: impl Fn(Tensor) -> bool) -> u64 {
    plan.slots.iter().filter(|slot| wanted(slot.tensor)).map(|slot| slot.bytes()).sum()
}

/// What is lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Memory in all. Drivers may continue with other memory, slowly.
    Memory,
    /// Bytes that the device binds at once: a session with a larger array is refused.
    Binding,
}

/// A picture takes more than there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What is lacking.
    pub lack: Lack,
    /// Name of the device.
    pub device: String,
    /// Size of the picture.
    pub size: Size,
    /// Bytes that painting it takes.
    pub needed: u64,
    /// Bytes that are available.
    pub available: u64,
    /// The largest long side, a multiple of 32 pixels, that takes no more; none if even the smallest does.
    pub fitting: Option<u32>,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage { lack, device, size, needed, available, fitting } = self;
        let (needed, available) = (needed.div_ceil(1 << 20), available >> 20);
        match lack {
            Lack::Memory => write!(
                f,
                "a picture of {size} takes {needed} MiB, but {device} has {available} MiB, so that it may be slow or fail"
            )?,
            Lack::Binding => write!(
                f,
                "a picture of {size} takes an array of {needed} MiB, but {device} handles at most {available} MiB in one \
                 piece, so that it will fail"
            )?,
        }
        match fitting {
            Some(long) => write!(f, ": a long side of {long} pixels fits"),
            None => f.write_str(": use another device"),
        }
    }
}

/// What to report before painting: that the device cannot bind an array, or that what may be taken is known and less than
/// painting takes.
///
/// # Errors
/// If a picture is too small for the layers, or there are none.
pub fn shortage(engine: &Engine, outline: &Outline, recipe: &Recipe) -> Result<Option<Shortage>, Reason> {
    shortage_of(None, engine, outline, recipe)
}

/// The first shortage of a device, with these bytes of memory instead of what there is.
fn shortage_of(
    bytes: Option<u64>,
    engine: &Engine,
    outline: &Outline,
    recipe: &Recipe,
) -> Result<Option<Shortage>, Reason> {
    for (needed, device) in memories(engine, outline, recipe)?.into_iter().zip(engine.devices()) {
        let available = bytes.or(device.available()).unwrap_or(u64::MAX);
        let (lack, needed, available) = match needed {
            Memory { largest_slot, .. } if largest_slot > device.largest_slot() => {
                (Lack::Binding, largest_slot, device.largest_slot())
            }
            _ if needed.on(&device) > available => (Lack::Memory, needed.on(&device), available),
            _ => continue,
        };
        let size = sizes(outline.content, recipe)?.pop().expect("there is at least one scale");
        let fitting = fitting_size(engine, outline, recipe, bytes);
        return Ok(Some(Shortage { lack, device: device.name().to_owned(), size, needed, available, fitting }));
    }
    Ok(None)
}

/// A long side to try instead, after an error that a smaller picture may avoid: one that takes no more memory than
/// there is or, if that is unknown or was not the cause, half as much.
pub fn smaller_size(engine: &Engine, outline: &Outline, recipe: &Recipe, error: &BackendError) -> Option<u32> {
    let bytes = match error {
        BackendError::TensorTooLarge { .. } => u64::MAX,
        BackendError::OutOfMemory { .. } => {
            let needed = memory(engine, outline, recipe).ok()?.on(engine);
            engine.available().filter(|memory| *memory < needed).unwrap_or(needed / 2)
        }
        _ => return None,
    };
    fitting_size(engine, outline, recipe, Some(bytes))
}

/// The largest long side, a multiple of [`STEP`] below the recipe's, at which painting takes at most this many bytes of each
/// device, or what it has, and every slot can be bound.
fn fitting_size(engine: &Engine, outline: &Outline, recipe: &Recipe, bytes: Option<u64>) -> Option<u32> {
    let devices = engine.devices();
    let taken = |long: u32| memories(engine, outline, &Recipe { size: long, ..recipe.clone() });
    let limit = |device: &Engine| bytes.or(device.available()).unwrap_or(u64::MAX);
    // A picture too small for the layers is not too large, but it is no suggestion either.
    let fits = |long: u32| {
        taken(long).map_or(true, |memories| {
            memories.iter().zip(&devices).all(|(memory, device)| memory.fits(device, limit(device)))
        })
    };
    // Bisects between a multiple that fits and one that does not until they are neighbours.
    let (mut fitting, mut failing) = (0, recipe.size.div_ceil(STEP));
    while failing - fitting > 1 {
        let middle = fitting.midpoint(failing);
        if fits(middle * STEP) {
            fitting = middle;
        } else {
            failing = middle;
        }
    }
    Some(fitting * STEP).filter(|&long| long > 0 && taken(long).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Device,
        weights::{Filters, Normalisation, Origin},
    };
    use std::sync::Arc;

    const PHOTOGRAPH: Size = Size { width: 3000, height: 2001 };
    const PAINTING: Size = Size { width: 900, height: 1100 };

    fn engine() -> Engine {
        let none = Filters { origin: Origin::Network, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
        Engine::new(&Device::Cpu(None), Arc::new(none)).unwrap()
    }

    fn outline(painting: Size) -> Outline {
        Outline::simple(PHOTOGRAPH, painting, &Recipe::default())
    }

    fn taken(long: u32) -> u64 {
        memory(&engine(), &outline(PAINTING), &Recipe { size: long, ..Recipe::default() }).unwrap().on(&engine())
    }

    fn shortage_at(long: u32, bytes: u64) -> Option<Shortage> {
        shortage_of(Some(bytes), &engine(), &outline(PAINTING), &Recipe { size: long, ..Recipe::default() }).unwrap()
    }

    #[test]
    fn what_fits_is_not_mentioned_and_what_does_not_comes_with_the_largest_size_that_does() {
        let available = taken(800);
        assert_eq!(shortage_at(800, available), None);
        for long in [801, 1333, 3000] {
            let shortage = shortage_at(long, available).unwrap();
            assert_eq!((shortage.lack, shortage.fitting, shortage.needed), (Lack::Memory, Some(800), taken(long)));
        }
        let text = shortage_at(1333, available - 1).unwrap().to_string();
        let numbers = format!("takes {} MiB, but CPU has {} MiB", taken(1333).div_ceil(1 << 20), (available - 1) >> 20);
        assert!(text.starts_with("a picture of 1333x889 ") && text.contains(&numbers), "{text}");
        assert!(text.ends_with(": a long side of 768 pixels fits"), "{text}");
    }

    #[test]
    fn where_nothing_fits_another_device_is_suggested() {
        let text = shortage_at(640, 1 << 20).unwrap().to_string();
        assert!(text.ends_with(": use another device"), "{text}");
    }

    #[test]
    fn after_a_lack_of_memory_half_as_much_is_suggested() {
        let recipe = Recipe { size: 1600, ..Recipe::default() };
        let suggest = |error| smaller_size(&engine(), &outline(PAINTING), &recipe, &error);
        let device = || "CPU".to_owned();
        let long = suggest(BackendError::OutOfMemory { device: device(), needed: 1 }).unwrap();
        let budget = engine().memory().filter(|memory| *memory < taken(1600)).unwrap_or(taken(1600) / 2);
        assert!(taken(long) <= budget && taken(long + STEP) > budget, "{long}");
        assert_eq!(suggest(BackendError::DeviceLost { device: device(), reason: String::new() }), None);
    }

    #[test]
    fn a_painting_four_times_as_large_decides_how_much_is_taken() {
        let engine = engine();
        let painting = |long: u32| {
            let recipe = Recipe { size: long, style_scales: vec![4.0], ..Recipe::default() };
            let large = Outline::simple(PHOTOGRAPH, Size { width: 4000, height: 3000 }, &recipe);
            let peak = memory(&engine, &large, &recipe).unwrap();
            let plans = ScalePlans::last(&engine, &large, &recipe).unwrap();
            (
                peak.buffers,
                plans.targets.iter().map(|target| target.plan().bytes()).max(),
                plans.iteration.plan().bytes(),
            )
        };
        let (peak, targets, iteration) = painting(512);
        assert!(Some(peak) == targets && peak > iteration, "{peak} {targets:?} {iteration}");
    }
}
