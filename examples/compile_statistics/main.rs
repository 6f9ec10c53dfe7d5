//! Compiles every pipeline that a session would ask of an AMD GPU with AMD's open Vulkan compiler, without a card, and
//! prints the compiler's statistics: registers, spills, workgroup memory, occupancy, size of the code, time.
//!
//! ```sh
//! export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/radeon_icd.x86_64.json RADV_FORCE_FAMILY=navi21
//! cargo run --release --example compile_statistics -- [--json] [PART_OF_A_NAME..]
//! ```
//!
//! `RADV_FORCE_FAMILY` names the card that Mesa's RADV is to compile for: `polaris10`, `vega10`, `navi21`, `gfx1100`
//! (`navi31` from Mesa 25 on). Any other Vulkan driver with `VK_KHR_pipeline_executable_properties` will do as well.
//!
//! With `--json` each pipeline is one line: an object with `kernel`, `precision`, `constants`, `milliseconds`, `vgprs`,
//! `spilled_vgprs`, `lds_bytes`, `subgroups_per_simd` and `code_bytes`.

mod pipelines;
mod spirv;
mod vulkan;

use pipelines::{Pipeline, pipelines};
use serde::Serialize;
use std::{error::Error, process::ExitCode};
use vulkan::{Compiler, Statistics};

/// A line of the output.
#[derive(Serialize)]
struct Line {
    kernel: String,
    precision: &'static str,
    constants: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    statistics: Statistics,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(arguments.iter().any(|argument| argument == "--json"), &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compile_statistics: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(json: bool, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let compiler = Compiler::open()?;
    eprintln!("{}", compiler.name);
    if !json {
        println!(
            "{:<62} {:>6} {:>6} {:>8} {:>7} {:>13} {:>8}",
            "kernel", "VGPRs", "spills", "LDS", "code", "subgroups/SIMD", "ms"
        );
    }
    let mut compiled = 0;
    for pipeline in pipelines(compiler.has_f16, compiler.has_cooperative_matrices) {
        let name = name(&pipeline);
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let shader = spirv::compile(&pipeline).map_err(|error| format!("{name}: {error}"))?;
        let statistics = compiler.compile(&shader).map_err(|error| format!("{name}: {error}"))?;
        compiled += 1;
        if json {
            println!("{}", serde_json::to_string(&line(&pipeline, statistics))?);
        } else {
            let Statistics { milliseconds, vgprs, spilled_vgprs, lds_bytes, subgroups_per_simd, code_bytes } =
                statistics;
            println!(
                "{name:<62} {vgprs:>6} {spilled_vgprs:>6} {lds_bytes:>8} {code_bytes:>7} {subgroups_per_simd:>14} \
                 {milliseconds:>8.1}"
            );
        }
    }
    eprintln!("{compiled} pipelines compiled");
    Ok(())
}

fn line(pipeline: &Pipeline, statistics: Statistics) -> Line {
    let constants = pipeline.constants.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Line { kernel: kernel(pipeline), precision: pipeline.precision.name(), constants, statistics }
}

fn kernel(pipeline: &Pipeline) -> String {
    format!("{}.{}", pipeline.shader, pipeline.entry)
}

/// Kernel, constants and precision.
fn name(pipeline: &Pipeline) -> String {
    let constants: String = pipeline.constants.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{}{constants} {}", kernel(pipeline), pipeline.precision)
}
