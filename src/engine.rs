//! A device with a network's filters on it, or several, ready to make sessions.

use crate::{
    BackendError, Device, Session, cpu,
    gpu::{self, DeviceFilters, ForcedVariants, Gpu, Variant},
    host_memory::{self, HostMemory, HostSession},
    plan::{Plan, Precision, Size, Spill, Step, Storage, Windowed},
    reference,
    weights::{FilterSummary, Filters},
    windowed::{self, LostDevice, LostDevices, Worker, what_happened},
};
use std::{
    ops::Range,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

#[derive(Clone)]
enum Loaded {
    Gpu(Arc<Gpu>, Arc<DeviceFilters>),
    Cpu(Arc<cpu::Cpu>),
    Reference(Arc<Filters>),
}

impl Loaded {
    fn name(&self) -> &str {
        match self {
            Loaded::Gpu(gpu, _) => &gpu.name,
            Loaded::Cpu(_) => "CPU",
            Loaded::Reference(_) => "reference",
        }
    }
}

/// See the module. A clone shares the device and the filters. Where there are several devices they work together, each on some
/// of a picture's windows; what is asked of the engine about its device is answered for the first.
#[derive(Clone)]
pub struct Engine {
    loaded: Loaded,
    filters: Arc<FilterSummary>,
    name: String,
    precision: Precision,
    forced: ForcedVariants,
    budget: Option<u64>,
    scratch: PathBuf,
    /// How fast the device is among several, in any unit.
    speed: f64,
    stop: Arc<AtomicBool>,
    /// Engines of further devices.
    others: Arc<[Engine]>,
    lost: LostDevices,
}

/// What executes one step of a plan, or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepKernel {
    /// Numbers of the plan's steps.
    pub steps: Range<usize>,
    /// Name of the operation; for two steps both, joined by `+`.
    pub operation: &'static str,
    /// The variant, where there are several, and of two steps.
    pub variant: Option<Variant>,
}

/// Where the disk is used, unless another place is named. A browser has none, and no limit of memory that would need it.
fn scratch_directory() -> PathBuf {
    if cfg!(target_family = "wasm") { PathBuf::new() } else { std::env::temp_dir() }
}

