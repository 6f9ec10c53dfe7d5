//! From steps to dispatches: which shader, what is bound, how many workgroups. Plain data; nothing here touches a
//! device.

mod adam;
mod conv3x3;
mod copy_vector;
mod fusion;
mod gram;
mod lbfgs;
mod losses;
mod network_input;
mod params;
mod pipeline_source;
mod pool;
mod probe;
#[cfg(test)]
mod reflection;
mod shaders;

pub use conv3x3::{Conv3x3Variant, UnknownVariant};
pub use params::Params;
pub use pipeline_source::{PipelineSource, pipeline_sources};
pub use probe::{
    ARITHMETIC_GROUP, ARITHMETIC_GROUP_FLOPS, COOPERATIVE_GROUP_BYTES, COOPERATIVE_GROUP_FLOPS, probe_arithmetic,
    probe_bandwidth, probe_cooperative,
};
pub use shaders::{SHADERS, Shader};

use self::{fusion::Work, params::Uniform};
use super::{Abilities, FilterForm};
use crate::{
    plan::{Cost, Destination, Plan, Precision, SlotId, Step},
    vgg19::Layer,
};

/// What stands behind a binding of a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// An array of the plan.
    Slot(SlotId),
    /// Filters of a layer.
    Filters(Layer, FilterForm),
    /// Biases of a layer.
    Bias(Layer),
    /// Declared by the shader, not touched by this variant of it.
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
    /// What stands at binding 0.
    pub params: Params,
    /// Binding number and what stands there.
    pub bindings: Vec<(u32, Binding)>,
    /// Its workgroups.
    pub groups: Groups,
}

/// How many workgroups a dispatch has, all along x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// One, which knows that it is alone: the entry point does not use `launch`.
    Single,
    /// As many as this, at least one, which may be launched in pieces: the entry point asks `launch` (see
    /// `shared/launch.wgsl`) where it stands.
    Many(u32),
}

impl Dispatch {
    /// A launch of so many workgroups of an entry point.
    fn new(shader: &'static str, entry: &'static str, params: &impl Uniform, groups: usize) -> Dispatch {
        // The largest pictures have 2^28 pixels (picture::MAX_PIXELS) and kernels take at least 8 values a workgroup.
        let groups = u32::try_from(groups).expect("workgroups of the largest picture fit 32 bits");
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

/// What [`lower`] makes of each step of a plan, but with neighbours in one launch where a kernel does both. Their launches
/// stand at the first of the two.
pub fn lower_all(
    plan: &Plan,
    abilities: Abilities,
    asked: impl Fn(&Step) -> Option<Conv3x3Variant>,
) -> Vec<(Vec<Dispatch>, Cost)> {
    let variant = |step| Conv3x3Variant::of_step(step, plan.precision, abilities, asked(step));
    let variants: Vec<_> = plan.steps.iter().map(variant).collect();
    let works = fusion::fuse(plan, &variants);
    let lower_work = |(index, work)| {
        let mut dispatches = match work {
            Work::Step(step) => return lower(plan, step, abilities, asked(step)),
            Work::Done => return (Vec::new(), Cost::default()),
            Work::NetworkInputBackwardTotalVariation(network, variation) => {
                losses::total_variation(variation, Some(network))
            }
            Work::Conv3x3MaxPool(conv3x3, pool) => {
                vec![conv3x3::conv3x3_max_pool(conv3x3, pool, plan.precision, abilities)]
            }
        };
        dispatches.iter_mut().for_each(|dispatch| dispatch.precision = plan.precision);
        (dispatches, plan.steps[index..=index + 1].iter().map(|step| plan.cost(step)).sum())
    };
    works.into_iter().enumerate().map(lower_work).collect()
}

/// The launches that carry out a step by itself on a device, in order, and the step's cost. `asked` is taken for
/// convolutions where it can do them, and its relative for Gram products.
pub fn lower(plan: &Plan, step: &Step, abilities: Abilities, asked: Option<Conv3x3Variant>) -> (Vec<Dispatch>, Cost) {
    let mut dispatches = match step {
        Step::NetworkInput(step) => vec![network_input::network_input(step)],
        Step::NetworkInputBackward(step) => vec![network_input::network_input_backward(step)],
        Step::Conv3x3(step) => vec![conv3x3::conv3x3(step, plan.precision, abilities, asked)],
        Step::Conv3x3Backward(step) => {
            vec![conv3x3::conv3x3_backward(step, plan.precision, abilities, asked)]
        }
        Step::MaxPool(step) => vec![pool::max_pool(step)],
        Step::MaxPoolBackward(step) => vec![pool::max_pool_backward(step)],
        Step::AveragePool(step) => vec![pool::average_pool(step)],
        Step::AveragePoolBackward(step) => vec![pool::average_pool_backward(step)],
        Step::Gram(step) => gram::gram(step, plan.precision, abilities, asked),
        Step::GramBackward(step) => vec![gram::gram_backward(step, plan.precision, abilities, asked)],
        Step::StyleLoss(step) => losses::style_loss(step),
        Step::ContentLoss(step) => losses::content_loss(step),
        Step::TotalVariation(step) => losses::total_variation(step, None),
        Step::RecordLosses(step) => vec![losses::record_losses(step)],
        Step::Adam(step) => adam::adam(step),
        Step::LbfgsUpdate(step) => vec![lbfgs::lbfgs_update(step)],
        Step::LbfgsDots(step) => lbfgs::lbfgs_dots(step),
        Step::LbfgsDirection(step) => vec![lbfgs::lbfgs_direction(step)],
        Step::LbfgsTrial(step) => vec![lbfgs::lbfgs_trial(step)],
        Step::LbfgsScalars(step) => lbfgs::lbfgs_scalars(step),
        Step::CopyVector(step) => vec![copy_vector::copy_vector(step)],
    };
    dispatches.iter_mut().for_each(|dispatch| dispatch.precision = plan.precision);
    (dispatches, plan.cost(step))
}
