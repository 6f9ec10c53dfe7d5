//! Every shader parses, passes naga's validation, and translates to SPIR-V (Vulkan), MSL (Metal) and HLSL (DX12), so
//! that back ends missing on this machine are checked too.

use impasto::{
    gpu::{SHADERS, Shader},
    plan::Precision,
};
use naga::{
    back::{self, PipelineConstants},
    valid::{Capabilities, ModuleInfo, ValidationFlags, Validator},
};

fn parse(shader: &Shader, precision: Precision) -> (naga::Module, ModuleInfo) {
    let source = shader.source(precision);
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string_with_path(source, shader.name)));
    let mut capabilities = match precision {
        Precision::F32 => Capabilities::empty(),
        Precision::F16 => Capabilities::SHADER_FLOAT16,
    };
    if shader.is_cooperative() {
        capabilities |= Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP;
    }
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {error:?}", shader.name));
    (module, info)
}

/// Each entry point for each way of storing maps, with all flags off and all on.
fn each_entry_point(which: fn(&Shader) -> bool, test: impl Fn(&str, &naga::Module, &ModuleInfo, &str)) {
    assert!(SHADERS.iter().any(which));
    for shader in SHADERS.iter().filter(|shader| which(shader)) {
        for (&precision, value) in shader.precisions().iter().flat_map(|p| [(p, 0.0), (p, 1.0)]) {
            let (module, info) = parse(shader, precision);
            assert!(!module.entry_points.is_empty(), "{}", shader.name);
            let mut constants = PipelineConstants::default();
            // Only flags are set; numbers keep their defaults.
            let is_flag = |ty| module.types[ty].inner.scalar() == Some(naga::Scalar::BOOL);
            for (_, constant) in module.overrides.iter().filter(|(_, constant)| is_flag(constant.ty)) {
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

fn every(_: &Shader) -> bool {
    true
}

/// naga 30 translates cooperative matrices of this size only for Vulkan.
fn not_cooperative(shader: &Shader) -> bool {
    !shader.is_cooperative()
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
    let table: Vec<String> = SHADERS.iter().map(|shader| format!("{}.wgsl", shader.name)).collect();
    assert_eq!(files, table);
}

#[test]
fn shaders_become_spirv() {
    each_entry_point(every, |shader, module, info, entry| {
        let options = back::spv::Options::default();
        let pipeline =
            back::spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: entry.to_owned() };
        let words = back::spv::write_vec(module, info, &options, Some(&pipeline)).unwrap();
        assert_eq!(words[0], 0x0723_0203, "{shader}");
    });
}

#[test]
fn shaders_become_msl() {
    each_entry_point(not_cooperative, |shader, module, info, entry| {
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
    each_entry_point(not_cooperative, |shader, module, info, entry| {
        // The first shader model with 16-bit numbers.
        let shader_model = back::hlsl::ShaderModel::V6_2;
        let options = back::hlsl::Options { shader_model, ..Default::default() };
        let pipeline =
            back::hlsl::PipelineOptions { entry_point: Some((naga::ShaderStage::Compute, entry.to_owned())) };
        let mut text = String::new();
        back::hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).unwrap();
        assert!(text.contains("numthreads"), "{shader}");
    });
}
