//! Times every step of an iteration by itself, in every variant, and pairs of steps that one kernel runs together.

use super::{
    Subject, Way,
    report::{Kernel, MeasuredPeak},
};
use crate::cli::CliError;
use impasto::{
    Device, StepKernel,
    gpu::{ForcedVariants, Variant, WorkShape},
    plan::{
        Cholesky, Covariance, FeatureShape, GramLoss, MatrixProduct, MomentsLoss, Plan, Precision, Step,
        WassersteinLoss,
    },
    write_noise,
};
use std::collections::{HashMap, HashSet};

/// At most so many runs of each kernel, because there are many kernels.
const MOST_REPEATS: usize = 5;

/// Precisions that are timed.
fn precisions(device: &Device) -> &'static [Precision] {
    if device.has_f16() { &[Precision::F32, Precision::F16] } else { &[Precision::F32] }
}

/// Variants that can run a step; a single `None` where there is no choice.
fn variants(device: &Device, step: &Step, precision: Precision) -> Vec<Option<Variant>> {
    let Device::Gpu(gpu) = device else { return vec![None] };
    let choices = WorkShape::of(step, precision).choices(gpu.trusted_abilities(precision));
    let mut variants: Vec<_> = choices.iter().map(|choice| choice.variant()).collect();
    variants.dedup();
    variants
}

fn forced(variant: Option<Variant>) -> ForcedVariants {
    variant.map_or(ForcedVariants::NONE, ForcedVariants::from)
}

/// Every step of an iteration in each precision and each variant that can do it. `way` is what the iteration uses.
pub(super) fn measure(
    subject: &Subject<'_>,
    way: &Way,
    repeats: usize,
    peak: Option<MeasuredPeak>,
) -> Result<Vec<Kernel>, CliError> {
    let mut kernels = Vec::new();
    for &precision in precisions(subject.device) {
        kernels.extend(measure_in(subject, way, precision, repeats.min(MOST_REPEATS), peak)?);
    }
    Ok(kernels)
}

fn measure_in(
    subject: &Subject<'_>,
    way: &Way,
    precision: Precision,
    repeats: usize,
    peak: Option<MeasuredPeak>,
) -> Result<Vec<Kernel>, CliError> {
    let engine = subject.engine(&Way { precision, ..way.clone() })?;
    let plan = subject.plan(&engine)?;
    let seconds = time_steps(subject, &plan, repeats)?;
    let mut kernels: Vec<Kernel> = Vec::new();
    let mut add = |steps: &[Step], operation, variant: Option<Variant>, chosen, seconds| {
        let kernel = Kernel {
            operation,
            layer: layer(&steps[0]),
            precision: precision.name(),
            variant: variant.map(Variant::name),
            chosen: chosen && precision == way.precision,
            steps: 1,
            seconds,
            cost: steps.iter().map(|step| plan.cost(step)).sum(),
            peak,
        };
        // Bands of one map, and losses of one size, share a row.
        match kernels.iter_mut().find(|other| other.is_like(&kernel)) {
            Some(other) => other.add(&kernel),
            None => kernels.push(kernel),
        }
    };
    let mut together = HashMap::new();
    for StepKernel { steps, operation, variant } in engine.kernels(&plan) {
        let both = steps.len() > 1;
        if both {
            let key = (operation, Work::of(steps.start, &plan.steps[steps.start]));
            let seconds = match together.get(&key) {
                Some(&seconds) => seconds,
                None => {
                    // With buffers of their own, as the session found them: else it would not fuse them.
                    let pair = plan.only(&[steps.start, steps.start + 1]).unshared();
                    time(subject, Way { precision, forced: forced(variant) }, &pair, repeats)?.iter().sum()
                }
            };
            together.insert(key, seconds);
            add(&plan.steps[steps.clone()], operation, variant, true, seconds);
        }
        for index in steps {
            let step = &plan.steps[index];
            for of_step in variants(subject.device, step, precision) {
                let Some(&seconds) = seconds.get(&(of_step, Work::of(index, step))) else { continue };
                add(&[*step], step.operation(), of_step, !both && of_step == variant, seconds);
            }
        }
    }
    Ok(kernels)
}

/// Seconds of each step by itself, in every variant that can do it.
fn time_steps(
    subject: &Subject<'_>,
    plan: &Plan,
    repeats: usize,
) -> Result<HashMap<(Option<Variant>, Work), f64>, CliError> {
    let precision = plan.precision;
    let mut planned = HashSet::new();
    let mut seconds = HashMap::new();
    for variant in std::iter::once(None).chain(Variant::ALL.map(Some)) {
        let key = |index: usize| (variant, Work::of(index, &plan.steps[index]));
        let can = |index: usize| variants(subject.device, &plan.steps[index], precision).contains(&variant);
        // Backwards, because two steps in the iteration's order might be fused into one kernel.
        let steps: Vec<usize> =
            (0..plan.steps.len()).rev().filter(|&index| can(index) && planned.insert(key(index))).collect();
        let times = time(subject, Way { precision, forced: forced(variant) }, &plan.only(&steps), repeats)?;
        seconds.extend(steps.into_iter().map(key).zip(times));
    }
    Ok(seconds)
}

/// What convolutions that take the same time have in common. Other steps are all timed.
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
    /// The step with this number.
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
    let mut session = subject.engine(&way)?.session(plan)?;
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
        Step::GramLoss(GramLoss { channels, .. })
        | Step::MomentsLoss(MomentsLoss { channels, .. })
        | Step::WassersteinLoss(WassersteinLoss { channels, .. })
        | Step::Covariance(Covariance { channels, .. })
        | Step::MatrixProduct(MatrixProduct { channels, .. })
        | Step::Cholesky(Cholesky { channels, .. }) => format!("{channels}x{channels}"),
        _ => String::new(),
    }
}
