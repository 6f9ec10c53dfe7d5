//! `impasto validate`.

use super::{CliError, options::DeviceOptions};
use clap::Args;
use impasto::{
    Device, Engine,
    gpu::Conv3x3Variant,
    validate::{Case, Outcome, banded_cases, cases, cooperative_cases, f16_cases, run as run_case},
};
use std::io::Write;

/// Compare every kernel with the exact reference on this device
///
/// Small cases of every operation, odd sizes among them, run on the device and on a slow reference in double precision.
/// Exit code 1 if one differs by more than rounding.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    device: DeviceOptions,
}

pub(crate) fn run(arguments: Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let device = arguments.device.open()?;
    let mut cases = cases();
    if let Device::Gpu(gpu) = &device {
        cases.extend(banded_cases());
        if gpu.has_f16() {
            cases.extend(f16_cases().into_iter().chain(cooperative_cases()));
        }
    }
    let (mut failed, mut count) = (0, 0);
    writeln!(answer, "{:<9} {:<58} {:>9} {:>9}  {}", "variant", "case", "error", "allowed", device.name())?;
    for (name, variant) in variants(&device) {
        for case in cases.iter().filter(|case| variant.is_none_or(|variant| is_made_by(&device, case, variant))) {
            let outcome = outcome(&device, case, variant)?;
            let shown = if is_convolution(case) { name } else { "" };
            writeln!(
                answer,
                "{shown:<9} {:<58} {:>9.1e} {:>9.0e}  {}",
                outcome.case,
                outcome.error,
                outcome.tolerance,
                verdict(&outcome)
            )?;
            failed += usize::from(!outcome.passed());
            count += 1;
        }
    }
    if failed > 0 {
        let name = device.name();
        return Err(CliError::Failed(format!(
            "{failed} of {count} cases fail on {name}: use another --device, update its driver, and report this table"
        )));
    }
    writeln!(answer, "{count} passed on {}", device.name())?;
    Ok(())
}

/// Variants of the convolution, or one of no name where there are none.
fn variants(device: &Device) -> Vec<(&'static str, Option<Conv3x3Variant>)> {
    match device {
        Device::Gpu(_) => Conv3x3Variant::ALL.map(|variant| (variant.name(), Some(variant))).to_vec(),
        Device::Cpu(_) | Device::Reference => vec![("", None)],
    }
}

/// Whether a case runs for a variant: convolutions that it can do, and with the first all else.
fn is_made_by(device: &Device, case: &Case, variant: Conv3x3Variant) -> bool {
    let Device::Gpu(gpu) = device else { return true };
    let (step, precision) = (&case.plan.steps[0], case.plan.precision);
    let of_step = Conv3x3Variant::of_step(step, precision, gpu.trusted_abilities(precision), Some(variant));
    of_step.unwrap_or(Conv3x3Variant::Plain) == variant
}

fn is_convolution(case: &Case) -> bool {
    case.plan.steps[0].operation().starts_with("conv3x3")
}

fn outcome(device: &Device, case: &Case, variant: Option<Conv3x3Variant>) -> Result<Outcome, CliError> {
    Ok(run_case(case, &mut |plan, filters| {
        let engine = Engine::new(device, filters.clone())?;
        match variant {
            Some(variant) => engine.with_variant(variant).session(plan),
            None => engine.session(plan),
        }
    })?)
}

fn verdict(outcome: &Outcome) -> String {
    match outcome {
        _ if outcome.passed() => "ok".to_owned(),
        Outcome { guards_intact: false, .. } => "FAIL: words behind a slot were written".to_owned(),
        Outcome { wrong_words: 1.., .. } => format!("FAIL: {} wrong words, {}", outcome.wrong_words, outcome.place),
        _ => format!("FAIL: {}", outcome.place),
    }
}
