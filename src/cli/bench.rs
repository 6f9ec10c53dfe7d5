//! `impasto bench`.

use super::{
    CliError,
    options::{DeviceOptions, size},
};
use clap::Args;
use impasto::{
    Device, Engine, Session,
    plan::{INITIAL_STATE, Plan, Routine, Size, Step, Tensor, iteration},
    random::Random,
    style::{Recipe, network},
    vgg19::Layer,
    weights::generated,
    write_values,
};
use serde::Serialize;
use std::{io::Write, sync::Arc, time::Instant};

/// Time every kernel and a whole iteration: needs no file
///
/// VGG19 to relu5_1 with generated filters, content loss at relu4_2, five style losses, total variation and Adam.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    device: DeviceOptions,

    /// Size of the picture
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "512x384")]
    size: Size,

    /// Whole iterations that are timed, and runs of each kernel
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    device: String,
    size: String,
    iteration_ms: f64,
    iteration_ms_min: f64,
    peak_bytes: u64,
    kernels: Vec<Kernel>,
}

#[derive(Serialize)]
struct Kernel {
    operation: &'static str,
    layer: String,
    ms: f64,
    gflops: f64,
    gbytes: f64,
}

pub(crate) fn run(arguments: Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let device = arguments.device.open()?;
    let report = measure(&device, arguments.size, arguments.repeats as usize)?;
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(|error| CliError::Failed(error.to_string()))?;
        writeln!(answer, "{text}")?;
        Ok(())
    } else {
        print(&report, answer)
    }
}

fn measure(device: &Device, size: Size, repeats: usize) -> Result<Report, CliError> {
    let recipe = Recipe::default();
    let engine = Engine::new(device, Arc::new(generated(1, recipe.deepest().unwrap_or(Layer::DEEPEST))))?;
    let network = network(&engine, size, recipe.border, recipe.pooling);
    let plan = iteration(&network, &recipe.losses(), recipe.optimizer())?;
    let mut session = engine.session(&plan)?;
    fill(&plan, session.as_mut())?;
    let state = plan.find(Tensor::State).expect("an iteration plan has a state");
    let mut times = Vec::with_capacity(repeats);
    // The first two runs compile, and teach the session the device's speed.
    for run in 0..repeats + 2 {
        let start = Instant::now();
        session.run(Routine::Evaluate)?;
        session.run(Routine::Adam)?;
        session.read(state)?;
        if run >= 2 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let seconds = session.time_steps(repeats)?;
    let kernels = plan.steps.iter().zip(seconds).map(|(step, seconds)| kernel(&plan, step, seconds)).collect();
    Ok(Report {
        device: device.name().to_owned(),
        size: size.to_string(),
        iteration_ms: times[times.len() / 2],
        iteration_ms_min: times[0],
        peak_bytes: peak_bytes(device, session.as_ref()),
        kernels,
    })
}

/// On a GPU what the session holds there; on the CPU the largest resident size of the process, where the system tells.
fn peak_bytes(device: &Device, session: &dyn Session) -> u64 {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
    };
    match device {
        Device::Gpu(_) => session.bytes(),
        Device::Cpu(_) | Device::Reference => resident().unwrap_or_else(|| session.bytes()),
    }
}

/// A noisy picture, targets of plausible size, and small weights.
fn fill(plan: &Plan, session: &mut dyn Session) -> Result<(), CliError> {
    let mut random = Random::new(7);
    for (index, slot) in plan.slots.iter().enumerate() {
        let values = match slot.tensor {
            Tensor::Image | Tensor::ContentTarget(_) | Tensor::StyleTarget(_) => {
                random.uniform_values(slot.words, 0.0, 1.0)
            }
            Tensor::Coefficients => vec![1e-6; slot.words],
            Tensor::State => INITIAL_STATE.map(f32::from_bits).to_vec(),
            _ => continue,
        };
        write_values(session, impasto::plan::SlotId(index), &values)?;
    }
    Ok(())
}

fn kernel(plan: &Plan, step: &Step, seconds: f64) -> Kernel {
    let cost = plan.cost(step);
    Kernel {
        operation: step.operation(),
        layer: layer(step),
        ms: seconds * 1e3,
        gflops: cost.flops as f64 / seconds * 1e-9,
        gbytes: cost.bytes as f64 / seconds * 1e-9,
    }
}

/// Which layer, or which shape.
fn layer(step: &Step) -> String {
    match step {
        Step::Conv3x3(step) => format!("{} {}", step.layer.name().replace("relu", "conv"), step.shape),
        Step::Conv3x3Backward(step) => format!("{} {}", step.layer.name().replace("relu", "conv"), step.shape),
        Step::MaxPool(step) => step.shape.to_string(),
        Step::MaxPoolBackward(step) => step.shape.to_string(),
        Step::Gram(step) => step.shape.to_string(),
        Step::GramBackward(step) => step.shape.to_string(),
        Step::ContentLoss(step) => step.shape.to_string(),
        Step::StyleLoss(step) => format!("{0}x{0}", step.channels),
        _ => String::new(),
    }
}

fn print(report: &Report, answer: &mut dyn Write) -> Result<(), CliError> {
    writeln!(answer, "{} at {}", report.device, report.size)?;
    writeln!(answer, "{:<24} {:<24} {:>10} {:>10} {:>8}", "kernel", "layer", "ms", "GFLOP/s", "GB/s")?;
    for kernel in &report.kernels {
        let flops = if kernel.gflops > 0.0 { format!("{:.1}", kernel.gflops) } else { "-".to_owned() };
        writeln!(
            answer,
            "{:<24} {:<24} {:>10.3} {:>10} {:>8.1}",
            kernel.operation, kernel.layer, kernel.ms, flops, kernel.gbytes
        )?;
    }
    writeln!(answer, "iteration: {:.2} ms median, {:.2} ms fastest", report.iteration_ms, report.iteration_ms_min)?;
    writeln!(answer, "peak: {:.0} MiB", report.peak_bytes as f64 / f64::from(1 << 20))?;
    Ok(())
}
