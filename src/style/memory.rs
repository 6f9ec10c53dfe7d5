//! What painting takes of the memory, known before anything is allocated: plans are data.

use super::{
    recipe::Recipe,
    stylize::{Reason, first_precision, sizes, style_size},
    targets::network,
};
use crate::{
    BackendError, Engine,
    plan::{self, Plan, Size, Tensor, Wanted},
};
use std::fmt;

/// Pictures of the moment that are on their way to the host at the same time at most: two looks at the losses are waited
/// for and a third is asked for.
const PICTURES_UNDER_WAY: u64 = 3;
/// Sizes that are suggested are multiples of so many pixels.
const STEP: u32 = 32;

/// The plans of one scale, in the order in which their sessions live. No two of them live at once.
#[derive(Clone, Debug)]
pub struct ScalePlans {
    /// Size of the picture.
    pub size: Size,
    /// Size of the painting.
    pub style: Size,
    /// How many scales there are.
    pub scales: usize,
    /// For the targets of the photograph and of the painting, where there are losses that want them.
    pub targets: Vec<Plan>,
    /// For the picture itself.
    pub iteration: Plan,
}

impl ScalePlans {
    /// The plans for the last scale of a recipe: the ones that [`super::stylize`] makes for pictures of these sizes.
    ///
    /// # Errors
    /// If a picture is too small for the layers, or there are none.
    pub fn last(engine: &Engine, content: Size, style: Size, recipe: &Recipe) -> Result<ScalePlans, Reason> {
        let scales = sizes(content, recipe)?;
        ScalePlans::new(engine, &scales, scales.len() - 1, style, recipe)
    }

    fn new(engine: &Engine, scales: &[Size], index: usize, style: Size, recipe: &Recipe) -> Result<ScalePlans, Reason> {
        let size = scales[index];
        let style = style_size(style, size, recipe);
        let losses = recipe.losses();
        let precision = first_precision(engine, recipe);
        let seen = |size| network(engine, precision, size, recipe.border, recipe.pooling);
        let content = Wanted { features: losses.content.clone(), grams: Vec::new() };
        let painting = Wanted { features: Vec::new(), grams: losses.style.clone() };
        let mut targets = Vec::new();
        if !content.features.is_empty() {
            targets.push(plan::features(&seen(size), &content).map_err(Reason::Content)?);
        }
        if !painting.grams.is_empty() {
            targets.push(plan::features(&seen(style), &painting).map_err(Reason::Style)?);
        }
        let iteration = plan::iteration(&seen(size), &losses, recipe.optimizer()).map_err(Reason::Content)?;
        Ok(ScalePlans { size, style, scales: scales.len(), targets, iteration })
    }

    fn into_plans(self) -> impl Iterator<Item = Plan> {
        self.targets.into_iter().chain([self.iteration])
    }
}

/// Bytes that are taken at the moment when most are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The buffers of the plan that is executed.
    pub buffers: u64,
    /// The filters, in all forms that are there by then.
    pub filters: u64,
    /// What is on its way between host and device: filters and targets there, or results back. On a GPU with memory of
    /// its own this is the host's.
    pub staging: u64,
    /// The largest slot, whenever it is there.
    pub largest_slot: u64,
}

impl Memory {
    /// All of it.
    pub fn bytes(&self) -> u64 {
        self.buffers + self.filters + self.staging
    }

    /// Whether it keeps to so many bytes in all and to so many in one slot.
    fn fits(&self, bytes: u64, slot: u64) -> bool {
        self.bytes() <= bytes && self.largest_slot <= slot
    }
}

/// What painting takes at its peak, for pictures of these sizes. Nothing is allocated, and no filters need be loaded.
///
/// # Errors
/// If a picture is too small for the layers, or there are none.
pub fn memory(engine: &Engine, content: Size, style: Size, recipe: &Recipe) -> Result<Memory, Reason> {
    let mut plans: Vec<Plan> = Vec::new();
    let (mut peak, mut present, mut largest_slot) = (Memory::default(), 0, 0);
    let scales = sizes(content, recipe)?;
    for index in 0..scales.len() {
        for plan in ScalePlans::new(engine, &scales, index, style, recipe)?.into_plans() {
            plans.push(plan);
            let (filters, plan) = (engine.filter_bytes(&plans), &plans[plans.len() - 1]);
            let uploaded = if engine.uploads_filters() { filters - present } else { 0 };
            let staging = (uploaded + written(plan)).max(read(plan));
            largest_slot = largest_slot.max(plan.largest_slot());
            let now = Memory { buffers: plan.bytes(), filters, staging, largest_slot };
            peak = if now.bytes() > peak.bytes() { now } else { peak };
            present = filters;
        }
    }
    Ok(Memory { largest_slot, ..peak })
}

