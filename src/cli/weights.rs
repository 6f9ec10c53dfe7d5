//! `impasto weights`: fetch VGG19 into the cache, list the cache, look into a file.

use super::{
    CliError,
    console::Console,
    creatable::check_creatable,
    input::read_picture,
    overwrite::{Input, Output, check_files},
};
use clap::{Args, Subcommand};
use impasto::{
    cache_directory::{CACHE_VARIABLE, NoCacheDirectory},
    learn::{LearnError, LearnSettings, learn_filters_observed},
    options::detail_for,
    picture::Picture,
    printable::{printable, shortened},
    vgg19::Layer,
    weights::{self, Cache, CachedFile, FetchError, Filters, Source, cache},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Environment variable with the address of a mirror of the Hugging Face hub.
const HUB_VARIABLE: &str = "HF_ENDPOINT";
/// The deepest layer to fetch filters for, if nothing else is said: what the default recipe reads.
const DEEPEST: &str = "relu5_1";
/// Columns that the longest name of a tensor may take in a table.
const WIDEST: usize = 60;
/// Characters of an entry's text, a tensor's name or its shape that are shown.
const SHOWN: usize = 200;
/// A bar that moves shows that the program still runs.
const TICK: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    /// Fetch the convolutions of VGG19 into the cache, unless they are there
    Fetch(FetchArguments),
    /// List what the cache holds
    List,
    /// Learn filters from pictures and save them for reuse with --weights
    Learn(LearnArguments),
    /// Show the tensors and the notes of a weights file
    Info {
        /// A safetensors file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FetchArguments {
    /// Fetch this safetensors file, not torchvision's VGG19 from the Hugging Face hub or the mirror in HF_ENDPOINT
    #[arg(long, value_name = "URL")]
    weights_url: Option<String>,
    /// The deepest layer to fetch filters for
    #[arg(long, value_name = "LAYER", default_value = DEEPEST)]
    deepest: Layer,
}

#[derive(Debug, Args)]
pub(crate) struct LearnArguments {
    /// The pictures to learn from: usually a photograph and a painting
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Where the safetensors file goes
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Seed of the choice of patches
    #[arg(long, value_name = "N", default_value_t = LearnSettings::default().seed)]
    seed: u64,
}

/// Runs a command; the result goes to `answer`, progress to the terminal.
pub(crate) fn run(command: &WeightsCommand, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    match command {
        WeightsCommand::Fetch(arguments) => {
            let source = source(arguments.weights_url.as_deref(), arguments.deepest);
            let path = fetch(&source, &user_cache()?, console)?;
            writeln!(answer, "{}", printable(&path.to_string_lossy()))?;
        }
        WeightsCommand::List => list(&user_cache()?, answer)?,
        WeightsCommand::Learn(arguments) => learn(arguments, console)?,
        WeightsCommand::Info { file } => info(file, answer)?,
    }
    Ok(())
}

fn learn(arguments: &LearnArguments, console: &Console) -> Result<(), CliError> {
    let inputs: Vec<Input> =
        arguments.pictures.iter().map(|path| Input::new("a picture to learn from", path)).collect();
    check_files(&inputs, &[Output { option: "-o", path: &arguments.output }])?;
    check_creatable(&arguments.output)?;
    let read = |path: &PathBuf| Ok(read_picture(path, detail_for(LearnSettings::default().size), console)?.picture);
    let pictures = arguments.pictures.iter().map(read).collect::<Result<Vec<Picture>, CliError>>()?;
    let settings = LearnSettings { seed: arguments.seed, ..LearnSettings::default() };
    let filters = learn_shown(&pictures.iter().collect::<Vec<_>>(), &settings, console)?;
    Ok(weights::save(&filters, &arguments.output)?)
}

/// The source that the options and the environment name.
pub(crate) fn source(weights_url: Option<&str>, deepest: Layer) -> Source {
    match weights_url {
        Some(url) => Source::at(url, deepest),
        None => {
            let hub = std::env::var(HUB_VARIABLE).ok().filter(|hub| !hub.is_empty());
            Source::vgg19(hub.as_deref(), deepest)
        }
    }
}

/// The cache that the environment names, or the user's.
pub(crate) fn user_cache() -> Result<Cache, NoCacheDirectory> {
    Cache::of_user(std::env::var_os(CACHE_VARIABLE).as_deref())
}

/// Fetches with a progress bar, which appears only on a terminal.
pub(crate) fn fetch(source: &Source, cache: &Cache, console: &Console) -> Result<PathBuf, FetchError> {
    let bar = bar(console, "VGG19 {spinner} waiting for an answer, {elapsed}");
    let path = weights::fetch(source, cache, &mut |progress| {
        if bar.length().is_none() {
            bar.set_style(style("VGG19 {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"));
        }
        bar.set_length(progress.total);
        bar.set_position(progress.received);
    });
    bar.finish_and_clear();
    path
}

/// Learns with a progress bar, which appears only on a terminal.
pub(crate) fn learn_shown(
    pictures: &[&Picture],
    settings: &LearnSettings,
    console: &Console,
) -> Result<Filters, LearnError> {
    let bar = bar(console, "learning filters {pos}/{len} {wide_bar}");
    let filters = learn_filters_observed(pictures, settings, &mut |progress| {
        bar.set_length(progress.count as u64);
        bar.set_position(progress.number as u64);
    });
    bar.finish_and_clear();
    filters
}

fn bar(console: &Console, template: &str) -> ProgressBar {
    let bar = console.bar(ProgressBar::no_length().with_style(style(template)));
    bar.enable_steady_tick(TICK);
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn list(cache: &Cache, answer: &mut dyn Write) -> Result<(), CliError> {
    let failed = |source| CliError::Cache { directory: cache.directory().to_owned(), source };
    let files = cache.list().map_err(failed)?;
    if files.is_empty() {
        writeln!(answer, "no weights in {}: fetch them with \"impasto weights fetch\"", cache.directory().display())?;
    }
    let source = source(None, DEEPEST.parse().unwrap_or(Layer::DEEPEST));
    let taken = cache.usable(&source).next();
    for file in files {
        let taken = if taken.as_ref() == Some(&file.path) { ", taken by --weights auto" } else { "" };
        let (path, state) = (file.path.to_string_lossy().into_owned(), state(&file).map_err(failed)?);
        writeln!(answer, "{}  {} MB  {state}{taken}", printable(&path), file.bytes / 1_000_000)?;
    }
    Ok(())
}

/// What there is to say about a file in the cache.
fn state(file: &CachedFile) -> std::io::Result<String> {
    if !file.complete {
        return Ok("not complete, the next fetch goes on from here".to_owned());
    }
    Ok(match cache::noted_digest(&file.path)? {
        None => "no digest noted".to_owned(),
        Some(noted) if cache::is_intact(&file.path)? => format!("sha256 {}", shortened(&noted, SHOWN)),
        Some(noted) => format!("damaged, its sha256 was {}", shortened(&noted, SHOWN)),
    })
}

fn info(file: &Path, answer: &mut dyn Write) -> Result<(), CliError> {
    let info = weights::info(file)?;
    let depth = match info.deepest {
        Some(layer) => format!("filters of VGG19 down to {layer}"),
        None => "no filters of VGG19".to_owned(),
    };
    writeln!(answer, "{}: {} bytes, {depth}", file.display(), info.bytes)?;
    for (key, text) in &info.metadata {
        writeln!(answer, "{}: {}", shortened(key, SHOWN), shortened(text, SHOWN))?;
    }
    let names: Vec<_> = info.tensors.iter().map(|tensor| shortened(&tensor.name, SHOWN)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(WIDEST);
    for (name, tensor) in names.iter().zip(&info.tensors) {
        let shape = shortened(&format!("{:?}", tensor.shape), SHOWN);
        writeln!(answer, "  {name:width$}  {:4}  {shape}", tensor.dtype)?;
    }
    Ok(())
}
