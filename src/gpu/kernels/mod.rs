//! From steps to dispatches: shader, bindings, number of workgroups. Plain data; nothing here touches a device.

mod adam;
mod choice;
mod conv3x3;
mod copy_vector;
mod forced;
mod fusion;
mod gram;
mod lbfgs;
mod losses;
mod matrices;
mod network_input;
mod params;
mod pipeline_source;
mod pool;
mod probe;
#[cfg(test)]
mod reflection;
mod shaders;
mod sum_of_squares;
mod variants;
mod wrap_halo;

pub use choice::{Choice, WorkShape};
pub use forced::{ForcedVariants, UnknownVariant};
pub use fusion::Task;
pub use params::Params;
pub use pipeline_source::{PipelineSource, pipeline_sources};
pub use probe::{
    ARITHMETIC_GROUP, ARITHMETIC_GROUP_FLOPS, COOPERATIVE_GROUP_BYTES, COOPERATIVE_GROUP_FLOPS, probe_arithmetic,
    probe_bandwidth, probe_cooperative,
};
pub use shaders::{SHADERS, Shader};
pub use variants::{Kernel, OPERATIONS, Operation, Tile, Variant};

use self::{fusion::Work, params::Uniform};
use super::{Abilities, FilterForm};
use crate::{
    plan::{Cost, Destination, Plan, Precision, SlotId, Step},
    vgg19::Layer,
};

/// What a shader's binding refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// An array of the plan.
    Slot(SlotId),
    /// Filters of a layer.
    Filters(Layer, FilterForm),
    /// Biases of a layer.
    Bias(Layer),
    /// Declared by the shader, but not used by this variant of it.
    Unused,
}

impl Binding {
    fn optional(slot: Option<SlotId>) -> Binding {
        slot.map_or(Binding::Unused, Binding::Slot)
    }
}

/// One kernel launch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Name of the shader, see [`SHADERS`].
    pub shader: &'static str,
    /// How feature maps and filters are stored.
    pub precision: Precision,
    /// Its entry point.
    pub entry: &'static str,
    /// Its override constants.
    pub constants: Vec<(&'static str, f64)>,
    /// The uniform at binding 0.
    pub params: Params,
    /// The other binding numbers and what is bound there.
    pub bindings: Vec<(u32, Binding)>,
    /// Its workgroups.
    pub groups: Groups,
}

/// How many workgroups a dispatch has, all along x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// One: the entry point relies on that and does not use `launch`.
    Single,
    /// This many, at least one, which may be launched in pieces: the entry point reads its place from `launch` (see
    /// `shared/launch.wgsl`).
    Many(u32),
}

impl Dispatch {
    /// A launch of this many workgroups of an entry point.
    fn new(shader: &'static str, entry: &'static str, params: &impl Uniform, groups: usize) -> Dispatch {
        // Larger pictures are worked on in windows: what a kernel binds has fewer than 2^32 values, of which a workgroup takes
        // at least 8.
        let groups = u32::try_from(groups).expect("workgroups of the largest array fit 32 bits");
        Dispatch { groups: Groups::Many(groups), ..Dispatch::single(shader, entry, params) }
    }

    /// A launch of an entry point that is made for a single workgroup.
    fn single(shader: &'static str, entry: &'static str, params: &impl Uniform) -> Dispatch {
        Dispatch {
            shader,
            precision: Precision::F32,
            entry,
            constants: Vec::new(),
            params: Params::new(params),
            bindings: Vec::new(),
            groups: Groups::Single,
        }
    }

    fn slot(self, number: u32, slot: SlotId) -> Dispatch {
        self.bind(number, Binding::Slot(slot))
    }

    fn bind(mut self, number: u32, binding: Binding) -> Dispatch {
        self.bindings.push((number, binding));
        self
    }

    fn constants(mut self, tile: &Tile) -> Dispatch {
        self.constants.extend(tile.constants.iter().map(|&(name, value)| (name, f64::from(value))));
        self
    }

    fn flag(mut self, name: &'static str, value: bool) -> Dispatch {
        self.constants.push((name, f64::from(u8::from(value))));
        self
    }

    /// Output, mask and flags of a backward kernel.
    fn destination(self, into: Destination, output: u32, mask: u32) -> Dispatch {
        self.slot(output, into.output.slot)
            .bind(mask, Binding::optional(into.mask))
            .flag("ACCUMULATE", into.accumulate)
            .flag("WITH_MASK", into.mask.is_some())
    }
}

/// The tasks that carry out a plan on a device, with neighbours in one kernel where one does both. `asked` gives the
/// variant to use for a step where it can do the work.
pub fn tasks(plan: &Plan, abilities: Abilities, asked: impl Fn(&Step) -> Option<Variant>) -> Vec<Task<'_>> {
    let choose =
        |step: &Step| WorkShape::of(step, plan.precision).choose(asked(step), abilities, |choice| groups(step, choice));
    let choices: Vec<Choice> = plan.steps.iter().map(choose).collect();
    fusion::fuse(plan, &choices, abilities)
}

