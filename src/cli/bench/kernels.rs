//! Every step of an iteration by itself, convolutions in every variant.

use super::{
    Subject, Way,
    report::{Kernel, MeasuredPeak},
};
use crate::cli::CliError;
use impasto::{
    Device,
    gpu::Conv3x3Variant,
    plan::{FeatureShape, Plan, Precision, Step},
    write_noise,
};
use std::collections::{HashMap, HashSet};

/// Runs of each kernel at most: there are many.
const MOST_REPEATS: usize = 5;

/// Precisions that are timed.
fn precisions(device: &Device) -> &'static [Precision] {
    if device.has_f16() { &[Precision::F32, Precision::F16] } else { &[Precision::F32] }
}

/// Variants of the convolution that are timed: all on a GPU; elsewhere there are none.
fn variants(device: &Device) -> Vec<Option<Conv3x3Variant>> {
    match device {
        Device::Gpu(_) => Conv3x3Variant::ALL.map(Some).to_vec(),
        Device::Cpu(_) | Device::Reference => vec![None],
    }
}

/// Every step of an iteration in each precision, convolutions in each variant that can do them. `way` is what the
/// iteration itself uses.
pub(super) fn measure(
    subject: &Subject<'_>,
    way: Way,
    repeats: usize,
    peak: Option<MeasuredPeak>,
) -> Result<Vec<Kernel>, CliError> {
    let mut kernels = Vec::new();
    for &precision in precisions(subject.device) {
        kernels.extend(measure_in(subject, way, precision, repeats, peak)?);
    }
    Ok(kernels)
}

fn measure_in(
    subject: &Subject<'_>,
    way: Way,
    precision: Precision,
    repeats: usize,
    peak: Option<MeasuredPeak>,
) -> Result<Vec<Kernel>, CliError> {
    let engine = subject.engine(Way { precision, ..way })?;
    let plan = subject.plan(&engine)?;
    let variant_of = |step: &Step, asked| match subject.device {
        Device::Gpu(gpu) => Conv3x3Variant::of_step(step, precision, gpu.trusted_abilities(precision), asked),
        Device::Cpu(_) | Device::Reference => None,
    };
    let key = |index: usize, asked| (variant_of(&plan.steps[index], asked), Work::of(index, &plan.steps[index]));
    let mut planned = HashSet::new();
    let mut seconds = HashMap::new();
    for variant in variants(subject.device) {
        let able = |found: Option<Conv3x3Variant>| found.is_none() || found == variant;
        // Backwards: neighbours that follow each other as in the iteration might be carried out by one kernel.
        let steps: Vec<usize> = (0..plan.steps.len())
            .rev()
            .filter(|&index| able(key(index, variant).0) && planned.insert(key(index, variant)))
            .collect();
        let times = time(subject, Way { precision, conv3x3: variant }, &plan.only(&steps), repeats.min(MOST_REPEATS))?;
        seconds.extend(steps.into_iter().map(|index| key(index, variant)).zip(times));
    }
    let mut kernels: Vec<Kernel> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let chosen = engine.variant(&plan, step);
        for variant in std::iter::once(None).chain(Conv3x3Variant::ALL.map(Some)) {
            let Some(&seconds) = seconds.get(&(variant, Work::of(index, step))) else { continue };
            let kernel = Kernel {
                operation: step.operation(),
                layer: layer(step),
                precision: precision.name(),
                variant: variant.map(Conv3x3Variant::name),
                chosen: variant == chosen && precision == way.precision,
                steps: 1,
                seconds,
                cost: plan.cost(step),
                peak,
            };
            // Bands of one map, and losses of one size.
            match kernels.iter_mut().find(|other| other.is_like(&kernel)) {
                Some(other) => other.add(&kernel),
                None => kernels.push(kernel),
            }
        }
    }
    Ok(kernels)
}

/// What convolutions have in common that take the same time. Other steps are all timed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    Conv3x3 {
        inputs: u32,
        shape: FeatureShape,
        rows: usize,
        mask: bool,
    },
    Conv3x3Backward {
        inputs: u32,
        shape: FeatureShape,
        rows: usize,
        accumulate: bool,
        mask: bool,
    },
    /// The step of this number.
    Other(usize),
}

impl Work {
    fn of(index: usize, step: &Step) -> Work {
        match step {
            Step::Conv3x3(step) => Work::Conv3x3 {
                inputs: step.layer.input_channels(),
                shape: step.shape,
                rows: step.rows.count(),
                mask: step.mask.is_some(),
            },
            Step::Conv3x3Backward(step) => Work::Conv3x3Backward {
                inputs: step.layer.output_channels(),
                shape: step.shape,
                rows: step.rows.count(),
                accumulate: step.into.accumulate,
                mask: step.into.mask.is_some(),
            },
            _ => Work::Other(index),
        }
    }
}

fn time(subject: &Subject<'_>, way: Way, plan: &Plan, repeats: usize) -> Result<Vec<f64>, CliError> {
    let mut session = subject.engine(way)?.session(plan)?;
    write_noise(session.as_mut(), plan)?;
    Ok(session.time_steps(repeats)?)
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
