//! Options that say what computes, and the engines that follow from them.

use super::{CliError, console::Console, memory_options::MemoryOptions};
use clap::{Args, ValueEnum};
use impasto::{
    Device, DeviceChoice, DeviceChoices, Engine,
    cache_directory::{CACHE_VARIABLE, cache_directory},
    gpu::ForcedVariants,
    measured_speeds,
    options::positive,
    plan::Precision,
    style::{Method, Recipe},
    weights::Filters,
};
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

/// Where to compute.
#[derive(Args)]
pub(crate) struct DeviceOptions {
    /// What computes: auto, cpu, or a GPU by its index or part of its name (see `impasto devices`)
    #[arg(long, value_name = "auto|cpu|INDEX|NAME", default_value = "auto")]
    pub device: DeviceChoice,

    /// Threads on the processor [default: one per core]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub threads: Option<NonZeroUsize>,
}

impl DeviceOptions {
    pub fn open(&self, console: &Console) -> Result<Device, CliError> {
        // One is opened for one that is chosen.
        Ok(open_devices(&DeviceChoices::One(self.device.clone()), self.threads, console)?.remove(0))
    }
}

/// Opens devices, and says which could not start.
fn open_devices(
    choices: &DeviceChoices,
    threads: Option<NonZeroUsize>,
    console: &Console,
) -> Result<Vec<Device>, CliError> {
    let mut passed_over = Vec::new();
    let devices =
        Device::open_all(choices, threads, cache().as_deref(), &mut |error| passed_over.push(error.to_string()))?;
    let names: Vec<&str> = devices.iter().map(Device::name).collect();
    for reason in passed_over {
        console.say(&format!("{reason}; going on with {}", names.join(" and ")));
    }
    Ok(devices)
}

/// The directory of caches. Without it pipelines are compiled every time, which is no reason to fail.
pub(crate) fn cache() -> Option<PathBuf> {
    cache_directory(std::env::var_os(CACHE_VARIABLE).as_deref()).ok()
}

/// What paints.
#[derive(Args)]
pub(crate) struct PaintingDevices {
    /// What computes: auto, cpu, or a GPU by its index or part of its name (see `impasto devices`); several, like 0,1,cpu,
    /// or all paint one picture together, in overlapping windows
    #[arg(long, value_name = "auto|all|cpu|INDEX|NAME,..", default_value = "auto")]
    device: DeviceChoices,

    /// Threads on the processor [default: one per core]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub threads: Option<NonZeroUsize>,
}

impl PaintingDevices {
    /// One or more.
    pub fn open(&self, console: &Console) -> Result<Vec<Device>, CliError> {
        open_devices(&self.device, self.threads, console)
    }
}

/// An engine of devices that compute in these ways, one or several.
pub(crate) fn engine_of(
    devices: &[Device],
    ways: Vec<Way>,
    filters: Filters,
    memory: &MemoryOptions,
) -> Result<Engine, CliError> {
    let filters = Arc::new(filters);
    if let ([device], [way]) = (devices, &ways[..]) {
        return Ok(memory.limit(way.clone().engine(device, filters)?, 1));
    }
    let speeds = measured_speeds(devices, cache().as_deref())?;
    let mut engines = Vec::new();
    for ((device, speed), way) in devices.iter().zip(speeds).zip(ways) {
        engines.push(way.engine(device, filters.clone())?.with_speed(speed));
    }
    let on_host = engines.iter().filter(|engine| engine.is_on_host()).count() as u64;
    Ok(Engine::together(engines.into_iter().map(|engine| memory.limit(engine, on_host)).collect()))
}

/// Which kernels compute.
#[derive(Args)]
pub(crate) struct KernelOptions {
    /// How a GPU stores feature maps and filters: f16 takes half the memory and traffic
    #[arg(long, value_enum, default_value = "auto")]
    precision: PrecisionChoice,