/// Bytes of the slots that the host fills before the first routine.
fn written(plan: &Plan) -> u64 {
    let filled = |tensor| matches!(tensor, Tensor::Image | Tensor::ContentTarget(_) | Tensor::StyleTarget(_));
    slots(plan, filled)
}

/// Bytes of the slots that the host reads, each as often as it may be under way.
fn read(plan: &Plan) -> u64 {
    let pictures = slots(plan, |tensor| tensor == Tensor::Average) * PICTURES_UNDER_WAY;
    let small = |tensor| matches!(tensor, Tensor::LossRing | Tensor::LbfgsResults);
    if plan.find(Tensor::LossRing).is_some() {
        // L-BFGS reads the picture itself, when nothing else is under way.
        return pictures.max(slots(plan, |tensor| tensor == Tensor::Image)) + slots(plan, small);
    }
    let target = |tensor| matches!(tensor, Tensor::Features(_) | Tensor::Gram(_));
    plan.slots.iter().filter(|slot| slot.persistent && target(slot.tensor)).map(|slot| slot.bytes()).sum()
}

fn slots(plan: &Plan, wanted: impl Fn(Tensor) -> bool) -> u64 {
    plan.slots.iter().filter(|slot| wanted(slot.tensor)).map(|slot| slot.bytes()).sum()
}

/// A picture takes more memory than there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Name of the device.
    pub device: String,
    /// Size of the picture.
    pub size: Size,
    /// Bytes that painting it takes.
    pub needed: u64,
    /// Bytes that the device has.
    pub memory: u64,
    /// The largest long side, a multiple of 32 pixels, that takes no more; none if even the smallest does.
    pub fitting: Option<u32>,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage { device, size, needed, memory, fitting } = self;
        let (needed, memory) = (needed.div_ceil(1 << 20), memory >> 20);
        write!(
            f,
            "a picture of {size} takes {needed} MiB, but {device} has {memory} MiB, so that it may be slow or fail: "
        )?;
        match fitting {
            Some(long) => write!(f, "--size {long} fits"),
            None => f.write_str("use another --device"),
        }
    }
}

/// What to say before painting if the device's memory is known and less than it takes.
///
/// # Errors
/// If a picture is too small for the layers, or there are none.
pub fn shortage(engine: &Engine, content: Size, style: Size, recipe: &Recipe) -> Result<Option<Shortage>, Reason> {
    let Some(memory) = engine.memory() else { return Ok(None) };
    shortage_of(memory, engine, content, style, recipe)
}

fn shortage_of(
    available: u64,
    engine: &Engine,
    content: Size,
    style: Size,
    recipe: &Recipe,
) -> Result<Option<Shortage>, Reason> {
    let needed = memory(engine, content, style, recipe)?.bytes();
    if needed <= available {
        return Ok(None);
    }
    let size = sizes(content, recipe)?.pop().expect("there is at least one scale");
    let fitting = fitting_size(engine, content, style, recipe, available);
    Ok(Some(Shortage { device: engine.name().to_owned(), size, needed, memory: available, fitting }))
}

/// A long side to try instead, after an error that a smaller picture may avoid: one that takes no more than there is, or
/// where that is not known or was not the cause, half as much.
pub fn smaller_size(engine: &Engine, content: Size, style: Size, recipe: &Recipe, error: &BackendError) -> Option<u32> {
    let bytes = match error {
        BackendError::TensorTooLarge { .. } => u64::MAX,
        BackendError::OutOfMemory { .. } => {
            let needed = memory(engine, content, style, recipe).ok()?.bytes();
            engine.memory().filter(|memory| *memory < needed).unwrap_or(needed / 2)
        }
        _ => return None,
    };
    fitting_size(engine, content, style, recipe, bytes)
}

/// The largest long side, a multiple of [`STEP`] below the recipe's, at which painting takes no more than so many bytes
/// and every slot can be bound.
fn fitting_size(engine: &Engine, content: Size, style: Size, recipe: &Recipe, bytes: u64) -> Option<u32> {
    let taken = |long: u32| memory(engine, content, style, &Recipe { size: long, ..recipe.clone() });
    // What is too small for the layers is not too large, but no suggestion either.
    let fits = |long: u32| taken(long).map_or(true, |memory| memory.fits(bytes, engine.largest_slot()));
    // Between a multiple that fits and one that does not, halved until they are neighbours.
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
