//! Adapters, the open device, and its pipelines.

use super::{
    abilities::{Abilities, COOPERATIVE},
    CooperativeRefused,
    failure::FailureLog,
    kernels::{Dispatch, SHADERS},
};
use crate::{BackendError, plan::Precision};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// A device that wgpu can open.
#[derive(Clone, Debug)]
pub struct Adapter {
    adapter: wgpu::Adapter,
    /// Name, vendor, type, driver and back end.
    pub info: wgpu::AdapterInfo,
}

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

/// What a pipeline is made from: shader, storage of maps, entry point and override constants (values as bits).
type PipelineKey = (&'static str, Precision, &'static str, Vec<(&'static str, u64)>);

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
    /// What decides which kernels it runs.
    pub abilities: Abilities,
    /// Whether the tensor cores may be used, once it is known.
    pub(super) cooperative: OnceLock<Result<(), CooperativeRefused>>,
    checks: ShaderChecks,
    modules: Mutex<HashMap<(&'static str, Precision), wgpu::ShaderModule>>,
    pipelines: Mutex<HashMap<PipelineKey, wgpu::ComputePipeline>>,
    /// Work units (see session.rs) per second, as far as measured.
    pub(super) rate: Mutex<Option<f64>>,
}

impl Gpu {
    /// Opens a device with all that its adapter allows.
    ///
    /// # Errors
    /// If the driver does not give it.
    pub fn open(adapter: &Adapter, checks: ShaderChecks) -> Result<Arc<Gpu>, BackendError> {
        let limits = adapter.limits();
        let abilities = Abilities::of(&adapter.adapter);
        let wanted = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16;
        let (cooperative, experimental_features) = if abilities.cooperative_matrices {
            // SAFETY: experimental features may have bugs that lead to undefined behaviour. Cooperative matrices are the only
            // one that is asked for, and nothing that they computed is used before it agreed with the reference.
            (COOPERATIVE, unsafe { wgpu::ExperimentalFeatures::enabled() })
        } else {
            (wgpu::Features::empty(), wgpu::ExperimentalFeatures::disabled())
        };
        let (device, queue) = pollster::block_on(adapter.adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("impasto"),
            required_features: adapter.features() & wanted | cooperative,
            experimental_features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        }))
        .map_err(|error| BackendError::Refused { device: adapter.info.name.clone(), reason: error.to_string() })?;
        Ok(Arc::new(Gpu {
            failures: FailureLog::watch(&device),
            device,
            queue,
            name: adapter.info.name.clone(),
            limits,
            abilities,
            cooperative: OnceLock::new(),
            checks,
            modules: Mutex::default(),
            pipelines: Mutex::default(),
            rate: Mutex::default(),
        }))
    }

    /// Bytes of the largest array that a kernel can be given.
    pub fn largest_slot(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }

    /// Whether maps and filters can be stored as f16.
    pub fn has_f16(&self) -> bool {
        self.device.features().contains(wgpu::Features::SHADER_F16)
    }

    fn module(&self, name: &'static str, precision: Precision) -> wgpu::ShaderModule {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let shader =
                SHADERS.iter().find(|shader| shader.name == name).expect("dispatches name shaders of the table");
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(name),
                source: wgpu::ShaderSource::Wgsl(shader.source(precision).into()),
            };
            match self.checks {
                ShaderChecks::Checked => self.device.create_shader_module(descriptor),
                ShaderChecks::Unchecked => {
                    // SAFETY: the shaders are impasto's own. Every index is bounded by the sizes in their parameters, which
                    // the plan derives from the same shapes as the buffers, and every loop by such a size; the tests run
                    // each kernel with checks and with guard values behind every array.
                    unsafe {
                        self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
                    }
                }
            }
        };
        modules.entry((name, precision)).or_insert_with(make).clone()
    }

    /// Puts another text in the place of a shader's.
    #[cfg(test)]
    pub(super) fn replace_module(&self, name: &'static str, precision: Precision, source: &str) {
        let descriptor =
            wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.into()) };
        let module = self.device.create_shader_module(descriptor);
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).insert((name, precision), module);
    }

    pub(super) fn pipeline(&self, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        let constants = dispatch.constants.iter().map(|(name, value)| (*name, value.to_bits())).collect();
        let key = (dispatch.shader, dispatch.precision, dispatch.entry, constants);
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(dispatch.entry),
                layout: None,
                module: &self.module(dispatch.shader, dispatch.precision),
                entry_point: Some(dispatch.entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &dispatch.constants,
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        };
        pipelines.entry(key).or_insert_with(make).clone()
    }
}