impl Engine {
    /// Copies the filters to the device. The CPU back end drops a layer's filters once they are transformed, if nobody else
    /// holds them.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn new(device: &Device, filters: Arc<Filters>) -> Result<Engine, BackendError> {
        let summary = Arc::new(FilterSummary::of(&filters));
        let loaded = match device {
            Device::Gpu(gpu) => Loaded::Gpu(gpu.clone(), DeviceFilters::new(&filters)),
            Device::Cpu(threads) => Loaded::Cpu(cpu::Cpu::new(filters, *threads)?),
            Device::Reference => Loaded::Reference(filters),
        };
        Ok(Engine {
            loaded,
            filters: summary,
            name: device.name().to_owned(),
            precision: Precision::F32,
            forced: ForcedVariants::NONE,
            budget: None,
            scratch: scratch_directory(),
            speed: 1.0,
            stop: Arc::default(),
            others: Arc::default(),
            lost: LostDevices::default(),
        })
    }

    /// Lets engines of several devices, with the same filters, paint one picture together: in windows, in f32, each device
    /// as many as its speed allows.
    ///
    /// # Panics
    /// If there are none.
    pub fn together(engines: Vec<Engine>) -> Engine {
        let mut engines = engines.into_iter();
        let first = engines.next().expect("somebody computes");
        let others: Arc<[Engine]> = engines.map(|engine| engine.with_precision(Precision::F32)).collect();
        if others.is_empty() {
            return first;
        }
        let names: Vec<&str> = others.iter().map(Engine::name).collect();
        let name = format!("{} + {}", first.name, names.join(" + "));
        Engine { name, others, ..first.with_precision(Precision::F32) }
    }

    /// Sets how fast the device is, in any unit that is the same for all devices that work together.
    ///
    /// # Panics
    /// If it is not above zero.
    pub fn with_speed(self, speed: f64) -> Engine {
        assert!(speed > 0.0, "a device that works has a speed");
        Engine { speed, ..self }
    }

    /// The engine itself as one of the first device, and those of the further devices.
    pub fn devices(&self) -> Vec<Engine> {
        let first = Engine { others: Arc::default(), name: self.loaded.name().to_owned(), ..self.clone() };
        [first].into_iter().chain(self.others.iter().cloned()).collect()
    }

    /// Whether several devices paint together.
    pub fn is_of_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// How fast each device is.
    pub fn speeds(&self) -> Vec<f64> {
        [self.speed].into_iter().chain(self.others.iter().map(|other| other.speed)).collect()
    }

    /// Devices that failed while others went on, in the order in which they did. Nothing more is asked of them.
    pub fn lost_devices(&self) -> Vec<LostDevice> {
        self.lost.all()
    }

    /// What is known of the filters it was made with.
    pub fn filters(&self) -> &FilterSummary {
        &self.filters
    }

    /// Name of the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What executes its plans: the interface of a GPU (`vulkan`, `metal`, `dx12`), `cpu` or `reference`.
    pub fn back_end(&self) -> &'static str {
        match &self.loaded {
            Loaded::Gpu(gpu, _) => gpu.api(),
            Loaded::Cpu(_) => "cpu",
            Loaded::Reference(_) => "reference",
        }
    }

    /// The precision it was asked for, f32 if the device has no other.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How plans for this engine store the maps of a picture of this size in a precision that it supports; it always
    /// supports f32.
    pub fn storage(&self, precision: Precision, window: Size) -> Storage {
        match &self.loaded {
            Loaded::Gpu(gpu, _) => Storage::for_binding(gpu.largest_slot(), precision),
            Loaded::Cpu(processor) => Storage::for_threads(processor.threads(), window),
            Loaded::Reference(_) => Storage::PLAIN,
        }
    }

    /// Ways to store them that trade memory for arithmetic, from the least memory on; [`Self::storage`] is among them.
    pub fn storages(&self, precision: Precision, window: Size) -> Vec<Storage> {
        match &self.loaded {
            Loaded::Cpu(processor) => Storage::ways_for_threads(processor.threads(), window),
            Loaded::Gpu(..) | Loaded::Reference(_) => vec![self.storage(precision, window)],
        }
    }

    /// Bytes of memory that painting can take, where known: all of a GPU's own memory; for the processor, and for a
    /// driver that computes on it, what the system can give now plus what the filters already took. What such a driver
    /// calls its own is an arbitrary figure.
    pub fn memory(&self) -> Option<u64> {
        match &self.loaded {
            Loaded::Gpu(gpu, _) if !gpu.is_software() => gpu.memory,
            Loaded::Gpu(_, filters) => Some(host_memory::available()? + filters.bytes()),
            Loaded::Cpu(processor) => Some(host_memory::available()? + processor.bytes()),
            Loaded::Reference(_) => host_memory::available(),
        }
    }

    /// Bytes that painting may take: the limit that was set, else all that there is.
    pub fn available(&self) -> Option<u64> {
        self.budget.or_else(|| self.memory())
    }

    /// The limit that was set.
    pub fn budget(&self) -> Option<u64> {
        self.budget
    }

    /// Whether the device's memory is the host's.
    pub fn is_on_host(&self) -> bool {
        match &self.loaded {
            Loaded::Gpu(gpu, _) => gpu.is_software(),
            Loaded::Cpu(_) | Loaded::Reference(_) => true,
        }
    }

    /// Sets how many bytes painting may take: what takes more is painted window by window. Without a limit everything is
    /// painted at once.
    pub fn with_memory(self, bytes: Option<u64>) -> Engine {
        Engine { budget: bytes, ..self }
    }

    /// Where what windows leave to the disk is kept meanwhile, instead of the system's directory for temporary files, which
    /// may be in memory. It is made when it is needed.
    pub fn with_scratch_directory(self, directory: PathBuf) -> Engine {
        Engine { scratch: directory, ..self }
    }

    /// Lets sessions of windows end with [`BackendError::Stopped`] before their next window once `stop` is true: all of them
    /// together may take minutes.
    pub fn with_stop(self, stop: Arc<AtomicBool>) -> Engine {
        Engine { stop, ..self }
    }

    /// Bytes of the largest array that the device can bind at once.
    pub fn largest_slot(&self) -> u64 {
        match &self.loaded {
            Loaded::Gpu(gpu, _) => gpu.largest_slot(),
            Loaded::Cpu(_) | Loaded::Reference(_) => u64::MAX,
        }
    }

    /// Bytes that the filters take, in all forms, once sessions of all these plans have been made.
    pub fn filter_bytes(&self, plans: &[&Plan]) -> u64 {
        let layers = plans.iter().flat_map(|plan| &plan.steps).filter_map(Step::filters);
        match &self.loaded {
            Loaded::Gpu(gpu, _) => gpu::filter_bytes(gpu, plans, &self.forced),
            Loaded::Cpu(_) => layers.max().map_or(0, cpu::filter_bytes),
            Loaded::Reference(filters) => filters.bytes(),
        }
    }

    /// Bytes that the processor's threads work in beside what a plan names, if they execute it.
    pub(crate) fn scratch_bytes(&self, plan: &Plan) -> u64 {
        match &self.loaded {
            Loaded::Cpu(processor) => cpu::scratch_bytes(plan, processor.threads()),
            Loaded::Gpu(..) | Loaded::Reference(_) => 0,
        }
    }

    /// Whether filters are copied again on their way to the device.
    pub(crate) fn uploads_filters(&self) -> bool {
        matches!(self.loaded, Loaded::Gpu(..))
    }

    /// What executes a plan's steps, in order.
    pub fn kernels(&self, plan: &Plan) -> Vec<StepKernel> {
        match &self.loaded {
            Loaded::Gpu(gpu, _) => {
                let tasks = gpu.tasks(plan, &self.forced).into_iter();
                let kernel = |task: gpu::Task<'_>| StepKernel {
                    steps: task.steps(),
                    operation: task.choice.operation.name,
                    variant: task.choice.variant(),
                };
                tasks.map(kernel).collect()
            }
            Loaded::Cpu(_) | Loaded::Reference(_) => {
                let kernel = |(index, step): (usize, &Step)| StepKernel {
                    steps: index..index + 1,
                    operation: step.operation(),
                    variant: None,
                };
                plan.steps.iter().enumerate().map(kernel).collect()
            }
        }
    }

    /// Stores maps and filters in this precision if the device supports it; every device supports f32.
    pub fn with_precision(self, precision: Precision) -> Engine {
        let can = match &self.loaded {
            Loaded::Gpu(gpu, _) => gpu.has_f16(),
            Loaded::Cpu(_) | Loaded::Reference(_) => false,
        };
        let can = can && self.others.is_empty();
        Engine { precision: if can { precision } else { Precision::F32 }, ..self }
    }

    /// Releases the filters stored in a precision; a session that needs them brings them back.
    pub fn forget_filters(&self, precision: Precision) {
        if let Loaded::Gpu(_, filters) = &self.loaded {
            filters.forget(precision);
        }
    }

    /// Times the variants of a plan's operations, see [`gpu::Gpu::tune`]. Does nothing where the device has no
    /// variants.
    ///
    /// # Errors
    /// If the device fails.
    pub fn tune(&self, plan: &Plan, observe: &mut dyn FnMut(&gpu::Tuned)) -> Result<(), BackendError> {
        match &self.loaded {
            Loaded::Gpu(gpu, filters) => gpu.tune(plan, filters, observe),
            Loaded::Cpu(_) | Loaded::Reference(_) => Ok(()),
        }
    }

    /// Forces variants where the device has them and they can do the work.
    pub fn with_variants(self, forced: ForcedVariants) -> Engine {
        Engine { forced, ..self }
    }

    /// Makes plans of windows ready, on every device; the session is one of the whole plan.
    ///
    /// # Errors
    /// If a window's plan fits no device, or the whole arrays do not fit the host or its disk.
    pub fn windowed_session(&self, windowed: &Windowed) -> Result<Box<dyn Session>, BackendError> {
        let Windowed { whole, spill, .. } = windowed;
        let memory = HostMemory::with_scratch(whole, |tensor| spill.holds(tensor), &self.scratch)?;
        let whole: Box<dyn HostSession> = match &self.loaded {
            Loaded::Gpu(_, _) => Box::new(cpu::Session::in_memory(&cpu::Cpu::without_filters()?, whole, memory)?),
            Loaded::Cpu(processor) => Box::new(cpu::Session::in_memory(processor, whole, memory)?),
            Loaded::Reference(filters) => Box::new(reference::Session::in_memory(whole, filters, memory)?),
        };
        let workers = self.workers(windowed)?;
        Ok(Box::new(windowed::Session::new(windowed, whole, workers, self.lost.clone(), self.stop.clone())))
    }

    /// Devices with a window's plan made ready, but for those that are lost, now or before.
    fn workers(&self, windowed: &Windowed) -> Result<Vec<Worker>, BackendError> {
        let mut left: Vec<(usize, Engine)> =
            self.devices().into_iter().enumerate().filter(|(device, _)| !self.lost.has(*device)).collect();
        let mut workers = Vec::new();
        while workers.len() < left.len() {
            let (device, engine) = &left[workers.len()];
            let plan = windowed.window_on(*device);
            match engine.session(plan) {
                Ok(session) => workers.push(Worker::new(*device, engine.name(), engine.speed, plan, session)),
                Err(error) => {
                    let Some(reason) = what_happened(&error).filter(|_| left.len() > 1) else { return Err(error) };
                    let (device, engine) = left.remove(workers.len());
                    let left = left.iter().map(|(_, engine)| engine.name().to_owned()).collect();
                    self.lost.add(device, LostDevice { device: engine.name, reason, left });
                }
            }
        }
        Ok(workers)
    }

    /// Makes a plan ready.
    ///
    /// # Errors
    /// If the plan does not fit the device.
    pub fn session(&self, plan: &Plan) -> Result<Box<dyn Session>, BackendError> {
        self.spilling_session(plan, Spill::Nothing)
    }

    /// Whether plans without windows may leave arrays to the disk.
    pub fn can_spill(&self) -> bool {
        !matches!(self.loaded, Loaded::Gpu(..))
    }

    /// [`Self::session`] with some arrays on the disk, where the engine [can do so](Self::can_spill).
    ///
    /// # Errors
    /// As [`Self::session`], and if the arrays do not fit the disk.
    pub fn spilling_session(&self, plan: &Plan, spill: Spill) -> Result<Box<dyn Session>, BackendError> {
        let memory = || HostMemory::with_scratch(plan, |tensor| spill.holds(tensor), &self.scratch);
        Ok(match &self.loaded {
            Loaded::Gpu(gpu, filters) => Box::new(gpu::Session::new(gpu, plan.clone(), filters, &self.forced)?),
            Loaded::Cpu(processor) => Box::new(cpu::Session::in_memory(processor, plan, memory()?)?),
            Loaded::Reference(filters) => Box::new(reference::Session::in_memory(plan, filters, memory()?)?),
        })
    }
}
