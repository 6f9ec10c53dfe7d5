//! `impasto info`.

use super::{CliError, record::Record};
use clap::Args;
use impasto::{
    picture::{Marks, marks},
    printable::{is_printable, printable},
};
use serde::Serialize;
use std::{io::Write, path::PathBuf};

/// Print how a picture was painted, as it remembers
///
/// Pictures that `impasto stylize` has painted remember the options, the whole recipe with all defaults, the device, and
/// the names and digests of what they were painted from; `impasto again` paints them once more.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The picture
    picture: PathBuf,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Informed<'a> {
    #[serde(flatten)]
    record: &'a Record,
    /// Pixels per inch, as the file says.
    density: Option<f64>,
}

pub(crate) fn run(arguments: &Arguments, answer: &mut dyn Write) -> Result<(), CliError> {
    let Marks { record, density } = marks(&arguments.picture)?;
    let record = Record::read(record, &arguments.picture)?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&Informed { record: &record, density });
        let json = json.expect("strings and numbers can be written");
        return Ok(writeln!(answer, "{}", escaped(&json))?);
    }
    let mut lines = vec![("impasto".to_owned(), format!("{} {}", record.impasto, record.command))];
    for input in &record.inputs {
        let digest = input.sha256.as_ref().map(|digest| format!(", sha256 {digest}")).unwrap_or_default();
        lines.push((input.what.clone(), format!("{}{digest}", input.name)));
    }
    let options = record.options.iter().map(|(option, values)| (format!("--{option}"), values.join(" ")));
    lines.extend(options.filter(|(option, _)| option != "--content"));
    lines.push(("size".to_owned(), format!("{}x{}", record.size.0, record.size.1)));
    lines.extend(density.map(|density| ("density".to_owned(), format!("{density:.0} dpi"))));
    lines.push(("device".to_owned(), format!("{} ({}, {})", record.device, record.back_end, record.precision)));
    lines.push(("filters".to_owned(), format!("sha256 {}", record.filters)));
    let recipe = record.recipe.as_object().into_iter().flatten();
    lines.extend(recipe.map(|(key, value)| (format!("recipe {key}"), value.to_string())));
    for (name, value) in lines {
        writeln!(answer, "{}", printable(&format!("{name}: {value}")))?;
    }
    Ok(())
}

/// JSON in which nothing steers a terminal, and which is JSON still.
fn escaped(json: &str) -> String {
    let mut buffer = [0; 4];
    let escape = |character: char| {
        let text = &*character.encode_utf8(&mut buffer);
        match character {
            '\n' => "\n".to_owned(),
            _ if is_printable(text) => text.to_owned(),
            _ => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        }
    };
    json.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_printed_steers_nothing_and_means_the_same() {
        let text = "\u{1b}[2J \u{202e}\u{feff} \u{1F3A8} é \" \\";
        let json = serde_json::to_string_pretty(&[text]).expect("a string can be written");
        let shown = escaped(&json);
        assert!(shown.lines().all(is_printable), "{shown}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).expect("JSON"), [text]);
    }
}
