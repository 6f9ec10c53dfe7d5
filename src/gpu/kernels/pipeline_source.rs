//! What a session would compile for a plan, without a device.

use super::{Dispatch, SHADERS, lower, lower_all};
use crate::{
    gpu::{Abilities, Conv3x3Variant},
    plan::{Plan, Precision},
};

/// What a pipeline is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineSource {
    /// Name of the shader, see [`super::SHADERS`].
    pub shader: &'static str,
    /// How the feature maps that it reads and writes are stored.
    pub precision: Precision,
    /// The entry point.
    pub entry: &'static str,
    /// Override constants; the others keep the values that stand in the shader.
    pub constants: Vec<(&'static str, f64)>,
}

/// The pipelines of a plan's session on a device with these abilities, with steps fused and one by one; some come more than
/// once.
pub fn pipeline_sources(plan: &Plan, abilities: Abilities, asked: Option<Conv3x3Variant>) -> Vec<PipelineSource> {
    let fused = lower_all(plan, abilities, |_| asked).into_iter();
    let single = plan.steps.iter().map(|step| lower(plan, step, abilities, asked));
    let dispatches = fused.chain(single).flat_map(|(dispatches, _)| dispatches);
    dispatches.map(PipelineSource::of).collect()
}

impl PipelineSource {
    fn of(Dispatch { shader, precision, entry, constants, .. }: Dispatch) -> PipelineSource {
        // A shader that does not work on stored maps is the same in every precision.
        let texts = SHADERS.iter().find(|other| other.name == shader).map_or(&[] as &[Precision], |s| s.precisions());
        let precision = if texts.contains(&precision) { precision } else { Precision::F32 };
        PipelineSource { shader, precision, entry, constants }
    }
}
