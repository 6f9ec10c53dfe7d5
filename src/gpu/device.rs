//! Adapters and the open device.

use super::{
    CooperativeRefused,
    abilities::{Abilities, COOPERATIVE},
    allocation::SLOT_ALIGNMENT,
    device_file::DeviceFile,
    failure::FailureLog,
    memory::device_memory,
    pipelines::Pipelines,
    speed::Speed,
    tuning::Tuning,
};
use crate::{BackendError, plan::Precision};
use std::{
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

/// A device that wgpu can open.
#[derive(Clone, Debug)]
pub struct Adapter {
    adapter: wgpu::Adapter,
    /// Name, vendor, type, driver and back end.
    pub info: wgpu::AdapterInfo,
}

/// Optional features that are used where they are there.
const WANTED: wgpu::Features =
    wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::SHADER_F16).union(wgpu::Features::PIPELINE_CACHE);

/// All adapters of all back ends, the most promising first: discrete, integrated, virtual, then software.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let mut adapters: Vec<Adapter> =
        found.into_iter().map(|adapter| Adapter { info: adapter.get_info(), adapter }).collect();
    adapters.sort_by_key(|adapter| match adapter.info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

impl Adapter {
    /// Whether it computes on the processor (llvmpipe, WARP): correct, but slower than the CPU back end.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// What it can do at most.
    pub fn limits(&self) -> wgpu::Limits {
        self.adapter.limits()
    }

    /// Optional features it has.
    pub fn features(&self) -> wgpu::Features {
        self.adapter.features()
    }

    /// Bytes of memory it has for buffers, those in use included, where the driver tells.
    pub fn memory(&self) -> Option<u64> {
        device_memory(&self.adapter)
    }
}

/// Whether wgpu adds bounds checks and loop limits to the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderChecks {
    /// Added: for tests and debug builds.
    Checked,
    /// Left out: a third faster, and the shaders keep inside their arrays by themselves.
    Unchecked,
}

impl Default for ShaderChecks {
    fn default() -> Self {
        if cfg!(debug_assertions) { ShaderChecks::Checked } else { ShaderChecks::Unchecked }
    }
}

/// An open device with the pipelines made so far.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) failures: FailureLog,
    /// The adapter's name.
    pub name: String,
    /// What may be asked of the device.
    pub limits: wgpu::Limits,
    /// What decides which kernels it runs; cooperative matrices as the driver says, see [`Gpu::trusted_abilities`].
    pub abilities: Abilities,
    /// Whether the tensor cores may be used, once it is known.
    pub(super) cooperative: OnceLock<Result<(), CooperativeRefused>>,
    /// Bytes of memory it has for buffers, where the driver tells.
    pub memory: Option<u64>,
    pub(super) pipelines: Pipelines,
    /// Which variants proved the fastest.
    pub(super) tuning: Mutex<Tuning>,
    /// How fast it is, as far as known.
    pub(super) speed: Arc<Mutex<Speed>>,
}

impl Gpu {
    /// Opens a device with all that its adapter allows.
    ///
    /// # Errors
    /// If the driver does not give it.
    pub fn open(adapter: &Adapter, checks: ShaderChecks) -> Result<Arc<Gpu>, BackendError> {
        Gpu::open_with_cache(adapter, checks, None)
    }

    /// [`Gpu::open`], with a directory where compiled pipelines are kept from one start to the next, if the back end
    /// hands them out (Vulkan does), and what [`Gpu::tune`] found. A file there that is of no use is replaced; one that
    /// cannot be written is done without.
    ///
    /// # Errors
    /// If the driver does not give the device.
    pub fn open_with_cache(
        adapter: &Adapter,
        checks: ShaderChecks,
        cache: Option<&Path>,
    ) -> Result<Arc<Gpu>, BackendError> {
        let limits = adapter.limits();
        let abilities = Abilities::of(&adapter.adapter);
        let (cooperative, experimental_features) = if abilities.cooperative_matrices {
            // SAFETY: experimental features may have bugs that lead to undefined behaviour. Cooperative matrices are
            // the only one that is asked for, and nothing that they computed is used before it agreed with the
            // reference.
            (COOPERATIVE, unsafe { wgpu::ExperimentalFeatures::enabled() })
        } else {
            (wgpu::Features::empty(), wgpu::ExperimentalFeatures::disabled())
        };
        let (device, queue) = pollster::block_on(adapter.adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("impasto"),
            required_features: adapter.features() & WANTED | cooperative,
            experimental_features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        }))
        .map_err(|error| BackendError::Refused { device: adapter.info.name.clone(), reason: error.to_string() })?;
        let file = |kind| cache.map(|directory| DeviceFile::of(directory, kind, &adapter.info));
        let pipelines = file("pipelines").filter(|_| device.features().contains(wgpu::Features::PIPELINE_CACHE));
        Ok(Arc::new(Gpu {
            failures: FailureLog::watch(&device),
            pipelines: Pipelines::new(&device, checks, pipelines),
            tuning: Mutex::new(Tuning::kept(file("tuning"))),
            device,
            queue,
            name: adapter.info.name.clone(),
            limits,
            abilities,
            cooperative: OnceLock::new(),
            memory: adapter.memory(),
            speed: Arc::default(),
        }))
    }

    /// Name and version of the driver.
    pub fn driver(&self) -> String {
        let info = self.device.adapter_info();
        [info.driver.as_str(), &info.driver_info].join(" ").trim().to_owned()
    }

    /// Whether it computes on the processor, see [`Adapter::is_software`].
    pub fn is_software(&self) -> bool {
        self.device.adapter_info().device_type == wgpu::DeviceType::Cpu
    }

    /// Bytes of the largest array that a kernel can be given.
    pub fn largest_slot(&self) -> u64 {
        let bytes = self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size);
        // Its buffer is rounded up.
        bytes / SLOT_ALIGNMENT * SLOT_ALIGNMENT
    }

    /// f16 on tensor cores that proved right, else f32: without them f16 saves memory and little time.
    pub fn automatic_precision(self: &Arc<Gpu>) -> Precision {
        if self.check_cooperative().unwrap_or(false) { Precision::F16 } else { Precision::F32 }
    }

    /// Whether maps and filters can be stored as f16.
    pub fn has_f16(&self) -> bool {
        self.device.features().contains(wgpu::Features::SHADER_F16)
    }
}
