//! `impasto bench`.

mod iteration;
mod kernels;
mod report;

use super::{
    CliError,
    console::Console,
    machine_options::{DeviceOptions, KernelOptions, Way},
};
use clap::Args;
use impasto::{
    Device, Engine,
    gpu::{ForcedVariants, probe},
    options::size,
    plan::{Plan, Size, iteration},
    style::{Method, Recipe, network},
    vgg19::Layer,
    weights::{Filters, generated},
};
use report::{MeasuredPeak, Report};
use std::{io::Write, sync::Arc};

/// Time every kernel and a whole iteration: needs no file
///
/// VGG19 to relu5_1 with generated filters, content loss at relu4_2, five style losses, total variation and Adam.
///
/// Every kernel is timed in each precision that the device has, operations with several variants in every one; * marks what
/// the iteration uses. Where large maps are made in bands of rows, a row of the table is all bands together. GFLOP/s count the arithmetic
/// of the direct method, whatever a variant does instead; GB/s count every array once. On a GPU both are also given as
/// fractions of what the device was measured to do at most: f32 multiply-adds in registers, and a copy of large arrays. So Winograd's
/// method and half precision may exceed 100 % of the arithmetic, and arrays that fit a cache 100 % of the bandwidth.
///
/// An iteration's time is that of several in a row, as `stylize` runs them, divided by their number. Where a GPU carries out
/// two neighbouring steps in one kernel, the table has that kernel (named a+b) and each of the steps by itself.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    device: DeviceOptions,

    /// Size of the picture
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "512x384")]
    size: Size,

    /// Measurements of the iteration; kernels are timed as often, but not more than five times
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,

    #[command(flatten)]
    kernels: KernelOptions,

    /// Time the iteration alone
    #[arg(long)]
    no_kernels: bool,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// What is measured, on what.
struct Subject<'a> {
    device: &'a Device,
    filters: Arc<Filters>,
    size: Size,
}

impl Subject<'_> {
    fn engine(&self, way: &Way) -> Result<Engine, CliError> {
        way.clone().engine(self.device, self.filters.clone())
    }

    fn plan(&self, engine: &Engine) -> Result<Plan, CliError> {
        // Its steps take the same time whatever it has seen, and it works in every precision.
        let recipe = Recipe { method: Method::Adam, ..Recipe::default() };
        let network = network(engine, engine.precision(), self.size, recipe.border, recipe.pooling);
        Ok(iteration(&network, &recipe.terms_of_whole_pictures(), recipe.optimizer())?)
    }
}

pub(crate) fn run(arguments: Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let device = arguments.device.open(console)?;
    let report = measure(&device, &arguments, console)?;
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(|error| CliError::Failed(error.to_string()))?;
        writeln!(answer, "{text}")?;
        Ok(())
    } else {
        report.print(answer)
    }
}

fn measure(device: &Device, arguments: &Arguments, console: &Console) -> Result<Report, CliError> {
    let (size, repeats) = (arguments.size, arguments.repeats as usize);
    let way = arguments.kernels.way(device, console)?;
    let filters = Arc::new(generated(1, Recipe::default().deepest().unwrap_or(Layer::DEEPEST)));
    let subject = Subject { device, filters, size };
    let iteration = iteration::measure(&subject, &way, repeats)?;
    let (measured_peak, kernels) = match device {
        _ if arguments.no_kernels => (None, Vec::new()),
        Device::Gpu(gpu) => {
            let peak = Some(MeasuredPeak::from(probe(gpu)?));
            (peak, kernels::measure(&subject, &way, repeats, peak)?)
        }
        Device::Cpu(_) | Device::Reference => (None, kernels::measure(&subject, &way, repeats, None)?),
    };
    Ok(Report {
        device: device.name().to_owned(),
        driver: match device {
            Device::Gpu(gpu) => Some(gpu.driver()),
            Device::Cpu(_) | Device::Reference => None,
        },
        size: size.to_string(),
        precision: way.precision.name(),
        variant: (way.forced != ForcedVariants::NONE).then(|| way.forced.to_string()),
        iteration_ms: iteration.ms,
        iteration_ms_min: iteration.ms_min,
        host_ms: iteration.host_ms,
        peak_bytes: iteration.peak_bytes,
        measured_peak,
        kernels,
    })
}
