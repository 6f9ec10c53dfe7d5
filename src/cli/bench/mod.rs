//! `impasto bench`.

mod iteration;
mod kernels;
mod report;

use super::{
    CliError,
    options::{DeviceOptions, VariantOptions, size},
};
use clap::Args;
use impasto::{
    Device, Engine,
    gpu::{Conv3x3Variant, probe},
    plan::{Size, iteration},
    style::{Recipe, network},
    vgg19::Layer,
    weights::{Filters, generated},
};
use report::{MeasuredPeak, Report};
use std::{io::Write, sync::Arc};

/// Time every kernel and a whole iteration: needs no file
///
/// VGG19 to relu5_1 with generated filters, content loss at relu4_2, five style losses, total variation and Adam.
///
/// Of a convolution every variant is timed; * marks the one that an iteration uses. GFLOP/s count the arithmetic of the
/// direct method, whatever a variant does instead; GB/s count every array once. On a GPU both are also given as fractions
/// of what the device was measured to do at most: f32 multiply-adds in registers, and a copy of large arrays. So Winograd's
/// method and half precision may exceed 100 % of the arithmetic, and arrays that fit a cache 100 % of the bandwidth.
///
/// An iteration's time is that of several in a row, as `stylize` runs them, divided by their number.
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
    variant: VariantOptions,

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
}

impl Subject<'_> {
    fn engine(&self, conv3x3: Option<Conv3x3Variant>) -> Result<Engine, CliError> {
        let engine = Engine::new(self.device, self.filters.clone())?;
        Ok(match conv3x3 {
            Some(variant) => engine.with_variant(variant),
            None => engine,
        })
    }
}

pub(crate) fn run(arguments: Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let device = arguments.device.open()?;
    let report = measure(&device, &arguments)?;
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(|error| CliError::Failed(error.to_string()))?;
        writeln!(answer, "{text}")?;
        Ok(())
    } else {
        report.print(answer)
    }
}

fn measure(device: &Device, arguments: &Arguments) -> Result<Report, CliError> {
    let asked = arguments.variant.conv3x3(device)?;
    let recipe = Recipe::default();
    let filters = Arc::new(generated(1, recipe.deepest().unwrap_or(Layer::DEEPEST)));
    let subject = Subject { device, filters };
    let engine = subject.engine(asked)?;
    let network = network(&engine, arguments.size, recipe.border, recipe.pooling);
    let plan = iteration(&network, &recipe.losses(), recipe.optimizer())?;
    let iteration = iteration::measure(device, &engine, &plan, arguments.repeats as usize)?;
    drop(engine);
    let (measured_peak, kernels) = if arguments.no_kernels {
        (None, Vec::new())
    } else {
        let peak = match device {
            Device::Gpu(gpu) => Some(MeasuredPeak::from(probe(gpu)?)),
            Device::Cpu(_) | Device::Reference => None,
        };
        (peak, kernels::measure(&subject, &plan, asked, arguments.repeats as usize, peak)?)
    };
    Ok(Report {
        device: device.name().to_owned(),
        driver: match device {
            Device::Gpu(gpu) => Some(gpu.driver()),
            Device::Cpu(_) | Device::Reference => None,
        },
        size: arguments.size.to_string(),
        variant: asked.map(Conv3x3Variant::name),
        iteration_ms: iteration.ms,
        iteration_ms_min: iteration.ms_min,
        peak_bytes: iteration.peak_bytes,
        measured_peak,
        kernels,
    })
}
