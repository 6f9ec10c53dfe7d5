//! `impasto resume`.

use super::{
    Cli, CliError, Command,
    console::Console,
    input::is_standard_stream,
    instead::InsteadOptions,
    output::Carried,
    paint::Keeping,
    record::Resumed,
    stylize,
    stylize::{Call, Pictures},
};
use clap::{Args, FromArgMatches};
use impasto::{
    Engine,
    options::{SizeOptions, positive},
    style::{Checkpoint, Painting},
};
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
///
/// With --size or --print the picture grows to another size than it was begun for: what is finished stays, and the other
/// sizes on the way are painted. The photograph and the paintings are read again with the detail that these need.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The checkpoint; the work goes on in it
    file: PathBuf,

    #[command(flatten)]
    instead: InsteadOptions,

    /// Threads on the processor
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
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
    /// How large the picture becomes, if that has changed since; filters are still learned from what was read at first.
    #[serde(default)]
    sizes: Option<SizeOptions>,
    /// The long side that it was begun for, if that has changed since.
    #[serde(default)]
    begun_for: Option<u32>,
}

impl Notes {
    /// The notes of a command that was called so. `output` is where the picture goes, if the options do not say so.
    pub fn new(mut arguments: Vec<OsString>, output: Option<&Path>) -> Result<Notes, CliError> {
        let directory = std::env::current_dir().map_err(|error| CliError::Failed(error.to_string()))?;
        if let Some(output) = output {
            add(&mut arguments, ["--output".into(), output.into()]);
        }
        Ok(Notes { arguments, directory, content: None, style: None, sizes: None, begun_for: None })
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and paths of one system can be written")
    }

    /// The same where the picture grows to other sizes than it is begun for.
    #[cfg(feature = "studio")]
    pub fn growing_to(self, sizes: Option<SizeOptions>) -> Notes {
        Notes { sizes, ..self }
    }

    /// The notes of a checkpoint, if they are those of a command line.
    pub fn read(checkpoint: &Checkpoint) -> Option<Notes> {
        serde_json::from_str(&checkpoint.notes).ok()
    }

    /// The sizes that the picture grows to, where it was begun for these.
    pub fn sizes_of(&self, begun: &SizeOptions) -> SizeOptions {
        self.sizes.clone().unwrap_or_else(|| begun.clone())
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
        // Once it goes on, all of it is painted.
        arguments.preview = false;
        Some(arguments)
    }
}

/// Adds options to a call: those that come later count, but behind `--` there are none.
fn add(call: &mut Vec<OsString>, words: impl IntoIterator<Item = OsString>) {
    let end = call.iter().position(|word| word == "--").unwrap_or(call.len());
    call.splice(end..end, words);
}

/// The options of a call of `impasto stylize`; none if it is none, or of another version.
pub(crate) fn parse(call: &[OsString]) -> Option<stylize::Arguments> {
    try_parse(call).ok().flatten()
}

/// The options of a call of `impasto stylize`, none if it is another command, or what is wrong with it. Where an option is
/// given twice the later counts.
pub(crate) fn try_parse(call: &[OsString]) -> Result<Option<stylize::Arguments>, clap::Error> {
    let matches = super::command().try_get_matches_from(call)?;
    Ok(match Cli::from_arg_matches(&matches)?.command {
        Command::Stylize(arguments) => Some(*arguments),
        _ => None,
    })
}

pub(crate) fn run(arguments: Arguments, console: &Console) -> Result<(), CliError> {
    let checkpoint = Checkpoint::read(&arguments.file)?;
    let foreign = || {
        CliError::Failed(format!(
            "{} was not written by impasto stylize: go on with what wrote it",
            arguments.file.display()
        ))
    };
    let mut notes = Notes::read(&checkpoint).ok_or_else(foreign)?;
    give(&arguments, &mut notes)?;
    let mut stylize = notes.arguments().ok_or_else(foreign)?;
    let begun = stylize.sizes.clone();
    let before = notes.sizes_of(&begun);
    let now = before.followed_by(&arguments.instead.sizes);
    let mut destination = stylize.destination()?.at_density(now.density());
    stylize.check_files(&destination)?;
    destination.check(checkpoint.size())?;
    let begun_for = checkpoint.recipe().size;
    let TakenUp { painting, engine, carried } = take_up(&mut stylize, checkpoint, [&begun, &before, &now], console)?;
    destination.check(painting.last_size())?;
    destination.carry(carried, console);
    notes.sizes = (now != begun).then(|| now.clone());
    notes.begun_for = notes.begun_for.or((painting.recipe().size != begun_for).then_some(begun_for));
    let resumed = Some(Resumed { sizes: now, begun_for: notes.begun_for });
    let call = Call { arguments: notes.arguments.clone(), before: None, resumed };
    stylize::remember(&stylize, &call, &painting, painting.last_size(), &engine, &mut destination, console);
    let keeping = Keeping {
        destination: &destination,
        checkpoints: stylize.checkpoints(|| Ok(notes))?,
        every_size: stylize.force,
        preview: None,
    };
    stylize::finish(&stylize, painting, &engine, &keeping, console)
}

