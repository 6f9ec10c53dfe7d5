//! `impasto stylize --explain`: the plan of the last size, and how long painting takes.

use super::{CliError, progress::about};
use impasto::{
    Engine, StepKernel,
    plan::{Cost, Plan, Routine, Segment, Size, Slot, StepSummary, deal},
    style::{
        Memory, Method, Outline, Planned, Reason, Recipe, ScalePlans, checkpoint_bytes, checkpoint_memory, duration,
        memories, shortage,
    },
    weights::{Filters, generated},
};
use std::{io::Write, ops::RangeInclusive};

/// Prints what would be done to paint pictures of these sizes. `with_filters` makes an engine on the same device.
pub(super) fn explain(
    engine: &Engine,
    with_filters: impl FnOnce(Filters) -> Result<Engine, CliError>,
    outline: &Outline,
    recipe: &Recipe,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    let plans = ScalePlans::last(engine, outline, recipe).map_err(Box::new)?;
    let peaks = memories(engine, outline, recipe).map_err(Box::new)?;
    let shortage = shortage(engine, outline, recipe).map_err(Box::new)?;
    let plan = plans.iteration.on_device(0);
    header(engine, &plans, recipe, answer)?;
    windows(engine, &plans.iteration, answer)?;
    writeln!(answer, "\nlayers")?;
    let deepest = recipe.deepest().expect("a recipe that has plans has layers");
    for segment in &plan.segments {
        describe(segment, answer)?;
    }
    steps(engine, plan, answer)?;
    slots(plan, answer)?;
    totals(&engine.devices()[0], plan, peaks[0], answer)?;
    memory_of_each(engine, &peaks, answer)?;
    writeln!(answer, "{}", checkpoint_takes(engine, &plans, outline, recipe).map_err(Box::new)?)?;
    match shortage {
        Some(shortage) => writeln!(answer, "{}", CliError::Shortage(shortage).sentence())?,
        // It would take longer than the painting on any other.
        None if engine.back_end() == "reference" => {}
        None => {
            let engine = with_filters(generated(1, deepest))?;
            let time = duration(&engine, outline, recipe).map_err(Box::new)?;
            writeln!(answer, "time: {} here, if nothing else keeps the device busy", about(time))?;
        }
    }
    Ok(())
}

/// What checkpoints take: of the disk, where an old one stays until the new one is whole, and of memory, where the new one is
/// gathered from a GPU.
pub(super) fn checkpoint_takes(
    engine: &Engine,
    last: &ScalePlans,
    outline: &Outline,
    recipe: &Recipe,
) -> Result<String, Reason> {
    let bytes = checkpoint_bytes(outline.content, recipe)?;
    let (largest, twice) = (bytes.div_ceil(1 << 20), (2 * bytes).div_ceil(1 << 20));
    let gathered = match checkpoint_memory(engine, last, recipe).div_ceil(1 << 20) {
        0 => "no memory".to_owned(),
        memory => format!("{memory} MiB of memory"),
    };
    Ok(format!(
        "with --checkpoint: {largest} MiB on the disk, {twice} MiB while one is written, and {gathered} besides"
    ))
}

fn header(engine: &Engine, plans: &ScalePlans, recipe: &Recipe, answer: &mut dyn Write) -> Result<(), CliError> {
    let plan = plans.iteration.on_device(0);
    let iterations = recipe.iterations_of(plans.scales - 1);
    let optimizer = match recipe.method {
        Method::Adam => "Adam",
        Method::Lbfgs => "L-BFGS",
    };
    writeln!(
        answer,
        "{} with {}: {iterations} iterations of {optimizer}, maps in {}, on {}",
        plans.size,
        paintings(&plans.styles),
        plan.precision,
        engine.name()
    )?;
    if plans.scales > 1 {
        writeln!(
            answer,
            "the last of {} sizes; the smaller ones take less time and have plans of their own",
            plans.scales
        )?;
    }
    Ok(())
}

