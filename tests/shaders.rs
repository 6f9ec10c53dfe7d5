//! Every shader parses, passes naga's validation, and translates to SPIR-V (Vulkan), MSL (Metal) and HLSL (DX12), so that
//! back ends that this machine does not have are checked too.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use naga::{
    back::{self, PipelineConstants},
    valid::{Capabilities, ModuleInfo, ValidationFlags, Validator},
};

fn parse(shader: &impasto::gpu::Shader) -> (naga::Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(shader.source)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(shader.source, shader.name)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {error:?}", shader.name));
    (module, info)
}

/// Each entry point with all flags off and all on.
fn each_entry_point(test: impl Fn(&str, &naga::Module, &ModuleInfo, &str)) {
    assert!(!impasto::gpu::SHADERS.is_empty());
    for shader in impasto::gpu::SHADERS {
        let (module, info) = parse(shader);
        assert!(!module.entry_points.is_empty(), "{}", shader.name);
        for value in [0.0, 1.0] {
            let mut constants = PipelineConstants::default();
            for (_, constant) in module.overrides.iter() {
                constants.insert(constant.name.clone().unwrap(), value);
            }
            for entry in &module.entry_points {
                let entry_point = Some((naga::ShaderStage::Compute, entry.name.as_str()));
                let (module, info) =
                    back::pipeline_constants::process_overrides(&module, &info, entry_point, &constants).unwrap();
                test(shader.name, &module, &info, &entry.name);
            }
        }
    }
}

#[test]
fn every_file_in_the_shader_folder_is_in_the_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "shared")
        .collect();
    files.sort();
    let table: Vec<String> = impasto::gpu::SHADERS.iter().map(|shader| format!("{}.wgsl", shader.name)).collect();
    assert_eq!(files, table);
}

#[test]
fn shaders_become_spirv() {
    each_entry_point(|shader, module, info, entry| {
        let options = back::spv::Options::default();
        let pipeline =
            back::spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: entry.to_owned() };
        let words = back::spv::write_vec(module, info, &options, Some(&pipeline)).unwrap();
        assert_eq!(words[0], 0x0723_0203, "{shader}");
    });
}

#[test]
fn shaders_become_msl() {
    each_entry_point(|shader, module, info, entry| {
        let options = back::msl::Options { fake_missing_bindings: true, ..Default::default() };
        let pipeline = back::msl::PipelineOptions {
            entry_point: Some((naga::ShaderStage::Compute, entry.to_owned())),
            ..Default::default()
        };
        let (text, _) = back::msl::write_string(module, info, &options, &pipeline).unwrap();
        assert!(text.contains("kernel void"), "{shader}");
    });
}

#[test]
fn shaders_become_hlsl() {
    each_entry_point(|shader, module, info, entry| {
        let options = back::hlsl::Options::default();
        let pipeline =
            back::hlsl::PipelineOptions { entry_point: Some((naga::ShaderStage::Compute, entry.to_owned())) };
        let mut text = String::new();
        back::hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).unwrap();
        assert!(text.contains("numthreads"), "{shader}");
    });
}
