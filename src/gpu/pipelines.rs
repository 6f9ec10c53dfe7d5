//! Compute pipelines: each is compiled once per device, and those that a session needs are compiled in parallel.

use super::{
    ShaderChecks,
    device_file::DeviceFile,
    kernels::{Dispatch, SHADERS},
};
use crate::plan::Precision;
use rayon::prelude::*;
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

/// What a module is made from: the shader's name and how maps are stored.
type ModuleKey = (&'static str, Precision);

/// What a pipeline is made from: module, entry point and override constants (values as bits).
type PipelineKey = (ModuleKey, &'static str, Vec<(&'static str, u64)>);

fn key(dispatch: &Dispatch) -> PipelineKey {
    let constants = dispatch.constants.iter().map(|(name, value)| (*name, value.to_bits())).collect();
    (module_key(dispatch), dispatch.entry, constants)
}

fn module_key(dispatch: &Dispatch) -> ModuleKey {
    (dispatch.shader, dispatch.precision)
}

/// The pipelines of a device, and the driver's compiled form of them.
#[derive(Debug)]
pub(super) struct Pipelines {
    device: wgpu::Device,
    checks: ShaderChecks,
    /// Locks are not held while something is compiled.
    modules: Mutex<HashMap<ModuleKey, wgpu::ShaderModule>>,
    made: Mutex<HashMap<PipelineKey, wgpu::ComputePipeline>>,
    kept: Option<Kept>,
}

/// The driver's compiled pipelines, on their way to a file.
#[derive(Debug)]
struct Kept {
    cache: wgpu::PipelineCache,
    file: DeviceFile,
    /// Bytes in the file, as far as it is of use.
    bytes: Mutex<usize>,
}

impl Pipelines {
    /// None yet. What an earlier process left in `file` makes compiling faster.
    pub fn new(device: &wgpu::Device, checks: ShaderChecks, file: Option<DeviceFile>) -> Pipelines {
        let kept = file.map(|file| Kept::new(device, file));
        Pipelines { device: device.clone(), checks, modules: Mutex::default(), made: Mutex::default(), kept }
    }

    /// Compiles the pipelines that dispatches need and that do not exist yet, on all threads.
    pub fn compile<'a>(&self, dispatches: impl Iterator<Item = &'a Dispatch>) {
        let missing: HashMap<PipelineKey, &Dispatch> = {
            let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            dispatches.map(|dispatch| (key(dispatch), dispatch)).filter(|(key, _)| !made.contains_key(key)).collect()
        };
        if missing.is_empty() {
            return;
        }
        // Several pipelines come from one module: modules first, so that none is compiled twice.
        let modules: HashSet<ModuleKey> = missing.values().map(|dispatch| module_key(dispatch)).collect();
        modules.into_par_iter().for_each(|key| drop(self.module(key)));
        missing.into_par_iter().for_each(|(_, dispatch)| drop(self.get(dispatch)));
    }

    /// The pipeline of a dispatch, compiled now if it does not exist yet.
    pub fn get(&self, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        find_or_make(&self.made, key(dispatch), || {
            self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(dispatch.entry),
                layout: None,
                module: &self.module(module_key(dispatch)),
                entry_point: Some(dispatch.entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &dispatch.constants,
                    zero_initialize_workgroup_memory: false,
                },
                cache: self.kept.as_ref().map(|kept| &kept.cache),
            })
        })
    }

    fn module(&self, (name, precision): ModuleKey) -> wgpu::ShaderModule {
        find_or_make(&self.modules, (name, precision), || {
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
        })
    }

    /// Replaces a shader's text.
    #[cfg(test)]
    pub fn replace_module(&self, name: &'static str, precision: Precision, source: &str) {
        let descriptor =
            wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.into()) };
        let module = self.device.create_shader_module(descriptor);
        self.modules.lock().unwrap_or_else(PoisonError::into_inner).insert((name, precision), module);
    }

    /// Writes the compiled pipelines to the file if any are new. Failure to write is ignored: the next start compiles
    /// again.
    pub fn keep(&self) {
        let Some(kept) = &self.kept else { return };
        let Some(data) = kept.cache.get_data() else { return };
        let mut bytes = kept.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        // Threads add pipelines in any order, so the same ones need not give the same bytes; more of them give more
        // bytes.
        if data.len() != *bytes {
            drop(kept.file.write(&data));
            // Whether or not that worked, so that a failed write is not retried with every session.
            *bytes = data.len();
        }
    }
}

impl Kept {
    fn new(device: &wgpu::Device, file: DeviceFile) -> Kept {
        let data = file.read();
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("impasto"), data: data.as_deref(), fallback: true };
        // SAFETY: the data are what `get_data` returned on this adapter and driver: the file carries a digest over them
        // and over the adapter's and driver's names, and whatever does not match it was left out.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Kept { cache, file, bytes: Mutex::new(data.map_or(0, |data| data.len())) }
    }
}

/// The value for a key. If two threads compute it at the same time, both get the first.
fn find_or_make<K: Eq + std::hash::Hash, V: Clone>(
    values: &Mutex<HashMap<K, V>>,
    key: K,
    make: impl FnOnce() -> V,
) -> V {
    let lock = || values.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lock().get(&key).cloned();
    found.unwrap_or_else(|| {
        let made = make();
        lock().entry(key).or_insert(made).clone()
    })
}