/// How many windows there are, and how large; what follows is about one of them.
fn windows(engine: &Engine, planned: &Planned, answer: &mut dyn Write) -> Result<(), CliError> {
    let Some(cover) = planned.windows() else { return Ok(()) };
    let on = if engine.is_of_several() { " on the first device" } else { "" };
    writeln!(
        answer,
        "in overlapping windows of {}: {} for the statistics, {} for the gradient; what follows is one window's{on}",
        cover.size,
        cover.statistics.len(),
        cover.gradients.len()
    )?;
    if engine.is_of_several() {
        let speeds = engine.speeds();
        let [statistics, gradients] = [&cover.statistics, &cover.gradients].map(|tiles| deal(tiles.len(), &speeds));
        for ((device, statistics), gradients) in engine.devices().iter().zip(statistics).zip(gradients) {
            writeln!(answer, "  {}: {} and {} of them", device.name(), statistics.len(), gradients.len())?;
        }
    }
    Ok(())
}

/// What each of several devices takes and has.
fn memory_of_each(engine: &Engine, peaks: &[Memory], answer: &mut dyn Write) -> Result<(), CliError> {
    if !engine.is_of_several() {
        return Ok(());
    }
    for (device, peak) in engine.devices().iter().zip(peaks) {
        let has = device.available().map_or("an unknown amount".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
        writeln!(answer, "{}: takes {} MiB of {has}", device.name(), mebibytes(peak.on(device)))?;
    }
    Ok(())
}

/// The sizes of paintings in words.
fn paintings(sizes: &[Size]) -> String {
    let named: Vec<String> = sizes.iter().map(Size::to_string).collect();
    format!("{} of {}", if sizes.len() == 1 { "a painting" } else { "paintings" }, named.join(", "))
}

fn describe(segment: &Segment, answer: &mut dyn Write) -> Result<(), CliError> {
    let names = format!("{} to {}", segment.first(), segment.last());
    let rows =
        |pick: fn(usize, usize) -> usize| segment.bands.iter().map(|band| band.count()).reduce(pick).unwrap_or(0);
    let makes = segment.above.map_or("its last map".to_owned(), |above| format!("the pooled input of {above}"));
    if segment.is_whole() {
        writeln!(answer, "  {names:<20} whole")?;
    } else {
        let (bands, few, many) = (segment.bands.len(), rows(usize::min), rows(usize::max));
        writeln!(answer, "  {names:<20} in {bands} bands of {few} to {many} rows of {makes}")?;
    }
    Ok(())
}

/// Every step; bands of one map in one line.
fn steps(engine: &Engine, plan: &Plan, answer: &mut dyn Write) -> Result<(), CliError> {
    let heads = ("step", "makes", "rows", "times", "kernel", "GFLOP", "MiB moved");
    let (step, makes, rows, times, kernel, gflop, moved) = heads;
    writeln!(answer, "\n{step:<22} {makes:<38} {rows:>11} {times:>6} {kernel:<12} {gflop:>9} {moved:>10}")?;
    let kernels = kernels(engine, plan);
    for (routine, _) in &plan.routines {
        for StepSummary { operation, tensor, first, steps, rows, cost } in plan.summary(*routine) {
            let kernel = kernels[first];
            let rows = rows.map_or(String::new(), |(made, all)| match made == all {
                true => all.to_string(),
                false => format!("{made} of {all}"),
            });
            let gflop = if cost.flops == 0 { String::new() } else { format!("{:.2}", gigaflops(cost)) };
            writeln!(
                answer,
                "{operation:<22} {:<38} {rows:>11} {steps:>6} {kernel:<12} {gflop:>9} {:>10}",
                tensor.to_string(),
                mebibytes(cost.bytes),
            )?;
        }
    }
    Ok(())
}

/// For every step the variant of its kernel, if there are several, or a note that the previous step's kernel does both.
fn kernels(engine: &Engine, plan: &Plan) -> Vec<&'static str> {
    let of_step = |kernel: StepKernel| {
        let first = kernel.variant.map_or("", |variant| variant.name());
        std::iter::once(first).chain(kernel.steps.skip(1).map(|_| "fused"))
    };
    engine.kernels(plan).into_iter().flat_map(of_step).collect()
}

