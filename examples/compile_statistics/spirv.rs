//! WGSL to SPIR-V with the options that wgpu uses for unchecked shaders.

use crate::pipelines::Pipeline;
use impasto::gpu::SHADERS;
use naga::{
    AddressSpace, ShaderStage,
    back::{pipeline_constants::process_overrides, spv},
    proc::{BoundsCheckPolicies, BoundsCheckPolicy},
    valid::{Capabilities, ValidationFlags, Validator},
};
use std::error::Error;

/// An entry point with its constants in place.
pub struct Shader {
    pub code: Vec<u32>,
    pub entry: &'static str,
    /// Of each bind group the number of each binding, and whether it is a uniform (else a storage buffer).
    pub groups: Vec<Vec<(u32, bool)>>,
}

pub fn compile(pipeline: &Pipeline) -> Result<Shader, Box<dyn Error>> {
    let shader = SHADERS.iter().find(|shader| shader.name == pipeline.shader).ok_or("there is no such shader")?;
    let module = naga::front::wgsl::parse_str(shader.source(pipeline.precision))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module)?;
    let constants = pipeline.constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let entry = (ShaderStage::Compute, pipeline.entry);
    let (module, info) = process_overrides(&module, &info, Some(entry), &constants)?;
    let unchecked = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: unchecked,
            buffer: unchecked,
            image_load: unchecked,
            binding_array: unchecked,
        },
        // naga's default clears workgroup memory by one store of the whole array, with which RADV compiles for 10 to 40 s.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: false,
        emit_int_div_checks: false,
        ..spv::Options::default()
    };
    let stage = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: pipeline.entry.to_owned() };
    let code = spv::write_vec(&module, &info, &options, Some(&stage))?;
    let mut groups: Vec<Vec<(u32, bool)>> = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(naga::ResourceBinding { group, binding }) = variable.binding else { continue };
        groups.resize(groups.len().max(group as usize + 1), Vec::new());
        groups[group as usize].push((binding, variable.space == AddressSpace::Uniform));
    }
    Ok(Shader { code, entry: pipeline.entry, groups })
}
