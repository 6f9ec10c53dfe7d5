//! `impasto stylize`.

mod arguments;
mod log;
mod observer;

pub(crate) use arguments::Arguments;
pub(crate) use observer::Observer;

use super::{
    CliError,
    creatable::check_creatable,
    error::shortage_sentence,
    explain::explain,
    paint::{self, Failure, Watcher},
    progress::Progress,
    resume::Notes,
};
use impasto::{
    Engine,
    picture::{Picture, check_writable, fit_long_side},
    plan::Size,
    style::{Painting, Reason, Recipe, ScalePlans, StylizeError, shortage, smaller_size},
    weights::{Filters, Normalisation},
};
use log::Log;
use std::{
    io::{IsTerminal, Write},
    path::Path,
    sync::Arc,
    time::Instant,
};

pub(crate) fn run(arguments: Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let content = Picture::open(&arguments.content)?;
    let style = Picture::open(&arguments.style)?;
    let recipe = arguments.recipe(content.size())?;
    recipe.check()?;
    match &arguments.output {
        Some(output) if !arguments.explain => paint(&arguments, &content, &style, recipe, output),
        _ => explain_plan(&arguments, content.size(), style.size(), recipe, answer),
    }
}

/// Neither filters nor an output are needed to see the plan.
fn explain_plan(
    arguments: &Arguments,
    content: Size,
    style: Size,
    mut recipe: Recipe,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    let device = arguments.device.open()?;
    let way = arguments.way(&device)?;
    let (wanted, _) = arguments.depth(&recipe);
    arguments.follow(&mut recipe, arguments.weights.reach(wanted)?);
    let none = Filters { normalisation: Normalisation::IMAGENET, layers: Vec::new() };
    let engine = way.engine(&device, Arc::new(none))?;
    explain(&engine, content, style, &recipe, answer)
}

fn paint(
    arguments: &Arguments,
    content: &Picture,
    style: &Picture,
    mut recipe: Recipe,
    output: &Path,
) -> Result<(), CliError> {
    check_writable(output, fit_long_side(content.size(), recipe.size))?;
    let engine = engine(arguments, &mut recipe, content, style)?;
    // If the layers do not suit, the work itself reports it.
    if let Ok(Some(shortage)) = shortage(&engine, content.size(), style.size(), &recipe) {
        eprintln!("impasto: {}", shortage_sentence(&shortage));
    }
    let painting = Painting::new(&engine, content.clone(), style.clone(), recipe).map_err(Box::new)?;
    let notes = arguments.checkpoint.as_ref().map(|_| Notes::of_this_process()).transpose()?;
    finish(arguments, painting, &engine, style.size(), notes)
}

/// The device with the filters, and the default layers that follow from them.
pub(crate) fn engine(
    arguments: &Arguments,
    recipe: &mut Recipe,
    content: &Picture,
    style: &Picture,
) -> Result<Engine, CliError> {
    for file in [&arguments.log, &arguments.checkpoint].into_iter().flatten() {
        check_creatable(file)?;
    }
    let device = arguments.device.open()?;
    let way = arguments.way(&device)?;
    let filters = arguments.filters(recipe, content, style)?;
    let engine = way.engine(&device, Arc::new(filters))?;
    if arguments.tune {
        tune(&engine, content.size(), style.size(), recipe)?;
    }
    Ok(engine)
}

/// Paints what is left to paint, and saves it. `notes` go to the checkpoints.
pub(crate) fn finish(
    arguments: &Arguments,
    mut painting: Painting,
    engine: &Engine,
    style: Size,
    notes: Option<Notes>,
) -> Result<(), CliError> {
    let output = arguments.output.as_deref().expect("only what has an output is painted");
    let goes_on = painting.scale() > 0 || painting.iteration() > 0;
    let log = arguments.log.as_deref().map(|path| Log::open(path, goes_on)).transpose()?;
    let start = Instant::now();
    painting.snapshot_every(arguments.save_every);
    let content = painting.sizes()[painting.sizes().len() - 1];
    let mut observer = Observer { output, progress: Progress::default(), log };
    let checkpoints = arguments.checkpoints().zip(notes);
    let painted = paint::paint(&mut painting, output, checkpoints, &mut observer);
    observer.finish();
    let picture = painted.map_err(|failure| match failure {
        Failure::Stylize(error) => {
            let advice = advice(engine, content, style, painting.recipe(), &error.reason);
            advised(keep(error, output), advice)
        }
        Failure::Other(error) => error,
    })?;
    picture.save(output)?;
    if let Some(log) = observer.log {
        log.finish()?;
    }
    if std::io::stderr().is_terminal() {
        let (path, seconds) = (output.display(), start.elapsed().as_secs_f64());
        eprintln!("{path}: {} in {seconds:.1} s on {}", picture.size(), engine.name());
    }
    Ok(())
}

/// Times the kernels of every size that will be painted.
fn tune(engine: &Engine, content: Size, style: Size, recipe: &Recipe) -> Result<(), CliError> {
    let mut count = 0;
    let scales = ScalePlans::all(engine, content, style, recipe).map_err(Box::new)?;
    for plan in scales.into_iter().flat_map(ScalePlans::into_plans) {
        engine.tune(&plan, &mut |tuned| {
            count += 1;
            if let (true, Some((variant, seconds))) = (std::io::stderr().is_terminal(), tuned.seconds.first()) {
                eprintln!("impasto: {}: {variant}, {:.3} ms", tuned.shape, 1e3 * seconds);
            }
        })?;
    }
    eprintln!(
        "impasto: {count} shapes of convolutions and Gram products were timed on {}; the fastest variants are kept",
        engine.name()
    );
    Ok(())
}

/// A size at which the same work may succeed.
fn advice(engine: &Engine, content: Size, style: Size, recipe: &Recipe, reason: &Reason) -> Option<String> {
    let Reason::Backend(error) = reason else { return None };
    let long = smaller_size(engine, content, style, recipe, error)?;
    Some(format!("--size {long} may do"))
}

fn advised(error: CliError, advice: Option<String>) -> CliError {
    match advice {
        Some(advice) => CliError::Advised { error: Box::new(error), advice },
        None => error,
    }
}

/// Saves what was painted before an error.
fn keep(error: StylizeError, output: &Path) -> CliError {
    let StylizeError { reason, so_far } = error;
    match so_far.map(|picture| picture.save(output)) {
        None => CliError::Stylize(Box::new(reason)),
        Some(Ok(())) => CliError::Interrupted { reason: Box::new(reason), path: output.to_owned() },
        Some(Err(save)) => CliError::Lost { reason: Box::new(reason), save: Box::new(save) },
    }
}
