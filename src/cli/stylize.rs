//! `impasto stylize`.

use super::{
    CliError,
    explain::explain,
    files::check_creatable,
    filters::WeightsOptions,
    options::{DeviceOptions, KernelOptions, LossScaling, Way, finite, positive, weighted_layer},
    progress::Progress,
};
use clap::{Args, ValueEnum};
use impasto::{
    Device, Engine,
    picture::{Picture, check_writable, fit_long_side},
    plan::{Pooling, Size},
    style::{
        Event, Init, Method, Reason, Recipe, ScalePlans, StylizeError, WeightedLayer, shortage, smaller_size, stylize,
    },
    vgg19::Layer,
    weights::{Filters, Normalisation},
};
use serde::Serialize;
use std::{
    convert::Infallible,
    fs::File,
    io::{IsTerminal, LineWriter, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Instant,
};

/// Longest side that can be asked for.
const LARGEST: i64 = 1 << 15;

/// Paint a photograph in the style of a painting
///
/// The picture grows through several sizes. At each, its pixels move until the network sees in them the content of the
/// photograph and the strokes of the painting.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// The photograph: PNG, JPEG, WebP, TIFF or BMP
    content: PathBuf,

    /// The painting whose style is taken
    #[arg(long, short, value_name = "PICTURE")]
    style: PathBuf,

    /// Where the result goes; the extension says in which format
    #[arg(long, short, value_name = "PICTURE", required_unless_present = "explain")]
    output: Option<PathBuf>,

    /// Long side of the result in pixels, 0 for the photograph's own [default: 512, or the photograph's own if smaller]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=LARGEST), help_heading = "Size and time")]
    size: Option<u32>,

    /// Long side of the smallest size the picture grows from
    #[arg(long, value_name = "N", help_heading = "Size and time", default_value_t = Recipe::default().min_scale)]
    min_scale: u32,

    /// Iterations at every size but the smallest
    #[arg(long, value_name = "N", help_heading = "Size and time", default_value_t = Recipe::default().iterations)]
    iterations: u32,

    /// Iterations at the smallest size
    #[arg(long, value_name = "N", help_heading = "Size and time", default_value_t = Recipe::default().first_iterations)]
    first_iterations: u32,

    /// How much of the photograph is kept
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = Recipe::default().content_weight)]
    content_weight: f32,

    /// How much of the painting is taken
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = Recipe::default().style_weight)]
    style_weight: f32,

    /// How smooth the picture is kept (total variation)
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = Recipe::default().tv_weight)]
    tv_weight: f32,

    /// Long side of the painting as a multiple of the picture's: larger for larger strokes; never enlarged
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = Recipe::default().style_scale)]
    style_scale: f32,

    /// Start from the photograph, from noise, or from another picture
    #[arg(long, value_name = "content|noise|FILE", help_heading = "Look", default_value = "content")]
    init: InitChoice,

    /// Seed of the noise
    #[arg(long, value_name = "N", help_heading = "Look", default_value_t = Recipe::default().seed)]
    seed: u64,

    /// Layers that keep the photograph, with weights [default: relu4_2]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', value_parser = weighted_layer, help_heading = "Network")]
    content_layers: Vec<WeightedLayer>,

    /// Layers that bring the painting, with weights [default: relu1_1,relu2_1,relu3_1,relu4_1,relu5_1]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', value_parser = weighted_layer, help_heading = "Network")]
    style_layers: Vec<WeightedLayer>,

    /// How losses are measured
    #[arg(long, value_enum, default_value = "relative", help_heading = "Network")]
    loss: LossScaling,

    /// How the network shrinks its maps
    #[arg(long, value_enum, default_value = "max", help_heading = "Network")]
    pooling: PoolingChoice,

    #[command(flatten, next_help_heading = "Network")]
    weights: WeightsOptions,

    /// What moves the pixels
    #[arg(long, value_enum, default_value = "adam", help_heading = "Optimiser")]
    optimizer: OptimizerChoice,

    /// Step of the optimiser [default: 0.02 for adam, 1 for lbfgs]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Optimiser")]
    learning_rate: Option<f32>,

    #[command(flatten, next_help_heading = "Machine and files")]
    device: DeviceOptions,

    #[command(flatten, next_help_heading = "Machine and files")]
    kernels: KernelOptions,

    /// Time the variants of the convolution on this GPU first, for sizes that were never timed, and keep what is fastest
    #[arg(long, conflicts_with = "variant", help_heading = "Machine and files")]
    tune: bool,

    /// Also save OUTPUT-<size>-<iteration>.png, with OUTPUT less its extension, every N iterations of a size
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroU32>, help_heading = "Machine and files")]
    save_every: Option<NonZeroU32>,

    /// Print what would be done at the last size, step by step and array by array, and paint nothing
    #[arg(long, help_heading = "Machine and files")]
    explain: bool,

    /// Write a line of JSON for every iteration: its size, number, losses and time
    #[arg(long, value_name = "FILE", help_heading = "Machine and files")]
    log: Option<PathBuf>,
}