    /// Variants of the kernels on a GPU, where they can do the work: a name for all operations that have it, or
    /// operation=name, separated by commas (see `impasto bench`) [default: the fastest known for the shape]
    #[arg(long, value_name = "NAMES", value_parser = variants)]
    variant: Option<ForcedVariants>,
}

/// A way to compute: how maps are stored, and the variants asked for.
#[derive(Clone)]
pub(crate) struct Way {
    pub precision: Precision,
    pub forced: ForcedVariants,
}

impl Way {
    pub fn engine(&self, device: &Device, filters: Arc<Filters>) -> Result<Engine, CliError> {
        Ok(Engine::new(device, filters)?.with_precision(self.precision).with_variants(self.forced.clone()))
    }
}

/// Says, in one line, if the device has tensor cores that failed their check.
pub(crate) fn notice(device: &Device, console: &Console) {
    if let Device::Gpu(gpu) = device
        && let Err(refused) = gpu.check_cooperative()
    {
        console.say(&refused.to_string());
    }
}

impl KernelOptions {
    /// The optimiser for this precision where none is named: L-BFGS does not work in f16.
    pub fn default_method(&self) -> Method {
        match self.precision {
            PrecisionChoice::F16 => Method::Adam,
            PrecisionChoice::Auto | PrecisionChoice::F32 => Recipe::default().method,
        }
    }

    /// What is asked for, if the device supports it.
    pub fn way(&self, device: &Device, console: &Console) -> Result<Way, CliError> {
        let precision = self.precision(device, console)?;
        Ok(Way { precision, forced: self.forced(device, precision)? })
    }

    /// The same for each of several devices, which work in f32 together.
    pub fn ways(&self, devices: &[Device], console: &Console) -> Result<Vec<Way>, CliError> {
        match devices {
            [device] => Ok(vec![self.way(device, console)?]),
            _ if matches!(self.precision, PrecisionChoice::F16) => Err(CliError::Usage(
                "--precision f16 is for one device, but several paint together: use f32, or name one with --device"
                    .to_owned(),
            )),
            _ => devices
                .iter()
                .map(|device| Ok(Way { precision: Precision::F32, forced: self.forced(device, Precision::F32)? }))
                .collect(),
        }
    }

    fn precision(&self, device: &Device, console: &Console) -> Result<Precision, CliError> {
        match self.precision {
            PrecisionChoice::Auto => {
                notice(device, console);
                Ok(device.automatic_precision())
            }
            PrecisionChoice::F16 if device.has_f16() => {
                notice(device, console);
                Ok(Precision::F16)
            }
            PrecisionChoice::F16 => Err(CliError::Usage(format!(
                "--precision f16 is for GPUs that have half precision, but {} computes: use f32, or another --device",
                device.name()
            ))),
            PrecisionChoice::F32 => Ok(Precision::F32),
        }
    }

    fn forced(&self, device: &Device, precision: Precision) -> Result<ForcedVariants, CliError> {
        match (&self.variant, device) {
            (Some(forced), Device::Cpu(_) | Device::Reference) => Err(CliError::Usage(format!(
                "--variant {forced} is for GPUs, but {} computes: leave it out, or choose a GPU with --device",
                device.name()
            ))),
            (Some(forced), Device::Gpu(gpu)) => {
                match forced.unusable(precision, gpu.trusted_abilities(precision)).first() {
                    Some(unusable) => Err(CliError::Usage(format!(
                        "--variant {unusable} cannot compute in {precision} on {}: see `impasto bench` for those that can",
                        gpu.name
                    ))),
                    None => Ok(forced.clone()),
                }
            }
            (None, _) => Ok(ForcedVariants::NONE),
        }
    }
}

/// How feature maps and filters are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionChoice {
    /// f16 where it is known to pay and to be right, else f32
    Auto,
    /// 4 bytes a number
    F32,
    /// 2 bytes a number
    F16,
}

fn variants(names: &str) -> Result<ForcedVariants, String> {
    names.parse::<ForcedVariants>().map_err(|error| error.to_string())
}
