//! Every step of an iteration by itself, convolutions in every variant.

use super::{
    Subject,
    report::{Kernel, MeasuredPeak},
};
use crate::cli::CliError;
use impasto::{
    Device, Session,
    gpu::Conv3x3Variant,
    plan::{FeatureShape, Plan, SlotId, Step},
    random::Random,
};
use std::collections::{HashMap, HashSet};

/// Runs of each kernel at most: there are many.
const MOST_REPEATS: usize = 5;

/// Ways to compute that are timed: every variant of the convolution on a GPU, the only way elsewhere.
fn combinations(device: &Device) -> Vec<Option<Conv3x3Variant>> {
    match device {
        Device::Gpu(_) => Conv3x3Variant::ALL.map(Some).to_vec(),
        Device::Cpu(_) | Device::Reference => vec![None],
    }
}

/// A kernel for each step of the plan, for convolutions one for each variant that can do it. `asked` is the variant that
/// the iteration was asked to use.
pub(super) fn measure(
    subject: &Subject<'_>,
    plan: &Plan,
    asked: Option<Conv3x3Variant>,
    repeats: usize,
    peak: Option<MeasuredPeak>,
) -> Result<Vec<Kernel>, CliError> {
    let on_gpu = matches!(subject.device, Device::Gpu(_));
    let variant_of = |step: &Step, asked| if on_gpu { Conv3x3Variant::of_step(step, asked) } else { None };
    let key = |index: usize, asked| (variant_of(&plan.steps[index], asked), Work::of(index, &plan.steps[index]));
    let mut planned = HashSet::new();
    let mut seconds = HashMap::new();
    for combination in combinations(subject.device) {
        let able = |variant: Option<Conv3x3Variant>| variant.is_none() || variant == combination;
        let steps: Vec<usize> = (0..plan.steps.len())
            .filter(|&index| able(key(index, combination).0) && planned.insert(key(index, combination)))
            .collect();
        let times = time(subject, &plan.only(&steps), combination, repeats.min(MOST_REPEATS))?;
        seconds.extend(steps.into_iter().map(|index| key(index, combination)).zip(times));
    }
    let mut kernels = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let chosen = variant_of(step, asked);
        for variant in std::iter::once(None).chain(Conv3x3Variant::ALL.map(Some)) {
            if let Some(&seconds) = seconds.get(&(variant, Work::of(index, step))) {
                let (operation, cost) = (step.operation(), plan.cost(step));
                let name = variant.map(Conv3x3Variant::name);
                kernels.push(Kernel::new(operation, layer(step), name, variant == chosen, cost, seconds, peak));
            }
        }
    }
    Ok(kernels)
}

/// What two steps have in common that take the same time: operation, input channels, shape and what is written besides.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    Conv3x3 {
        inputs: u32,
        shape: FeatureShape,
        mask: bool,
    },
    Conv3x3Backward {
        inputs: u32,
        shape: FeatureShape,
        accumulate: bool,
        mask: bool,
    },
    /// The step of this number.
    Other(usize),
}

impl Work {
    fn of(index: usize, step: &Step) -> Work {
        match step {
            Step::Conv3x3(step) => {
                Work::Conv3x3 { inputs: step.layer.input_channels(), shape: step.shape, mask: step.mask.is_some() }
            }
            Step::Conv3x3Backward(step) => Work::Conv3x3Backward {
                inputs: step.layer.output_channels(),
                shape: step.shape,
                accumulate: step.into.accumulate,
                mask: step.into.mask.is_some(),
            },
            _ => Work::Other(index),
        }
    }
}

fn time(
    subject: &Subject<'_>,
    plan: &Plan,
    conv3x3: Option<Conv3x3Variant>,
    repeats: usize,
) -> Result<Vec<f64>, CliError> {
    let mut session = subject.engine(conv3x3)?.session(plan)?;
    fill(plan, session.as_mut())?;
    Ok(session.time_steps(repeats)?)
}

/// Fills every buffer with words that are small positive numbers as f32, and two numbers between 0.5 and 1 each as f16:
/// some GPUs compute faster with zeros.
fn fill(plan: &Plan, session: &mut dyn Session) -> Result<(), CliError> {
    let mut random = Random::new(3);
    let noise: Vec<u32> = (0..1 << 20).map(|_| 0x3800_3800 | (random.bits() as u32 & 0x03FF_03FF)).collect();
    for buffer in 0..plan.buffers.len() {
        let tenants = (0..plan.slots.len()).filter(|&slot| plan.slots[slot].buffer == buffer);
        let Some(slot) = tenants.max_by_key(|&slot| plan.slots[slot].words) else { continue };
        let words = plan.slots[slot].words;
        let mut contents = noise.repeat(words.div_ceil(noise.len()));
        contents.truncate(words);
        session.write(SlotId(slot), bytemuck::cast_slice(&contents))?;
    }
    Ok(())
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