#[derive(Clone, Debug)]
enum InitChoice {
    Content,
    Noise,
    File(PathBuf),
}

impl FromStr for InitChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "content" => InitChoice::Content,
            "noise" => InitChoice::Noise,
            path => InitChoice::File(path.into()),
        })
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OptimizerChoice {
    /// Robust and fast; the result is the average of many steps
    Adam,
    /// Fewer, costlier steps
    Lbfgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PoolingChoice {
    /// The strongest of four
    Max,
    /// The mean of four: softer
    Average,
}

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
    arguments.log.as_deref().map(check_creatable).transpose()?;
    let device = arguments.device.open()?;
    let way = arguments.way(&device)?;
    let filters = arguments.filters(&mut recipe, content, style)?;
    let engine = way.engine(&device, Arc::new(filters))?;
    if arguments.tune {
        tune(&engine, content.size(), style.size(), &recipe)?;
    }
    // What the layers do not suit is told by the work itself.
    if let Ok(Some(shortage)) = shortage(&engine, content.size(), style.size(), &recipe) {
        eprintln!("impasto: {shortage}");
    }
    let log = arguments.log.as_deref().map(Log::create).transpose()?;
    let start = Instant::now();
    let mut observer = Observer { output, progress: Progress::default(), log };
    let painted = stylize(&engine, content, style, &recipe, arguments.save_every, &mut |event| observer.see(&event));
    observer.progress.finish();
    let picture = painted.map_err(|error| {
        let advice = advice(&engine, content.size(), style.size(), &recipe, &error.reason);
        advised(keep(error, output), advice)
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

/// Times the convolutions of every size that will be painted.
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
    eprintln!("impasto: {count} convolutions were timed on {}; the fastest variants are kept", engine.name());
    Ok(())
}

/// A size at which the same work may go well.
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

impl Arguments {
    /// How to compute, if the device can do what is asked for.
    fn way(&self, device: &Device) -> Result<Way, CliError> {
        match device {
            Device::Cpu(_) | Device::Reference if self.tune => Err(CliError::Usage(format!(
                "--tune is for GPUs, but {} computes: leave it out, or choose a GPU with --device",
                device.name()
            ))),
            _ => self.kernels.way(device),
        }
    }

    /// The recipe for a photograph, with the layers named or the defaults for the deepest filters.
    fn recipe(&self, content: Size) -> Result<Recipe, CliError> {
        let own = content.width.max(content.height);
        let default = Recipe::default();
        let layers = |named: &[WeightedLayer], default: Vec<WeightedLayer>| {
            if named.is_empty() { default } else { named.to_vec() }
        };
        Ok(Recipe {
            size: match self.size {
                None => default.size.min(own),
                Some(0) => own,
                Some(size) => size,
            },
            min_scale: self.min_scale,
            iterations: self.iterations,
            first_iterations: self.first_iterations,
            style_scale: self.style_scale,
            init: match &self.init {
                InitChoice::Content => Init::Content,
                InitChoice::Noise => Init::Noise,
                InitChoice::File(path) => Init::Picture(Picture::open(path)?),
            },
            seed: self.seed,
            method: match self.optimizer {
                OptimizerChoice::Adam => Method::Adam,
                OptimizerChoice::Lbfgs => Method::Lbfgs,
            },
            learning_rate: self.learning_rate,
            content_layers: layers(&self.content_layers, default.content_layers),
            style_layers: layers(&self.style_layers, default.style_layers),
            content_weight: self.content_weight,
            style_weight: self.style_weight,
            tv_weight: self.tv_weight,
            scaling: self.loss.into(),
            pooling: match self.pooling {
                PoolingChoice::Max => Pooling::Max,
                PoolingChoice::Average => Pooling::Average,
            },
            border: default.border,
        })
    }

    /// The deepest layer that filters are wanted for, and the deepest that they must have because it was named.
    fn depth(&self, recipe: &Recipe) -> (Layer, Option<Layer>) {
        let named = self.content_layers.iter().chain(&self.style_layers).map(|weighted| weighted.layer).max();
        (recipe.deepest().max(named).unwrap_or(Layer::DEEPEST), named)
    }

    /// Default layers follow what the filters reach.
    fn follow(&self, recipe: &mut Recipe, reach: Layer) {
        if self.content_layers.is_empty() {
            recipe.content_layers = Recipe::content_layers_within(reach);
        }
        if self.style_layers.is_empty() {
            recipe.style_layers = Recipe::style_layers_within(reach);
        }
    }

    /// Loads the filters; default layers follow what they reach, layers that were named must be in them.
    fn filters(&self, recipe: &mut Recipe, content: &Picture, style: &Picture) -> Result<Filters, CliError> {
        let (wanted, named) = self.depth(recipe);
        let filters = self.weights.load(wanted, named, &[content, style], self.device.threads)?;
        if let Some(reach) = filters.deepest() {
            self.follow(recipe, reach);
        }
        Ok(filters)
    }
}

/// What is done with events: the bar, the log, the snapshots.
struct Observer<'a> {
    output: &'a Path,
    progress: Progress,
    log: Option<Log>,
}

impl Observer<'_> {
    fn see(&mut self, event: &Event) {
        self.progress.show(event);
        match event {
            Event::Iteration { size, iteration, loss, seconds, .. } => {
                if let Some(log) = &mut self.log {
                    log.write(&LogLine {
                        scale: size.width.max(size.height),
                        width: size.width,
                        height: size.height,
                        iteration: *iteration,
                        total: loss.total,
                        content: loss.content,
                        style: loss.style,
                        tv: loss.tv,
                        seconds: *seconds,
                    });
                }
            }
            Event::Snapshot { iteration, picture } => {
                let scale = picture.size().width.max(picture.size().height);
                // A snapshot that cannot be written is no reason to stop painting.
                if let Err(error) = picture.save(snapshot_path(self.output, scale, *iteration)) {
                    self.progress.say(&error.to_string());
                }
            }
            Event::OutOfRange { iteration } => {
                self.progress
                    .say(&format!("a value left the range of f16 after {iteration} iterations: going on in f32"));
            }
            Event::Converged { iteration } => {
                self.progress.note(&format!("nothing better was found after {iteration} iterations at this size"));
            }
            Event::Scale { .. } => {}
        }
    }
}

