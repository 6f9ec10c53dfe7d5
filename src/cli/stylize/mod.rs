//! `impasto stylize`.

mod arguments;
mod files;
mod log;
mod observer;
mod preview;

pub(crate) use arguments::Arguments;
pub(crate) use files::Pictures;
pub(crate) use observer::Observer;

use super::{
    CliError,
    console::Console,
    creatable::check_creatable,
    explain::{checkpoint_takes, explain},
    finish,
    machine_options::engine_of,
    memory::{Lacking, affordable, check_memory, work},
    output::Destination,
    paint::Keeping,
    progress::Progress,
    record::{Painted, Record, Resumed},
    resume::{Notes, parse},
};
use impasto::{
    Engine,
    picture::fit_long_side,
    plan::Size,
    printable::printable,
    style::{Inputs, Outline, Painting, Recipe, ScalePlans},
    weights::{Filters, Normalisation},
};
use log::Log;
use preview::{painted_now, preview_scales, way_on};
use std::{ffi::OsString, io::Write, path::Path, time::Instant};

/// How impasto was called.
pub(crate) struct Call {
    /// What `impasto stylize` was given, or would have been.
    pub arguments: Vec<OsString>,
    /// What a picture remembers that is painted again.
    pub before: Option<Record>,
    /// What has taken the place of sizes, if the painting goes on from a checkpoint.
    pub resumed: Option<Resumed>,
}

impl Call {
    pub fn of_this_process() -> Call {
        Call { arguments: std::env::args_os().collect(), before: None, resumed: None }
    }
}

pub(crate) fn run(
    mut arguments: Arguments,
    call: Call,
    console: &Console,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    let mut destination = if arguments.explain { None } else { Some(arguments.destination()?) };
    let names_checkpoint = arguments.preview && arguments.checkpoint.is_none();
    if let Some(destination) = &destination {
        arguments.name_checkpoint(destination.file())?;
        arguments.check_files(destination)?;
    }
    let Pictures { inputs, long, carried, .. } = arguments.pictures(console)?;
    let recipe = arguments.recipe(long, console)?;
    recipe.check()?;
    match &mut destination {
        Some(destination) => {
            destination.carry(carried, console);
            paint(&arguments, &call, inputs, recipe, destination, console)?;
            let checkpoint = arguments.checkpoint.as_ref().filter(|_| names_checkpoint);
            let checkpoint = checkpoint.map(|path| path.display().to_string());
            let named = arguments.output.is_none().then(|| destination.name()).into_iter().chain(checkpoint);
            // Standard output may be the picture.
            for name in named.filter(|_| destination.file().is_some()) {
                writeln!(answer, "{}", printable(&name))?;
            }
            Ok(())
        }
        None => explain_plan(&arguments, &inputs, recipe, console, answer),
    }
}

