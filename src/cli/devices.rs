//! `impasto devices`.

use super::CliError;
use clap::Args;
use impasto::{
    automatic,
    gpu::{Adapter, adapters},
    printable::printable,
};
use std::{collections::BTreeMap, io::Write};

/// List what can compute, and what `--device auto` takes
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(answer: &mut dyn Write) -> Result<(), CliError> {
    let adapters = adapters();
    let mut faults = BTreeMap::new();
    let automatic = automatic(&adapters, None, &mut |index, error| {
        faults.insert(index, error.to_string());
    })
    .map(|(index, _)| index);
    for (index, adapter) in adapters.iter().enumerate() {
        describe(index, adapter, Some(index) == automatic, answer)?;
        if let Some(fault) = faults.get(&index) {
            writeln!(answer, "     auto passes it over: {}", printable(fault))?;
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    writeln!(answer, "cpu  CPU back end{}", mark(automatic.is_none()))?;
    writeln!(answer, "     {threads} threads; takes no part of a GPU or its driver")?;
    Ok(())
}

fn mark(automatic: bool) -> &'static str {
    if automatic { "   <- auto" } else { "" }
}

fn describe(index: usize, adapter: &Adapter, automatic: bool, answer: &mut dyn Write) -> Result<(), CliError> {
    let info = &adapter.info;
    writeln!(answer, "{index:<4} {}{}", info.name, mark(automatic))?;
    writeln!(answer, "     {}, {}, driver {}", info.kind, info.api, info.driver)?;
    writeln!(
        answer,
        "     {} MiB in one binding, {} KiB workgroup memory, {} invocations a workgroup, subgroups of {} to {}",
        info.largest_binding >> 20,
        info.workgroup_memory >> 10,
        info.invocations,
        info.subgroups.start(),
        info.subgroups.end(),
    )?;
    if let Some(memory) = adapter.memory() {
        writeln!(answer, "     {} MiB of memory", memory >> 20)?;
    }
    let features: Vec<String> = info.features.iter().map(ToString::to_string).collect();
    writeln!(answer, "     features: {}", if features.is_empty() { "none".to_owned() } else { features.join(", ") })?;
    Ok(())
}
