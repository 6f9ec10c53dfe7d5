//! The devices that can be opened, and what they report.

use super::device_memory::device_memory;
use std::{fmt, ops::RangeInclusive};

/// A device that can be opened.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub(super) adapter: wgpu::Adapter,
    /// What it reports.
    pub info: AdapterInfo,
}

/// What an adapter reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// Its name.
    pub name: String,
    /// What computes.
    pub kind: AdapterKind,
    /// The interface that it is reached through: `vulkan`, `metal`, `dx12`.
    pub api: &'static str,
    /// Name and version of the driver, as far as known.
    pub driver: String,
    /// Bytes of the largest array that it binds at once.
    pub largest_binding: u64,
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Invocations of a subgroup: the fewest and the most that its driver may choose.
    pub subgroups: RangeInclusive<u32>,
    /// Optional abilities that it has.
    pub features: Vec<AdapterFeature>,
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the system's memory.
    Integrated,
    /// A GPU that is shared with other systems.
    Virtual,
    /// Something else.
    Other,
    /// The processor, by a driver such as llvmpipe or WARP.
    Software,
}

/// An optional ability of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdapterFeature {
    /// Numbers of 16 bits in shaders and buffers.
    HalfPrecision,
    /// Invocations of a workgroup exchange values without memory.
    Subgroups,
    /// Products of small matrices (tensor cores).
    CooperativeMatrices,
    /// Kernels can be timed one by one.
    Timestamps,
    /// The driver hands out compiled pipelines.
    PipelineCache,
}

/// All adapters of all interfaces, the most promising first: discrete, integrated, virtual, then software.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let mut adapters: Vec<Adapter> =
        found.into_iter().map(|adapter| Adapter { info: AdapterInfo::of(&adapter), adapter }).collect();
    adapters.sort_by_key(|adapter| adapter.info.kind);
    adapters
}

/// The adapter that a browser gives, by WebGPU; none if it has none. Outside of browsers one that the system prefers.
pub async fn preferred_adapter() -> Option<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    let adapter = instance.request_adapter(&options).await.ok()?;
    Some(Adapter { info: AdapterInfo::of(&adapter), adapter })
}

/// The GPU of the unit tests, which may be a software driver.
#[cfg(test)]
pub(crate) fn first_adapter() -> Adapter {
    adapters().into_iter().next().expect("a Vulkan driver: tools/setup installs one")
}

impl Adapter {
    /// Whether it computes on the processor (llvmpipe, WARP): correct, but slower than the CPU back end.
    pub fn is_software(&self) -> bool {
        self.info.kind == AdapterKind::Software
    }

    /// Bytes of memory it has for buffers, those in use included, where the driver tells.
    pub fn memory(&self) -> Option<u64> {
        device_memory(&self.adapter)
    }
}

impl AdapterInfo {
    fn of(adapter: &wgpu::Adapter) -> AdapterInfo {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        let all = [
            (AdapterFeature::HalfPrecision, features.contains(wgpu::Features::SHADER_F16)),
            (AdapterFeature::Subgroups, features.contains(wgpu::Features::SUBGROUP)),
            (AdapterFeature::CooperativeMatrices, features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX)),
            (AdapterFeature::Timestamps, features.contains(wgpu::Features::TIMESTAMP_QUERY)),
            (AdapterFeature::PipelineCache, features.contains(wgpu::Features::PIPELINE_CACHE)),
        ];
        AdapterInfo {
            // Browsers do not say it.
            name: if info.name.is_empty() { "the browser's GPU".to_owned() } else { info.name },
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            },
            api: info.backend.to_str(),
            driver: [info.driver, info.driver_info].join(" ").trim().to_owned(),
            largest_binding: limits.max_storage_buffer_binding_size,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            invocations: limits.max_compute_invocations_per_workgroup,
            subgroups: info.subgroup_min_size..=info.subgroup_max_size,
            features: all.into_iter().filter(|(_, has)| *has).map(|(feature, _)| feature).collect(),
        }
    }
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterKind::Discrete => "discrete GPU",
            AdapterKind::Integrated => "integrated GPU",
            AdapterKind::Virtual => "virtual GPU",
            AdapterKind::Software => "software driver",
            AdapterKind::Other => "other",
        })
    }
}

impl fmt::Display for AdapterFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterFeature::HalfPrecision => "half precision",
            AdapterFeature::Subgroups => "subgroups",
            AdapterFeature::CooperativeMatrices => "cooperative matrices",
            AdapterFeature::Timestamps => "timestamps",
            AdapterFeature::PipelineCache => "pipeline cache",
        })
    }
}