fn slots(plan: &Plan, answer: &mut dyn Write) -> Result<(), CliError> {
    let (array, extent, size, buffer, life) = ("array", "extent", "MiB", "buffer", "steps");
    writeln!(answer, "\n{array:<38} {extent:<26} {size:>8} {buffer:>6}  {life}")?;
    let lifetimes = plan.lifetimes();
    for (slot, runs) in plan.slots.iter().zip(&lifetimes) {
        writeln!(
            answer,
            "{:<38} {:<26} {:>8} {:>6}  {}",
            slot.tensor.to_string(),
            extent_of(plan, slot),
            mebibytes(slot.bytes()),
            slot.buffer,
            life_of(slot, runs),
        )?;
    }
    Ok(())
}

/// A map's shape, with the number of rows stored if that is not all of them; for other arrays the length.
fn extent_of(plan: &Plan, slot: &Slot) -> String {
    match slot.tensor.shape(plan.window.size) {
        Some(shape) if slot.per_band => {
            let row = shape.padded_width() * shape.channels as usize * plan.precision.bytes();
            match slot.bytes() as usize / row {
                rows if rows < shape.height as usize + 2 => format!("{rows} rows of {shape}"),
                _ => shape.to_string(),
            }
        }
        Some(shape) => shape.to_string(),
        None => format!("{} words", slot.words),
    }
}

fn life_of(slot: &Slot, runs: &[RangeInclusive<usize>]) -> String {
    match (runs.first(), runs.last()) {
        _ if slot.persistent => "always".to_owned(),
        (Some(first), Some(last)) if runs.len() > 1 => {
            format!("{} to {}, {} times", first.start(), last.end(), runs.len())
        }
        (Some(life), _) => format!("{} to {}", life.start(), life.end()),
        _ => "never".to_owned(),
    }
}

fn totals(engine: &Engine, plan: &Plan, peak: Memory, answer: &mut dyn Write) -> Result<(), CliError> {
    let routines = [Routine::Evaluate, Routine::Statistics, Routine::Losses, Routine::Gradient];
    let evaluation = routines.map(|routine| plan.routine_cost(routine)).into_iter().sum::<Cost>();
    let steps: usize = routines.iter().map(|routine| plan.routine(*routine).len()).sum();
    let alone: u64 = plan.slots.iter().map(Slot::bytes).sum();
    writeln!(answer)?;
    writeln!(
        answer,
        "an evaluation: {} steps, {:.1} GFLOP, {} MiB moved",
        steps,
        gigaflops(evaluation),
        mebibytes(evaluation.bytes)
    )?;
    writeln!(
        answer,
        "arrays: {} in {} buffers of {} MiB together, {} MiB if none shared",
        plan.slots.len(),
        plan.buffers.len(),
        mebibytes(plan.bytes()),
        mebibytes(alone)
    )?;
    let Memory { buffers, filters, scratch, staging, host, disk, process, largest_slot } = peak;
    writeln!(
        answer,
        "peak: {} MiB = buffers {} + filters {}; {} MiB more are on their way between host and device",
        mebibytes(peak.held()),
        mebibytes(buffers),
        mebibytes(filters),
        mebibytes(staging)
    )?;
    if scratch > 0 {
        writeln!(answer, "what threads work in besides: {} MiB", mebibytes(scratch))?;
    }
    if host > 0 {
        writeln!(answer, "whole arrays, in the memory of the host: {} MiB", mebibytes(host))?;
    }
    if disk > 0 {
        writeln!(answer, "whole arrays, on the disk: {} MiB", mebibytes(disk))?;
    }
    writeln!(answer, "the process with its pictures, in the memory of the host: {} MiB", mebibytes(process))?;
    let largest = (mebibytes(largest_slot), engine.largest_slot());
    match largest {
        (slot, u64::MAX) => writeln!(answer, "largest array: {slot} MiB")?,
        (slot, limit) => writeln!(answer, "largest array: {slot} MiB; the device binds {} MiB at once", limit >> 20)?,
    }
    match engine.available() {
        Some(memory) => writeln!(answer, "memory: {} MiB", memory >> 20)?,
        None => writeln!(answer, "memory: the driver does not tell how much there is")?,
    }
    Ok(())
}

fn gigaflops(cost: Cost) -> f64 {
    cost.flops as f64 * 1e-9
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / f64::from(1 << 20))
}
