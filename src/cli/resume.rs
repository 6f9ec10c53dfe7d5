//! `impasto resume`.

use super::{
    Cli, CliError, Command, console::Console, input::is_standard_stream, paint::Keeping, stylize, stylize::Call,
};
use clap::{Args, FromArgMatches};
use impasto::style::{Checkpoint, Painting};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// Go on with a painting that was interrupted
///
/// The file that `impasto stylize --checkpoint` wrote knows the pictures, the filters and the options; what is given here
/// takes their place. On the same device the result is the same, to the bit, as if nothing had been.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The checkpoint; the work goes on in it
    file: PathBuf,

    /// Where the result goes [default: where it was to go]
    #[arg(long, short, value_name = "PICTURE")]
    output: Option<PathBuf>,

    /// Where the photograph is now
    #[arg(long, value_name = "PICTURE")]
    content: Option<PathBuf>,

    /// Where the paintings of --style are now, all of them
    #[arg(long, short, value_name = "PICTURE")]
    style: Vec<PathBuf>,

    /// Where the filters are now
    #[arg(long, value_name = "auto|learned|FILE")]
    weights: Option<String>,

    /// Another device to go on with: auto, cpu, or a GPU by its index or part of its name
    #[arg(long, value_name = "auto|cpu|INDEX|NAME")]
    device: Option<String>,

    /// Threads on the processor
    #[arg(long, value_name = "N", value_parser = super::options::positive::<NonZeroUsize>)]
    threads: Option<NonZeroUsize>,
}

/// What the command line writes into a checkpoint: how `impasto stylize` was called, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notes {
    arguments: Vec<OsString>,
    directory: PathBuf,
    /// Where the photograph is, if it has been moved since.
    content: Option<PathBuf>,
    /// Where the paintings are, if they have been moved since.
    style: Option<Vec<PathBuf>>,
}

impl Notes {
    /// The notes of a command that was called so. `output` is where the picture goes, if the options do not say so.
    pub fn new(mut arguments: Vec<OsString>, output: Option<&Path>) -> Result<Notes, CliError> {
        let directory = std::env::current_dir().map_err(|error| CliError::Failed(error.to_string()))?;
        arguments.extend(output.into_iter().flat_map(|output| ["--output".into(), output.into()]));
        Ok(Notes { arguments, directory, content: None, style: None })
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and paths of one system can be written")
    }

    fn arguments(&self) -> Option<stylize::Arguments> {
        let mut arguments = parse(&self.arguments)?;
        arguments.look_in(&self.directory);
        if let Some(content) = &self.content {
            arguments.content.clone_from(content);
        }
        if let Some(style) = &self.style {
            arguments.style.clone_from(style);
        }
        Some(arguments)
    }
}

/// The options of a call of `impasto stylize`; none if it is none, or of another version. Where an option is given twice
/// the later counts.
pub(crate) fn parse(call: &[OsString]) -> Option<stylize::Arguments> {
    let matches = super::command().try_get_matches_from(call).ok()?;
    let Command::Stylize(arguments) = Cli::from_arg_matches(&matches).ok()?.command else { return None };
    Some(*arguments)
}

pub(crate) fn run(arguments: Arguments, console: &Console) -> Result<(), CliError> {
    let checkpoint = Checkpoint::read(&arguments.file)?;
    let foreign = || {
        CliError::Failed(format!(
            "{} was not written by impasto stylize: go on with what wrote it",
            arguments.file.display()
        ))
    };
    let mut notes: Notes = serde_json::from_str(&checkpoint.notes).map_err(|_| foreign())?;
    let absolute = |path: &Path| {
        if is_standard_stream(path) {
            return Ok(path.to_owned());
        }
        std::path::absolute(path).map_err(|source| CliError::Write { path: path.to_owned(), source })
    };
    let mut give = |name: &str, value: OsString| notes.arguments.extend([OsString::from(name), value]);
    if let Some(output) = &arguments.output {
        give("--output", absolute(output)?.into());
    }
    match arguments.weights.as_deref() {
        None => {}
        Some(choice @ ("auto" | "learned")) => give("--weights", choice.into()),
        Some(path) => give("--weights", absolute(Path::new(path))?.into()),
    }
    if let Some(device) = &arguments.device {
        give("--device", device.into());
    }
    if let Some(threads) = arguments.threads {
        give("--threads", threads.to_string().into());
    }
    give("--checkpoint", absolute(&arguments.file)?.into());
    if let Some(content) = &arguments.content {
        notes.content = Some(absolute(content)?);
    }
    if !arguments.style.is_empty() {
        notes.style = Some(arguments.style.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?);
    }
    let stylize = notes.arguments().ok_or_else(foreign)?;
    let mut destination = stylize.destination()?;
    stylize.check_files(&destination)?;
    destination.check(checkpoint.size())?;
    let (inputs, _, carried) = stylize.pictures(console)?;
    destination.carry(carried, console);
    // By now it is known how deep the filters must reach.
    let engine = stylize::engine(&stylize, &mut checkpoint.recipe().clone(), &inputs, console)?;
    let painting = Painting::resume(&engine, inputs, checkpoint)?;
    let call = Call { arguments: notes.arguments.clone(), before: None };
    stylize::remember(&stylize, &call, &painting, &engine, &mut destination, console);
    let keeping = Keeping {
        destination: &destination,
        checkpoints: stylize.checkpoints(|| Ok(notes))?,
        every_size: stylize.force,
    };
    stylize::finish(&stylize, painting, &engine, &keeping, console)
}