/// Neither filters nor an output are needed to see the plan; what is timed has filters of any values.
fn explain_plan(
    arguments: &Arguments,
    inputs: &Inputs,
    mut recipe: Recipe,
    console: &Console,
    answer: &mut dyn Write,
) -> Result<(), CliError> {
    let devices = arguments.device.open(console)?;
    let ways = arguments.ways(&devices, console)?;
    let (wanted, _) = arguments.look.depth(&recipe);
    let (reach, origin) = arguments.weights.expected(wanted)?;
    arguments.look.follow(&mut recipe, reach, origin);
    let none = Filters { origin, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
    let engine = |filters| engine_of(&devices, ways.clone(), filters, &arguments.memory);
    let outline = Outline::new(inputs, &recipe).map_err(Box::new)?;
    explain(&engine(none)?, engine, &outline, &recipe, answer)
}

fn paint(
    arguments: &Arguments,
    call: &Call,
    inputs: Inputs,
    mut recipe: Recipe,
    destination: &mut Destination,
    console: &Console,
) -> Result<(), CliError> {
    destination.check(fit_long_side(inputs.content.size(), recipe.size))?;
    let sizes: Vec<Size> = inputs.paintings.iter().map(|painting| painting.picture.size()).collect();
    for remark in arguments.look.remarks(&recipe, &sizes) {
        console.say(&remark);
    }
    let engine = engine(arguments, &mut recipe, &inputs, console)?;
    let painting = Painting::new(&engine, inputs, recipe).map_err(Box::new)?;
    let preview = arguments.preview.then(|| preview_scales(painting.sizes().iter().map(|size| size.long_side())));
    let size = preview.map_or(painting.last_size(), |scales| painting.sizes()[scales - 1]);
    remember(arguments, call, &painting, size, &engine, destination, console);
    let destination = &*destination;
    let notes = || {
        let output = arguments.output.is_none().then_some(destination).and_then(Destination::file);
        Notes::new(call.arguments.clone(), output)
    };
    let keeping =
        Keeping { destination, checkpoints: arguments.checkpoints(notes)?, every_size: arguments.force, preview };
    finish(arguments, painting, &engine, &keeping, console)
}

/// Lets a picture of some size remember how it is painted, unless that is not wanted, and compares that with how it was
/// painted before.
pub(crate) fn remember(
    arguments: &Arguments,
    call: &Call,
    painting: &Painting,
    size: Size,
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
    // Of filters, those that are used have a digest already.
    let digested = found
        .into_iter()
        .map(|input| input.path)
        .map(|path| if arguments.weights.file() == Some(&path) { None } else { Some(path) });
    let inputs = named.into_iter().zip(digested).collect();
    let painted = Painted { engine, recipe: painting.recipe(), size, inputs };
    let mut record = Record::new("stylize", &call.arguments, &painted);
    if let Some(resumed) = &call.resumed {
        record.resumed(resumed);
    }
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
    let devices = arguments.device.open(console)?;
    let ways = arguments.ways(&devices, console)?;
    let filters = arguments.filters(recipe, inputs, console)?;
    let engine = engine_of(&devices, ways, filters, &arguments.memory)?;
    describe(&engine, recipe, console);
    let outline = Outline::new(inputs, recipe).map_err(Box::new)?;
    if arguments.look.optimizer.is_none() {
        choose_optimizer(arguments, &engine, &outline, recipe, console);
    }
    check_sizes(arguments, &engine, &outline, recipe, console)?;
    describe_checkpoint(arguments, &engine, &outline, recipe, console);
    if arguments.tune {
        tune(&engine, &outline, &painted_now(arguments, recipe), console)?;
    }
    Ok(engine)
}

/// What will be done, for those who want to know.
fn describe(engine: &Engine, recipe: &Recipe, console: &Console) {
    let reach = engine.filters().deepest().map_or("nowhere", |layer| layer.name());
    let precision = recipe.precision(engine.precision());
    console.detail(&format!("{} computes in {precision}, with filters down to {reach}", engine.name()));
}

/// What checkpoints take.
fn describe_checkpoint(arguments: &Arguments, engine: &Engine, outline: &Outline, recipe: &Recipe, console: &Console) {
    if arguments.checkpoint.is_some()
        && console.shows_details()
        && let Ok(last) = ScalePlans::last(engine, outline, recipe)
        && let Ok(taken) = checkpoint_takes(engine, &last, outline, recipe)
    {
        console.detail(&taken);
    }
}

/// Takes Adam where the history of L-BFGS is what does not fit, or only in small windows.
fn choose_optimizer(arguments: &Arguments, engine: &Engine, outline: &Outline, recipe: &mut Recipe, console: &Console) {
    let by = |method| arguments.look.paint_by(method, recipe);
    let affordable = affordable(recipe.method, |method| work(engine, outline, &by(method)));
    if affordable != recipe.method {
        console.say("the history of L-BFGS leaves too little of the memory: Adam paints");
        *recipe = by(affordable);
    }
}

/// Refuses what takes more memory than there is, unless it is to be tried all the same.
fn check_sizes(
    arguments: &Arguments,
    engine: &Engine,
    outline: &Outline,
    recipe: &Recipe,
    console: &Console,
) -> Result<(), CliError> {
    let lacking = if arguments.force { Lacking::Tried } else { Lacking::Refused };
    if !arguments.preview {
        return check_memory(engine, outline, recipe, lacking, console);
    }
    check_memory(engine, outline, &painted_now(arguments, recipe), lacking, console)?;
    // The whole picture may be painted elsewhere, or smaller.
    check_memory(engine, outline, recipe, Lacking::Tried, console)
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
    let sizes = painting.sizes();
    let mut observer = Observer {
        output: destination.file().unwrap_or(Path::new("picture.png")),
        encoding: destination.encoding(),
        inputs: arguments.inputs(),
        progress: Progress::new(console, painting.recipe(), &sizes[..keeping.preview.unwrap_or(sizes.len())]),
        log,
        failing: false,
    };
    let named = |long| format!("--size {long}");
    let (picture, unsaved) = finish::finish(&mut painting, engine, keeping, &mut observer, named)?;
    if let Some(log) = observer.log {
        log.finish()?;
    }
    let (name, seconds) = (destination.name(), start.elapsed().as_secs_f64());
    console.note(&format!("{name}: {} in {seconds:.1} s on {}", picture.size(), engine.name()));
    match (unsaved, keeping.preview) {
        // Without its checkpoint a preview is half of what was asked for.
        (Some(error), Some(_)) => return Err(error.into()),
        (Some(error), None) => console.say(&error.to_string()),
        (None, _) => {}
    }
    if let (Some(_), Some(to)) = (keeping.preview, &keeping.checkpoints) {
        console.say(&way_on(&to.path, painting.last_size()));
    }
    Ok(())
}

/// Times the kernels of every size that will be painted.
fn tune(engine: &Engine, outline: &Outline, recipe: &Recipe, console: &Console) -> Result<(), CliError> {
    let mut count = 0;
    let scales = ScalePlans::all(engine, outline, recipe).map_err(Box::new)?;
    for plan in scales.into_iter().flat_map(ScalePlans::into_plans) {
        for (device, engine) in engine.devices().iter().enumerate() {
            engine.tune(plan.on_device(device), &mut |tuned| {
                count += 1;
                if let Some((variant, seconds)) = tuned.seconds.first() {
                    console.note(&format!("{}: {variant}, {:.3} ms", tuned.shape, 1e3 * seconds));
                }
            })?;
        }
    }
    console.say(&format!(
        "{count} shapes of convolutions and Gram products were timed on {}; the fastest variants are kept",
        engine.name()
    ));
    Ok(())
}
