//! `impasto stylize`.

mod arguments;
mod files;
mod log;
mod observer;

pub(crate) use arguments::Arguments;
pub(crate) use observer::Observer;

use super::{
    CliError,
    console::Console,
    creatable::check_creatable,
    explain::explain,
    output::{Destination, Placed},
    paint::{self, Failure, Keeping, Watcher},
    progress::Progress,
    record::{Painted, Record},
    resume::{Notes, parse},
};
use impasto::{
    Engine,
    picture::fit_long_side,
    plan::Size,
    printable::printable,
    style::{
        Inputs, Method, Outline, Painting, Reason, Recipe, ScalePlans, StylizeError, memory, shortage, smaller_size,
    },
    weights::{Filters, Normalisation},
};
use log::Log;
use std::{ffi::OsString, io::Write, path::Path, sync::Arc, time::Instant};

/// How impasto was called.
pub(crate) struct Call {
    /// What `impasto stylize` was given, or would have been.
    pub arguments: Vec<OsString>,
    /// What a picture remembers that is painted again.
    pub before: Option<Record>,
}

impl Call {
    pub fn of_this_process() -> Call {
        Call { arguments: std::env::args_os().collect(), before: None }
    }
}

pub(crate) fn run(arguments: Arguments, call: Call, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let mut destination = if arguments.explain { None } else { Some(arguments.destination()?) };
    if let Some(destination) = &destination {
        arguments.check_files(destination)?;
    }
    let (inputs, size, carried) = arguments.pictures(console)?;
    let recipe = arguments.recipe(size, console)?;
    recipe.check()?;
    match &mut destination {
        Some(destination) => {
            destination.carry(carried, console);
            paint(&arguments, &call, inputs, recipe, destination, console, answer)
        }
        None => explain_plan(&arguments, &inputs, recipe, console, answer),
    }
}

