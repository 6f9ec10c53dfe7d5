//! `impasto validate`.

use super::{
    CliError,
    console::Console,
    machine_options::{DeviceOptions, notice},
};
use clap::Args;
use impasto::{
    Device, Engine,
    gpu::{Choice, OPERATIONS, Trial, Variant, trials},
    validate::{Case, Expected, Outcome, all_cases, cases},
};
use serde::Serialize;
use std::io::Write;

/// Compare every kernel with the exact reference on this device
///
/// Small cases of every operation, odd sizes among them, run on the device and on a slow reference in double precision: on a
/// GPU by every kernel that any setting can choose there, with every set of its constants, in each precision that the
/// device has. Exit code 1 if one differs by more than rounding.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    device: DeviceOptions,

    /// Only what has this name: an operation, a variant, or a part of a case's name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// Print a JSON object per line instead of a table: one for each case and kernel, then one that counts them. An error
    /// of null is infinite
    #[arg(long)]
    json: bool,
}

/// A case run by a kernel, as a line of JSON; scripts read its keys.
#[derive(Serialize)]
struct Line<'a> {
    operation: &'a str,
    variant: Option<&'static str>,
    constants: &'a str,
    precision: &'static str,
    case: &'a str,
    error: f64,
    tolerance: f64,
    wrong_words: usize,
    guards_intact: bool,
    place: &'a str,
    passed: bool,
}

/// The last line of JSON.
#[derive(Serialize)]
struct Summary<'a> {
    device: &'a str,
    passed: usize,
    failed: usize,
    kernels: &'a [Tally],
}

/// How many cases ran on a kernel.
#[derive(PartialEq, Serialize)]
struct Tally {
    operation: String,
    variant: Option<&'static str>,
    constants: String,
    precision: &'static str,
    cases: usize,
}

/// Everything that is run, in turn.
struct Report<'a> {
    device: &'a str,
    answer: &'a mut dyn Write,
    json: bool,
    kernels: Vec<Tally>,
    failed: usize,
    count: usize,
}

pub(crate) fn run(arguments: Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let device = arguments.device.open(console)?;
    notice(&device, console);
    let only = arguments.only.as_deref();
    let json = arguments.json;
    let mut report = Report { device: device.name(), answer, json, kernels: Vec::new(), failed: 0, count: 0 };
    let cases = match &device {
        Device::Gpu(gpu) => all_cases(gpu.has_f16()),
        Device::Cpu(_) | Device::Reference => cases(),
    };
    for case in cases {
        match &device {
            Device::Gpu(gpu) => {
                let mut trials = trials(gpu, &case);
                trials.retain(|trial| only.is_none_or(|name| is_called(name, &case, Some(trial))));
                if trials.is_empty() {
                    continue;
                }
                let expected = Expected::of(&case)?;
                for trial in trials {
                    report.add(&case, Some(trial.choice()), &trial.run(gpu, &expected)?)?;
                }
            }
            Device::Cpu(_) | Device::Reference if only.is_none_or(|name| is_called(name, &case, None)) => {
                let mut session = Engine::new(&device, case.filters.clone())?.session(&case.plan)?;
                report.add(&case, None, &Expected::of(&case)?.compare(&case, session.as_mut())?)?;
            }
            Device::Cpu(_) | Device::Reference => {}
        }
    }
    report.end(only)
}

/// Whether a name fits a case run by a kernel: the operation, the variant, or a part of the case's name.
fn is_called(name: &str, case: &Case, trial: Option<&Trial<'_>>) -> bool {
    if OPERATIONS.iter().any(|operation| operation.name == name) {
        case.operation() == name
    } else if let Some(variant) = Variant::named(name) {
        trial.is_some_and(|trial| trial.choice().variant() == Some(variant))
    } else {
        case.name.contains(name)
    }
}

impl Report<'_> {
    fn add(&mut self, case: &Case, choice: Option<Choice>, outcome: &Outcome) -> Result<(), CliError> {
        let variant = choice.and_then(|choice| choice.variant()).map(Variant::name);
        let constants = choice.map_or(String::new(), |choice| choice.constants());
        let precision = case.plan.precision.name();
        let Outcome { case: name, operation, error, tolerance, .. } = outcome;
        if self.json {
            let line = Line {
                operation,
                variant,
                constants: &constants,
                precision,
                case: name,
                error: *error,
                tolerance: *tolerance,
                wrong_words: outcome.wrong_words,
                guards_intact: outcome.guards_intact,
                place: &outcome.place,
                passed: outcome.passed(),
            };
            self.line(&line)?;
        } else {
            if self.count == 0 {
                let (kernel, case, error, allowed) = ("kernel", "case", "error", "allowed");
                writeln!(self.answer, "{kernel:<28} {case:<62} {error:>8} {allowed:>8}  {}", self.device)?;
            }
            let kernel = format!("{} {constants}", variant.unwrap_or_default());
            let verdict = verdict(outcome);
            writeln!(self.answer, "{:<28} {name:<62} {error:>8.1e} {tolerance:>8.0e}  {verdict}", kernel.trim_end())?;
        }
        self.failed += usize::from(!outcome.passed());
        self.count += 1;
        let tally =
            |cases| Tally { operation: operation.clone(), variant, constants: constants.clone(), precision, cases };
        let is_this = |other: &&mut Tally| **other == tally(other.cases);
        match self.kernels.iter_mut().find(is_this) {
            Some(known) => known.cases += 1,
            None => self.kernels.push(tally(1)),
        }
        Ok(())
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(line).map_err(|error| CliError::Failed(error.to_string()))?;
        Ok(writeln!(self.answer, "{text}")?)
    }

    fn end(mut self, only: Option<&str>) -> Result<(), CliError> {
        let device = self.device;
        if let (Some(name), 0) = (only, self.count) {
            let operations: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
            return Err(CliError::Usage(format!(
                "nothing that runs on {device} is called \"{name}\": --only takes an operation ({}), a variant ({}), or a \
                 part of a case's name",
                operations.join(", "),
                Variant::ALL.map(Variant::name).join(", ")
            )));
        }
        let Report { failed, count, .. } = self;
        let kernels = std::mem::take(&mut self.kernels);
        if self.json {
            self.line(&Summary { device, passed: count - failed, failed, kernels: &kernels })?;
        } else {
            writeln!(self.answer)?;
            for Tally { operation, variant, constants, precision, cases } in &kernels {
                let kernel = [operation, variant.unwrap_or_default(), constants].join(" ");
                writeln!(self.answer, "{:<62} {precision} {cases:>6} cases", kernel.trim_end())?;
            }
        }
        if failed > 0 {
            return Err(CliError::Failed(format!(
                "{failed} of {count} cases fail on {device}: use another --device, update its driver, and report this table"
            )));
        }
        if !self.json {
            writeln!(self.answer, "{count} cases by {} kernels passed on {device}", kernels.len())?;
        }
        Ok(())
    }
}

fn verdict(outcome: &Outcome) -> String {
    match outcome {
        _ if outcome.passed() => "ok".to_owned(),
        Outcome { guards_intact: false, .. } => "FAIL: words behind a slot were written".to_owned(),
        Outcome { wrong_words: 1.., .. } => format!("FAIL: {} wrong words, {}", outcome.wrong_words, outcome.place),
        _ => format!("FAIL: {}", outcome.place),
    }
}
