//! The open device.

use super::{
    Adapter, CooperativeRefused,
    abilities::{Abilities, COOPERATIVE},
    allocation::SLOT_ALIGNMENT,
    device_file::DeviceFile,
    failure::{FailureLog, one_line},
    pipelines::Pipelines,
    speed::Speed,
    tuning::Tuning,
};
use crate::{BackendError, plan::Precision};
use std::{
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

/// Optional features that are used where available.
const WANTED: wgpu::Features =
    wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::SHADER_F16).union(wgpu::Features::PIPELINE_CACHE);

/// Whether wgpu adds bounds checks and loop limits to the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderChecks {
    /// Added: for tests and debug builds.
    Checked,
    /// Left out: a third faster, and the shaders stay inside their arrays without them.
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
    /// Bytes of the largest buffer that it binds at once.
    pub largest_binding: u64,
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
    /// Loses the device, with whatever it is working on.
    #[cfg(test)]
    #[allow(clippy::unwrap_used, reason = "a test may panic")]
    pub(crate) fn lose(&self) {
        self.device.destroy();
        // Until then nobody is told.
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }

    /// Opens a device with all that its adapter allows.
    ///
    /// # Errors
    /// If the driver does not provide it.
    pub fn open(adapter: &Adapter, checks: ShaderChecks) -> Result<Arc<Gpu>, BackendError> {
        Gpu::open_with_cache(adapter, checks, None)
    }

    /// [`Gpu::open`], with a directory that keeps the results of [`Gpu::tune`] from one start to the next, and compiled
    /// pipelines if the back end hands them out (Vulkan does). A file there that is of no use is replaced; one that
    /// cannot be written is skipped.
    ///
    /// # Errors
    /// If the driver does not provide the device.
    pub fn open_with_cache(
        adapter: &Adapter,
        checks: ShaderChecks,
        cache: Option<&Path>,
    ) -> Result<Arc<Gpu>, BackendError> {
        pollster::block_on(Gpu::open_with_limits(adapter, checks, cache, adapter.adapter.limits()))
    }

    /// [`Gpu::open`] without blocking, for an event loop: in a browser the answer comes only after control is given back.
    ///
    /// # Errors
    /// If the driver does not provide the device.
    pub async fn open_async(adapter: &Adapter, checks: ShaderChecks) -> Result<Arc<Gpu>, BackendError> {
        Gpu::open_with_limits(adapter, checks, None, adapter.adapter.limits()).await
    }

    /// [`Gpu::open`], with no more than every device has: WebGPU's lowest limits. For tests.
    ///
    /// # Errors
    /// If the driver does not provide the device.
    pub fn open_with_least_limits(adapter: &Adapter, checks: ShaderChecks) -> Result<Arc<Gpu>, BackendError> {
        pollster::block_on(Gpu::open_with_limits(adapter, checks, None, wgpu::Limits::default()))
    }

    async fn open_with_limits(
        adapter: &Adapter,
        checks: ShaderChecks,
        cache: Option<&Path>,
        limits: wgpu::Limits,
    ) -> Result<Arc<Gpu>, BackendError> {
        let abilities = Abilities::of(&adapter.adapter, &limits);
        let (cooperative, experimental_features) = if abilities.cooperative_matrices {
            // SAFETY: experimental features may have bugs that lead to undefined behaviour. Cooperative matrices are
            // the only one that is asked for, and nothing that they computed is used before it has agreed with the
            // reference.
            (COOPERATIVE, unsafe { wgpu::ExperimentalFeatures::enabled() })
        } else {
            (wgpu::Features::empty(), wgpu::ExperimentalFeatures::disabled())
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("impasto"),
            required_features: adapter.adapter.features() & WANTED | cooperative,
            experimental_features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let opened = adapter.adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|error| BackendError::CannotStart {
            device: adapter.info.name.clone(),
            reason: one_line(&error.to_string()),
        })?;
        let file = |kind| cache.map(|directory| DeviceFile::of(directory, kind, &adapter.adapter.get_info()));
        let pipelines = file("pipelines").filter(|_| device.features().contains(wgpu::Features::PIPELINE_CACHE));
        Ok(Arc::new(Gpu {
            failures: FailureLog::watch(&device),
            pipelines: Pipelines::new(&device, checks, pipelines),
            tuning: Mutex::new(Tuning::kept(file("tuning"))),
            device,
            queue,
            name: adapter.info.name.clone(),
            largest_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
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

    /// The interface that it is reached through, see [`super::AdapterInfo::api`].
    pub fn api(&self) -> &'static str {
        self.device.adapter_info().backend.to_str()
    }

    /// Whether it computes on the processor, see [`Adapter::is_software`].
    pub fn is_software(&self) -> bool {
        self.device.adapter_info().device_type == wgpu::DeviceType::Cpu
    }

    /// Bytes of the largest array that a kernel can be given.
    pub fn largest_slot(&self) -> u64 {
        // Its buffer is rounded up.
        self.largest_binding / SLOT_ALIGNMENT * SLOT_ALIGNMENT
    }

    /// f16 on tensor cores that passed the check, else f32: without them f16 saves memory and little time.
    pub fn automatic_precision(self: &Arc<Gpu>) -> Precision {
        if self.check_cooperative().unwrap_or(false) { Precision::F16 } else { Precision::F32 }
    }

    /// Whether maps and filters can be stored as f16.
    pub fn has_f16(&self) -> bool {
        self.device.features().contains(wgpu::Features::SHADER_F16)
    }
}
