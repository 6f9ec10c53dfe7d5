//! What a session would compile for a plan, without a device.

use super::{Dispatch, SHADERS, lower, possible_tasks};
use crate::{
    gpu::Abilities,
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
    /// Override constants; the others keep the shader's values.
    pub constants: Vec<(&'static str, f64)>,
}

/// Every pipeline that a session for a plan may use on a device with these abilities, whatever the settings and the
/// size of the pictures: for each step, alone and with its neighbour, each kernel with each set of constants. Some
/// occur more than once.
pub fn pipeline_sources(plan: &Plan, abilities: Abilities) -> Vec<PipelineSource> {
    let tasks = possible_tasks(plan, abilities);
    let dispatches = tasks.iter().flat_map(|task| lower(plan, task).0);
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
