//! `impasto again`.

use super::{
    CliError,
    console::Console,
    input::is_standard_stream,
    instead::InsteadOptions,
    overwrite::{Input, Output, refuse_overwriting_inputs},
    record::{Record, RecordedInput, digest, told},
    resume::parse,
    stylize::{self, Call},
};
use clap::Args;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
};

/// Paint a picture once more, as it remembers that it was painted
///
/// Photograph, paintings and other files are looked for in the current directory and beside the picture. On the same
/// device, from the same files, the result is the same to the bit. Only options that decide how a picture looks are taken
/// from it, because anyone may have written them: it cannot say where anything is written or fetched from.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The picture
    picture: PathBuf,

    #[command(flatten)]
    instead: InsteadOptions,
}

pub(crate) fn run(arguments: Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let Arguments { picture, instead: InsteadOptions { output, sizes, content, style, weights, device, memory } } =
        arguments;
    let mut record = Record::of_picture(&picture)?;
    if record.command != "stylize" {
        return Err(CliError::Failed(format!(
            "{} was painted by `impasto {}`, which is not repeated: give that command the options that `impasto info` prints",
            picture.display(),
            record.command
        )));
    }
    if let Some(output) = &output {
        let input = Input::new("the picture that says how to paint", &picture);
        refuse_overwriting_inputs(&[input], Output { option: "-o", path: output })?;
    }
    let instead = [
        ("content", content.into_iter().map(Into::into).collect::<Vec<OsString>>()),
        ("style", style.into_iter().map(Into::into).collect()),
        ("weights", weights.into_iter().map(Into::into).collect()),
        ("device", device.into_iter().map(Into::into).collect()),
        ("memory", memory.iter().map(|memory| memory.to_string().into()).collect()),
    ];
    let given = |option: &str| instead.iter().any(|(name, values)| *name == option && !values.is_empty());
    let mut found = BTreeMap::new();
    for input in &record.inputs {
        // What is given is the user's own choice.
        let option = option_of(&record, &input.name);
        let name = told(Path::new(&input.name));
        if !option.is_some_and(given) && !found.contains_key(&name) {
            let place = find(input, &name, option, &picture, console)?;
            found.insert(name, place);
        }
    }
    let left_out = record.left_out();
    if !left_out.is_empty() {
        console.say(&format!(
            "{} also remembers {}, which is no option of impasto {} about how a picture looks, and left out",
            picture.display(),
            left_out.join(", "),
            env!("CARGO_PKG_VERSION")
        ));
    }
    record.size_by(&sizes);
    let mut call = record.call(&found, &instead);
    if let Some(output) = &output {
        // Before what is no option any more.
        let mut word = OsString::from("--output=");
        word.push(output);
        call.insert(2, word);
    }
    let stylize = parse(&call).ok_or_else(|| {
        CliError::Failed(format!(
            "impasto {} cannot read the options that {} remembers, which impasto {} wrote: see them with `impasto info`",
            env!("CARGO_PKG_VERSION"),
            picture.display(),
            record.impasto
        ))
    })?;
    stylize::run(stylize, Call { arguments: call, before: Some(record), resumed: None }, console, answer)
}

/// The option that names a file.
fn option_of<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    let options = record.options.iter();
    options.filter(|(_, values)| values.iter().any(|value| value == name)).map(|(option, _)| &**option).next()
}

/// Where a file is that a picture was painted from: as it was named then, or beside the picture.
fn find(
    input: &RecordedInput,
    name: &str,
    option: Option<&str>,
    picture: &Path,
    console: &Console,
) -> Result<OsString, CliError> {
    let RecordedInput { what, sha256, .. } = input;
    let name = Path::new(name);
    let way_out = match option {
        Some(option @ ("content" | "style" | "weights")) => format!("say with --{option} where it is"),
        _ => "put it there".to_owned(),
    };
    if is_standard_stream(name) {
        return Err(CliError::Failed(format!(
            "{what} came from standard input when {} was painted: {way_out}",
            picture.display()
        )));
    }
    let beside = picture.parent().unwrap_or(Path::new("")).join(name);
    let places = [name.to_owned(), beside].into_iter().filter(|path| path.is_file()).collect::<Vec<_>>();
    let same = places.iter().find(|path| sha256.is_none() || digest(path).ok() == *sha256);
    match (same, places.first()) {
        (Some(path), _) => Ok(path.into()),
        (None, Some(path)) => {
            console.say(&format!(
                "{} is not what it was: {what} has changed, and so will the picture; {way_out} if it is elsewhere",
                path.display()
            ));
            Ok(path.into())
        }
        (None, None) => Err(CliError::Failed(format!(
            "{what} {} is neither in the current directory nor beside {}: {way_out}",
            name.display(),
            picture.display()
        ))),
    }
}