/// Neither filters nor an output are needed to see the plan.
fn explain_plan(
    arguments: &Arguments,
    inputs: &Inputs,
    mut recipe: Recipe,
    console: &Console,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    let device = arguments.device.open(console)?;
    let way = arguments.way(&device, console)?;
    let (wanted, _) = arguments.depth(&recipe);
    let (reach, origin) = arguments.weights.expected(wanted)?;
    arguments.follow(&mut recipe, reach, origin);
    let none = Filters { origin, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
    let engine = way.engine(&device, Arc::new(none))?;
    let outline = Outline::new(inputs, &recipe).map_err(Box::new)?;
    explain(&engine, &outline, &recipe, answer)
}

fn paint(
    arguments: &Arguments,
    call: &Call,
    inputs: Inputs,
    mut recipe: Recipe,
    destination: &mut Destination,
    console: &Console,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    destination.check(fit_long_side(inputs.content.size(), recipe.size))?;
    let sizes: Vec<Size> = inputs.paintings.iter().map(|painting| painting.picture.size()).collect();
    for remark in arguments.remarks(&recipe, &sizes) {
        console.say(&remark);
    }
    let engine = engine(arguments, &mut recipe, &inputs, console)?;
    let painting = Painting::new(&engine, inputs, recipe).map_err(Box::new)?;
    remember(arguments, call, &painting, &engine, destination, console);
    let destination = &*destination;
    let notes = || {
        let output = arguments.output.is_none().then_some(destination).and_then(Destination::file);
        Notes::new(call.arguments.clone(), output)
    };
    let keeping = Keeping { destination, checkpoints: arguments.checkpoints(notes)?, every_size: arguments.force };
    finish(arguments, painting, &engine, &keeping, console)?;
    if arguments.output.is_none() {
        writeln!(answer, "{}", printable(&destination.name()))?;
    }
    Ok(())
}

/// Lets the picture remember how it is painted, unless that is not wanted, and compares that with how it was painted before.
pub(crate) fn remember(
    arguments: &Arguments,
    call: &Call,
    painting: &Painting,
    engine: &Engine,
    destination: &mut Destination,
    console: &Console,
) {
    if arguments.no_metadata && call.before.is_none() {
        return;
    }
    // Files may have been moved since they were named.
    let found = arguments.inputs();
    let named = parse(&call.arguments).map_or_else(|| found.clone(), |named| named.inputs());
    let size = painting.sizes()[painting.sizes().len() - 1];
    // Of filters, those that are used have a digest already.
    let digested = found
        .into_iter()
        .map(|input| input.path)
        .map(|path| if arguments.weights.file() == Some(&path) { None } else { Some(path) });
    let inputs = named.into_iter().zip(digested).collect();
    let record = Record::new("stylize", &call.arguments, &Painted { engine, recipe: painting.recipe(), size, inputs });
    if !arguments.no_metadata {
        destination.remember(record.to_text(), console);
    }
    if let Some(before) = &call.before {
        before.compare(&record, console);
    }
}

/// The device with the filters, and the default layers that follow from them.
pub(crate) fn engine(
    arguments: &Arguments,
    recipe: &mut Recipe,
    inputs: &Inputs,
    console: &Console,
) -> Result<Engine, CliError> {
    for file in [&arguments.log, &arguments.checkpoint].into_iter().flatten() {
        check_creatable(file)?;
    }
    let device = arguments.device.open(console)?;
    let way = arguments.way(&device, console)?;
    let filters = arguments.filters(recipe, inputs, console)?;
    let engine = way.engine(&device, Arc::new(filters))?;
    describe(&engine, recipe, console);
    let outline = Outline::new(inputs, recipe).map_err(Box::new)?;
    if arguments.optimizer.is_none() {
        choose_optimizer(arguments, &engine, &outline, recipe, console);
    }
    check_memory(arguments, &engine, &outline, recipe, console)?;
    if arguments.tune {
        tune(&engine, &outline, recipe, console)?;
    }
    Ok(engine)
}

/// What will be done, for those who want to know.
fn describe(engine: &Engine, recipe: &Recipe, console: &Console) {
    let reach = engine.filters().deepest().map_or("nowhere", |layer| layer.name());
    let precision = recipe.precision(engine.precision());
    console.detail(&format!("{} computes in {precision}, with filters down to {reach}", engine.name()));
}

/// Takes Adam where the history of L-BFGS is what does not fit.
fn choose_optimizer(arguments: &Arguments, engine: &Engine, outline: &Outline, recipe: &mut Recipe, console: &Console) {
    let fits = |recipe: &Recipe| matches!(shortage(engine, outline, recipe), Ok(None));
    if recipe.method == Method::Adam || fits(recipe) {
        return;
    }
    let with_adam = arguments.paint_by(Method::Adam, recipe);
    if fits(&with_adam) {
        console.say("the history of L-BFGS does not fit into the device's memory: Adam paints, which takes longer");
        *recipe = with_adam;
    }
}

/// Refuses what takes more memory than there is, unless it is to be tried all the same.
fn check_memory(
    arguments: &Arguments,
    engine: &Engine,
    outline: &Outline,
    recipe: &Recipe,
    console: &Console,
) -> Result<(), CliError> {
    // If the layers do not suit, the work itself reports it.
    let Ok(needed) = memory(engine, outline, recipe) else { return Ok(()) };
    console.detail(&format!("{} MiB of memory will be taken at most", needed.bytes().div_ceil(1 << 20)));
    match shortage(engine, outline, recipe) {
        Ok(Some(shortage)) if arguments.force => console.say(&shortage.to_string()),
        Ok(Some(shortage)) => return Err(CliError::Shortage(shortage)),
        _ => {}
    }
    Ok(())
}

/// Paints what is left to paint, and saves it.
pub(crate) fn finish(
    arguments: &Arguments,
    mut painting: Painting,
    engine: &Engine,
    keeping: &Keeping<'_>,
    console: &Console,
) -> Result<(), CliError> {
    let destination = keeping.destination;
    let goes_on = painting.scale() > 0 || painting.iteration() > 0;
    let log = arguments.log.as_deref().map(|path| Log::new(path, goes_on)).transpose()?;
    let start = Instant::now();
    painting.snapshot_every(arguments.save_every);
    let mut observer = Observer {
        output: destination.file().unwrap_or(Path::new("picture.png")),
        encoding: destination.encoding(),
        inputs: arguments.inputs(),
        progress: Progress::new(console, &painting),
        log,
        failing: false,
    };
    let painted = paint::paint(&mut painting, keeping, &mut observer);
    observer.finish();
    let picture = painted.map_err(|failure| match failure {
        Failure::Stylize(error) => {
            let advice = advice(engine, painting.outline(), painting.recipe(), &error.reason);
            advised(keep(error, destination), advice)
        }
        Failure::Other(error) => error,
    })?;
    match destination.place(&picture) {
        Ok(Placed::AsAsked) => {}
        Ok(Placed::Elsewhere { error, path }) => return Err(CliError::Elsewhere { error, path }),
        Err(error) => {
            return Err(match keeping.checkpoints.as_ref().filter(|to| to.path.exists()) {
                Some(to) => CliError::InCheckpoint { error: Box::new(error), checkpoint: to.path.clone() },
                None => error,
            });
        }
    }
    if let Some(log) = observer.log {
        log.finish()?;
    }
    let (name, seconds) = (destination.name(), start.elapsed().as_secs_f64());
    console.note(&format!("{name}: {} in {seconds:.1} s on {}", picture.size(), engine.name()));
    Ok(())
}

/// Times the kernels of every size that will be painted.
fn tune(engine: &Engine, outline: &Outline, recipe: &Recipe, console: &Console) -> Result<(), CliError> {
    let mut count = 0;
    let scales = ScalePlans::all(engine, outline, recipe).map_err(Box::new)?;
    for plan in scales.into_iter().flat_map(ScalePlans::into_plans) {
        engine.tune(&plan, &mut |tuned| {
            count += 1;
            if let Some((variant, seconds)) = tuned.seconds.first() {
                console.note(&format!("{}: {variant}, {:.3} ms", tuned.shape, 1e3 * seconds));
            }
        })?;
    }
    console.say(&format!(
        "{count} shapes of convolutions and Gram products were timed on {}; the fastest variants are kept",
        engine.name()
    ));
    Ok(())
}

/// A size at which the same work may succeed.
fn advice(engine: &Engine, outline: &Outline, recipe: &Recipe, reason: &Reason) -> Option<String> {
    let Reason::Backend(error) = reason else { return None };
    let long = smaller_size(engine, outline, recipe, error)?;
    Some(format!("--size {long} may do"))
}

fn advised(error: CliError, advice: Option<String>) -> CliError {
    match advice {
        Some(advice) => CliError::Advised { error: Box::new(error), advice },
        None => error,
    }
}

/// Saves what was painted before an error.
fn keep(error: StylizeError, destination: &Destination) -> CliError {
    let StylizeError { reason, so_far } = error;
    match so_far.map(|picture| destination.place(&picture)) {
        None => CliError::Stylize(Box::new(reason)),
        Some(Ok(Placed::AsAsked)) => CliError::Interrupted { reason: Box::new(reason), place: destination.name() },
        Some(Ok(Placed::Elsewhere { path, .. })) => {
            CliError::Interrupted { reason: Box::new(reason), place: path.display().to_string() }
        }
        Some(Err(save)) => CliError::Lost { reason: Box::new(reason), save: Box::new(save) },
    }
}