/// `OUTPUT-<size>-<iteration>.png` beside the output.
fn snapshot_path(output: &Path, scale: u32, iteration: u32) -> PathBuf {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!("{stem}-{scale}-{iteration}.png"))
}

#[derive(Serialize)]
struct LogLine {
    scale: u32,
    width: u32,
    height: u32,
    iteration: u32,
    total: f64,
    content: f64,
    style: f64,
    tv: f64,
    seconds: f64,
}

/// A file of JSON lines; the first error is kept for the end.
struct Log {
    path: PathBuf,
    file: LineWriter<File>,
    failure: Option<std::io::Error>,
}

impl Log {
    fn create(path: &Path) -> Result<Log, CliError> {
        match File::create(path) {
            Ok(file) => Ok(Log { path: path.to_owned(), file: LineWriter::new(file), failure: None }),
            Err(source) => Err(CliError::Write { path: path.to_owned(), source }),
        }
    }

    fn write(&mut self, line: &LogLine) {
        if self.failure.is_none() {
            let written = serde_json::to_writer(&mut self.file, line).map_err(std::io::Error::from);
            self.failure = written.and_then(|()| self.file.write_all(b"\n")).err();
        }
    }

    fn finish(mut self) -> Result<(), CliError> {
        let flushed = self.file.flush().err();
        match self.failure.or(flushed) {
            None => Ok(()),
            Some(source) => Err(CliError::Write { path: self.path, source }),
        }
    }
}