/// Every task that any setting makes of a plan's steps on a device, whatever the size of the pictures: each step, and
/// each pair that one kernel can do, with every choice.
pub fn possible_tasks(plan: &Plan, abilities: Abilities) -> Vec<Task<'_>> {
    let alone = plan.steps.iter().enumerate().map(|(first, step)| {
        let shape = WorkShape::of(step, plan.precision);
        (first, Work::Step(step), shape)
    });
    let works = alone.chain(fusion::pairs(plan));
    let by_choice = |(first, work, shape): (usize, _, WorkShape)| {
        shape.choices(abilities).into_iter().map(move |choice| Task { first, work, choice })
    };
    works.flat_map(by_choice).collect()
}

/// The workgroups that a choice gives a step, where they depend on the choice.
fn groups(step: &Step, choice: Choice) -> usize {
    match step {
        Step::Conv3x3(step) => conv3x3::groups(step, choice),
        Step::Conv3x3Backward(step) => conv3x3::groups_backward(step, choice),
        Step::Gram(step) => gram::groups(step, choice),
        Step::GramBackward(step) => gram::groups_backward(step, choice),
        _ => 1,
    }
}

/// The launches of each step of a plan, and their cost. Those of a task of two steps are listed at the first.
pub fn lower_all(plan: &Plan, tasks: &[Task<'_>]) -> Vec<(Vec<Dispatch>, Cost)> {
    let mut steps = vec![(Vec::new(), Cost::default()); plan.steps.len()];
    for task in tasks {
        steps[task.first] = lower(plan, task);
    }
    steps
}

/// The launches that carry out a task, in order, and its cost.
pub fn lower(plan: &Plan, task: &Task<'_>) -> (Vec<Dispatch>, Cost) {
    let choice = task.choice;
    let mut dispatches = match task.work {
        Work::Step(step) => lower_step(step, choice),
        Work::NetworkInputBackwardTotalVariation(network, variation) => {
            losses::total_variation(variation, Some(network))
        }
        Work::Conv3x3MaxPool(conv3x3, pool) => vec![conv3x3::conv3x3_max_pool(conv3x3, pool, choice)],
    };
    // The only operation that works on both stored values and matrices, which are always f32.
    let precision = match task.work {
        Work::Step(Step::SumOfSquares(step)) => plan.precision_of(step.values),
        _ => plan.precision,
    };
    dispatches.iter_mut().for_each(|dispatch| dispatch.precision = precision);
    (dispatches, plan.steps[task.steps()].iter().map(|step| plan.cost(step)).sum())
}

fn lower_step(step: &Step, choice: Choice) -> Vec<Dispatch> {
    match step {
        Step::NetworkInput(step) => vec![network_input::network_input(step)],
        Step::NetworkInputBackward(step) => vec![network_input::network_input_backward(step)],
        Step::Conv3x3(step) => vec![conv3x3::conv3x3(step, choice)],
        Step::Conv3x3Backward(step) => vec![conv3x3::conv3x3_backward(step, choice)],
        Step::MaxPool(step) => vec![pool::max_pool(step)],
        Step::MaxPoolBackward(step) => vec![pool::max_pool_backward(step)],
        Step::AveragePool(step) => vec![pool::average_pool(step)],
        Step::AveragePoolBackward(step) => vec![pool::average_pool_backward(step)],
        Step::Gram(step) => gram::gram(step, choice),
        Step::GramBackward(step) => vec![gram::gram_backward(step, choice)],
        Step::ChannelMean(step) => gram::channel_mean(step),
        Step::SumOfSquares(step) => sum_of_squares::sum_of_squares(step),
        Step::Covariance(step) => vec![matrices::covariance(step)],
        Step::MatrixProduct(step) => vec![matrices::matrix_product(step)],
        Step::Cholesky(step) => matrices::cholesky(step),
        Step::PolarFactors(step) => vec![matrices::polar_factors(step)],
        Step::GramLoss(step) => losses::gram_loss(step),
        Step::MomentsLoss(step) => losses::moments_loss(step),
        Step::WassersteinLoss(step) => losses::wasserstein_loss(step),
        Step::ContentLoss(step) => losses::content_loss(step),
        Step::TotalVariation(step) => losses::total_variation(step, None),
        Step::EdgeLoss(step) => losses::edge_loss(step),
        Step::FreezePixels(step) => vec![losses::freeze_pixels(step)],
        Step::WrapHalo(step) => vec![wrap_halo::wrap_halo(step)],
        Step::RecordLosses(step) => vec![losses::record_losses(step)],
        Step::Adam(step) => adam::adam(step),
        Step::LbfgsUpdate(step) => vec![lbfgs::lbfgs_update(step)],
        Step::LbfgsDots(step) => lbfgs::lbfgs_dots(step),
        Step::LbfgsDirection(step) => vec![lbfgs::lbfgs_direction(step)],
        Step::LbfgsTrial(step) => vec![lbfgs::lbfgs_trial(step)],
        Step::LbfgsScalars(step) => lbfgs::lbfgs_scalars(step),
        Step::CopyVector(step) => vec![copy_vector::copy_vector(step)],
    }
}
