//! `impasto weights`: fetch VGG19 into the cache, list the cache, look into a file.

use super::{CliError, console::Console, creatable::check_creatable};
use clap::{Args, Subcommand};
use impasto::{
    cache_directory::{CACHE_VARIABLE, NoCacheDirectory},
    learn::{LearnSettings, learn_filters},
    picture::Picture,
    vgg19::Layer,
    weights::{self, Cache, FetchError, Source, cache},
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Environment variable with the address of a mirror of the Hugging Face hub.
const HUB_VARIABLE: &str = "HF_ENDPOINT";

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
    #[arg(long, value_name = "LAYER", default_value = "relu5_1")]
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
pub(crate) fn run(command: &WeightsCommand, _console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    match command {
        WeightsCommand::Fetch(arguments) => {
            let source = source(arguments.weights_url.as_deref(), arguments.deepest);
            let path = fetch(&source, &user_cache()?)?;
            writeln!(answer, "{}", path.display())?;
        }
        WeightsCommand::List => list(&user_cache()?, answer)?,
        WeightsCommand::Learn(arguments) => learn(arguments)?,
        WeightsCommand::Info { file } => info(file, answer)?,
    }
    Ok(())
}

fn learn(arguments: &LearnArguments) -> Result<(), CliError> {
    check_creatable(&arguments.output)?;
    let pictures = arguments.pictures.iter().map(Picture::open).collect::<Result<Vec<_>, _>>()?;
    let settings = LearnSettings { seed: arguments.seed, ..LearnSettings::default() };
    let filters = learn_filters(&pictures.iter().collect::<Vec<_>>(), &settings)?;
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
pub(crate) fn fetch(source: &Source, cache: &Cache) -> Result<PathBuf, FetchError> {
    let bar = ProgressBar::no_length().with_message("VGG19");
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let path = weights::fetch(source, cache, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.received);
    });
    bar.finish_and_clear();
    path
}

fn list(cache: &Cache, answer: &mut dyn Write) -> Result<(), CliError> {
    let failed = |source| CliError::Cache { directory: cache.directory().to_owned(), source };
    let files = cache.list().map_err(failed)?;
    if files.is_empty() {
        writeln!(answer, "no weights in {}: fetch them with \"impasto weights fetch\"", cache.directory().display())?;
    }
    for file in files {
        let state = match cache::noted_digest(&file.path).map_err(failed)? {
            _ if !file.complete => "not complete, the next fetch goes on from here".to_owned(),
            Some(digest) => format!("sha256 {digest}"),
            None => "no digest noted".to_owned(),
        };
        writeln!(answer, "{}  {} MB  {state}", file.path.display(), file.bytes / 1_000_000)?;
    }
    Ok(())
}

fn info(file: &Path, answer: &mut dyn Write) -> Result<(), CliError> {
    let info = weights::info(file)?;
    let depth = match info.deepest {
        Some(layer) => format!("filters of VGG19 down to {layer}"),
        None => "no filters of VGG19".to_owned(),
    };
    writeln!(answer, "{}: {} bytes, {depth}", file.display(), info.bytes)?;
    for (key, text) in &info.metadata {
        writeln!(answer, "{key}: {text}")?;
    }
    let width = info.tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0);
    for tensor in &info.tensors {
        writeln!(answer, "  {:width$}  {:4}  {:?}", tensor.name, tensor.dtype, tensor.shape)?;
    }
    Ok(())
}