/// A painting that goes on.
pub(crate) struct TakenUp {
    pub painting: Painting,
    pub engine: Engine,
    /// What goes from the photograph into the result.
    pub carried: Carried,
}

/// Goes on from a checkpoint. `sizes` are those that the painting was begun with, those that the checkpoint was written
/// with, and those that count now: filters are learned from what was read at first, and everything else is read with the
/// detail that is needed now.
pub(crate) fn take_up(
    arguments: &mut stylize::Arguments,
    checkpoint: Checkpoint,
    sizes: [&SizeOptions; 3],
    console: &Console,
) -> Result<TakenUp, CliError> {
    let [begun, before, now] = sizes;
    if sizes.windows(2).any(|pair| !pair[0].reads_as(pair[1])) && arguments.reads_standard_input() {
        return Err(CliError::Usage(
            "another size needs the pictures anew, and standard input can be read only once: name a file with --content or --style"
                .to_owned(),
        ));
    }
    // What paints is known, whatever would be chosen now.
    arguments.look.optimizer = Some(checkpoint.recipe().method);
    arguments.sizes.clone_from(begun);
    let mut pictures = arguments.pictures(console)?;
    let long = now.long_side(pictures.own);
    let mut recipe = checkpoint.recipe().clone();
    if now != before {
        recipe.size = long;
        recipe.check()?;
    }
    // By now it is known how deep the filters must reach.
    let engine = stylize::engine(arguments, &mut recipe, &pictures.inputs, console)?;
    let mut reread = |from: &SizeOptions, to: &SizeOptions, pictures: &mut Pictures| -> Result<(), CliError> {
        if !from.reads_as(to) {
            arguments.sizes = to.clone();
            *pictures = arguments.pictures(console)?;
        }
        Ok(())
    };
    reread(begun, before, &mut pictures)?;
    checkpoint.verify(&engine, &pictures.inputs)?;
    reread(before, now, &mut pictures)?;
    let checkpoint =
        if now == before { checkpoint } else { checkpoint.resized(&engine, &pictures.inputs, recipe.size)? };
    let painting = Painting::resume(&engine, pictures.inputs, checkpoint)?;
    Ok(TakenUp { painting, engine, carried: pictures.carried })
}

/// Lets the notes say what is given now.
fn give(arguments: &Arguments, notes: &mut Notes) -> Result<(), CliError> {
    let InsteadOptions { output, content, style, weights, device, memory, sizes: _ } = &arguments.instead;
    let absolute = |path: &Path| {
        if is_standard_stream(path) {
            return Ok(path.to_owned());
        }
        std::path::absolute(path).map_err(|source| CliError::Write { path: path.to_owned(), source })
    };
    let mut give = |name: &str, value: OsString| add(&mut notes.arguments, [OsString::from(name), value]);
    if let Some(output) = output {
        give("--output", absolute(output)?.into());
    }
    match weights.as_deref() {
        None => {}
        Some(choice @ ("auto" | "learned")) => give("--weights", choice.into()),
        Some(path) => give("--weights", absolute(Path::new(path))?.into()),
    }
    if let Some(device) = device {
        give("--device", device.into());
    }
    if let Some(memory) = memory {
        give("--memory", memory.to_string().into());
    }
    if let Some(threads) = arguments.threads {
        give("--threads", threads.to_string().into());
    }
    give("--checkpoint", absolute(&arguments.file)?.into());
    if let Some(content) = content {
        notes.content = Some(absolute(content)?);
    }
    if !style.is_empty() {
        notes.style = Some(style.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?);
    }
    Ok(())
}
