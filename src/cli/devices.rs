//! `impasto devices`.

use super::CliError;
use clap::Args;
use impasto::{
    automatic,
    gpu::{Adapter, adapters},
};
use std::io::Write;

/// List what can compute, and what `--device auto` takes
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(answer: &mut dyn Write) -> Result<(), CliError> {
    let adapters = adapters();
    let automatic = automatic(&adapters);
    for (index, adapter) in adapters.iter().enumerate() {
        describe(index, adapter, index == automatic, answer)?;
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    writeln!(answer, "cpu  CPU back end{}", mark(automatic == adapters.len()))?;
    writeln!(answer, "     {threads} threads; takes no part of a GPU or its driver")?;
    Ok(())
}

fn mark(automatic: bool) -> &'static str {
    if automatic { "   <- auto" } else { "" }
}

fn describe(index: usize, adapter: &Adapter, automatic: bool, answer: &mut dyn Write) -> Result<(), CliError> {
    let (info, limits, features) = (&adapter.info, adapter.limits(), adapter.features());
    writeln!(answer, "{index:<4} {}{}", info.name, mark(automatic))?;
    let (kind, driver) = (kind(info.device_type), [info.driver.as_str(), &info.driver_info].join(" "));
    writeln!(answer, "     {kind}, {}, driver {}", info.backend, driver.trim())?;
    writeln!(
        answer,
        "     {} MiB in one binding, {} KiB workgroup memory, {} invocations a workgroup, subgroups of {} to {}",
        limits.max_storage_buffer_binding_size >> 20,
        limits.max_compute_workgroup_storage_size >> 10,
        limits.max_compute_invocations_per_workgroup,
        info.subgroup_min_size,
        info.subgroup_max_size,
    )?;
    if let Some(memory) = adapter.memory() {
        writeln!(answer, "     {} MiB of memory", memory >> 20)?;
    }
    let named = [
        ("half precision", wgpu::Features::SHADER_F16),
        ("subgroups", wgpu::Features::SUBGROUP),
        ("cooperative matrices", wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
        ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
        ("pipeline cache", wgpu::Features::PIPELINE_CACHE),
    ];
    let has: Vec<&str> =
        named.iter().filter(|(_, feature)| features.contains(*feature)).map(|(name, _)| *name).collect();
    writeln!(answer, "     features: {}", if has.is_empty() { "none".to_owned() } else { has.join(", ") })?;
    Ok(())
}

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Cpu => "software driver",
        wgpu::DeviceType::Other => "other",
    }
}
