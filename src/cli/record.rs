//! What a picture remembers of how it was painted: written by `stylize`, read by `info` and `again`.

use super::{CliError, console::Console, input::is_standard_stream, overwrite::Input};
use clap::{Arg, ArgMatches};
use impasto::{
    Engine,
    hexadecimal::hexadecimal,
    options::{SizeOptions, spelling},
    picture::recorded,
    plan::Size,
    style::Recipe,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

/// The options of `stylize` that a picture remembers, and the only ones that `again` takes from it, because anyone may
/// have written what is in a picture: those that decide how it looks. None names a file that is written, an address, or
/// what is done with the machine. A preview's checkpoint is a new file, named after the result.
pub(super) const REMEMBERED: [&str; 38] = [
    "content",
    "style",
    "blend",
    "style-scale",
    "style-mask",
    "statistic",
    "region",
    "keep",
    "feather",
    "colors",
    "color-strength",
    "edges",
    "size",
    "print",
    "dpi",
    "preview",
    "min-scale",
    "quality",
    "iterations",
    "first-iterations",
    "content-weight",
    "style-weight",
    "tv-weight",
    "init",
    "seed",
    "content-layers",
    "style-layers",
    "loss",
    "pooling",
    "weights",
    "weights-format",
    "optimizer",
    "learning-rate",
    "device",
    "precision",
    "variant",
    "memory",
    "depth",
];

/// The options that it does not remember. An address of filters may have a password in it.
#[cfg(test)]
const FORGOTTEN: [&str; 14] = [
    "output",
    "jpeg-quality",
    "no-metadata",
    "keep-exif",
    "weights-url",
    "threads",
    "tune",
    "save-every",
    "checkpoint",
    "checkpoint-every",
    "force",
    "explain",
    "log",
    "help",
];

/// The options whose values are files, and the words among these values that are none.
pub(super) const FILES: [(&str, &[&str]); 7] = [
    ("content", &[]),
    ("style", &[]),
    ("style-mask", &["all"]),
    ("region", &[]),
    ("keep", &[]),
    ("init", &["content", "noise"]),
    ("weights", &["auto", "learned"]),
];

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The version that painted it.
    pub impasto: String,
    pub command: String,
    /// Options in their order with their values; one that was given several times is there several times.
    pub options: Vec<(String, Vec<String>)>,
    pub inputs: Vec<RecordedInput>,
    /// Width and height.
    pub size: (u32, u32),
    pub device: String,
    pub back_end: String,
    pub precision: String,
    /// SHA-256 of the filters that were used.
    pub filters: String,
    /// All that decided how it was painted, with defaults.
    pub recipe: serde_json::Value,
    /// The long side that it was begun for, if it went on to another: `again` begins with other sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_for: Option<u32>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedInput {
    pub what: String,
    pub name: String,
    /// SHA-256 of the file, if it is one that can be read twice.
    pub sha256: Option<String>,
}

/// What has taken the place of sizes where a painting went on from a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Resumed {
    pub sizes: SizeOptions,
    /// The long side that it was begun for, if it is another.
    pub begun_for: Option<u32>,
}

/// What was painted, and with what.
pub(crate) struct Painted<'a> {
    pub engine: &'a Engine,
    pub recipe: &'a Recipe,
    pub size: Size,
    /// Files as they were named, and where those are whose digests are wanted.
    pub inputs: Vec<(Input, Option<PathBuf>)>,
}

impl Record {
    /// `call` is how impasto was called.
    pub fn new(command: &str, call: &[OsString], painted: &Painted<'_>) -> Record {
        let Painted { engine, recipe, size, inputs } = painted;
        let inputs = inputs.iter().map(|(named, found)| RecordedInput {
            what: named.what.to_owned(),
            name: told(&named.path),
            sha256: found.as_ref().and_then(|path| digest(path).ok()),
        });
        Record {
            impasto: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
            options: options(command, call),
            inputs: inputs.collect(),
            size: (size.width, size.height),
            device: engine.name().to_owned(),
            back_end: engine.back_end().to_owned(),
            precision: recipe.precision(engine.precision()).to_string(),
            filters: engine.filters().digest(recipe.deepest()).to_owned(),
            recipe: serde_json::to_value(recipe).expect("a recipe is numbers, words and lists"),
            begun_for: None,
        }
    }

    /// What the picture in a file remembers.
    pub fn of_picture(path: &Path) -> Result<Record, CliError> {
        Record::read(recorded(path)?, path)
    }

    /// What the text in a picture's file says, if there is one.
    pub fn read(text: Option<String>, path: &Path) -> Result<Record, CliError> {
        let text = text.ok_or_else(|| {
            CliError::Failed(format!(
                "{} does not remember how it was painted: pictures that `impasto stylize` has painted do, unless it was \
                 with --no-metadata, to a .bmp, or another program has saved them since",
                path.display()
            ))
        })?;
        serde_json::from_str(&text).map_err(|error| {
            CliError::Failed(format!(
                "what {} remembers is not what impasto writes ({error}): another version or program wrote it",
                path.display()
            ))
        })
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can be written")
    }

    /// Lets other sizes take the place of its own: of a preview, it is then the whole picture's.
    pub fn size_by(&mut self, sizes: &SizeOptions) {
        let dropped = |option: &str| match option {
            "size" | "print" | "preview" => sizes.names_a_size(),
            _ => sizes.words().any(|(name, _)| name == option),
        };
        self.options.retain(|(option, _)| !dropped(option));
        self.options.extend(sizes.words().map(|(name, word)| (name.to_owned(), vec![word])));
    }

    /// Takes note that the painting went on from a checkpoint, which is then no preview any more.
    pub fn resumed(&mut self, resumed: &Resumed) {
        self.size_by(&resumed.sizes);
        self.options.retain(|(option, _)| option != "preview");
        self.begun_for = resumed.begun_for;
    }

    /// The options that are not taken from it.
    pub fn left_out(&self) -> Vec<&str> {
        let names = self.options.iter().map(|(option, _)| option.as_str());
        names.filter(|option| !REMEMBERED.contains(option)).collect()
    }

    /// The call of `stylize` that paints it again, without an output. `found` says where the recorded inputs are, and
    /// `instead` which options take the place of the recorded ones.
    pub fn call(&self, found: &BTreeMap<String, OsString>, instead: &[(&str, Vec<OsString>)]) -> Vec<OsString> {
        let replaced = |option: &str| instead.iter().any(|(name, values)| *name == option && !values.is_empty());
        let mut call = vec![OsString::from("impasto"), "stylize".into()];
        let mut content = None;
        for (option, values) in self.options.iter().filter(|(option, _)| !replaced(option)) {
            let Some(option) = REMEMBERED.iter().find(|known| *known == option) else { continue };
            let values: Vec<OsString> = values.iter().map(|value| value_again(option, value, found)).collect();
            match &values[..] {
                [value] if *option == "content" => content = Some(value.clone()),
                _ => give(&mut call, option, &values),
            }
        }
        for (option, values) in instead {
            match (*option, &values[..]) {
                ("content", [value]) => content = Some(value.clone()),
                (option, values) => {
                    values.iter().for_each(|value| give(&mut call, option, std::slice::from_ref(value)))
                }
            }
        }
        // Whatever it begins with, what follows is no option.
        call.extend(content.into_iter().flat_map(|content| ["--".into(), content]));
        call
    }

    /// Says why the picture that is painted `now` will not be the one that was painted before, to the bit.
    pub fn compare(&self, now: &Record, console: &Console) {
        // At another size filters that are learned from the pictures are others, and so is everything else.
        if self.size != now.size {
            return;
        }
        if let Some(long) = self.begun_for {
            console.say(&format!(
                "it was begun for a long side of {long} pixels, and grew through other sizes: the picture will differ"
            ));
        }
        let parts = [
            ("impasto", &self.impasto, &now.impasto),
            ("device", &self.device, &now.device),
            ("back end", &self.back_end, &now.back_end),
            ("precision", &self.precision, &now.precision),
            ("filters", &self.filters, &now.filters),
        ];
        for (what, before, now) in parts {
            if before != now {
                console.say(&format!("{what} was {before} and is {now}: the picture will differ"));
            }
        }
    }
}

/// A value as `again` gives it: a file where it was found, everything else as it is.
fn value_again(option: &str, value: &str, found: &BTreeMap<String, OsString>) -> OsString {
    let is_file = FILES.iter().any(|(name, words)| *name == option && !words.contains(&value));
    if !is_file {
        return value.into();
    }
    // Again without its directories if it has a root: nobody wrote that who means well.
    let name = told(Path::new(value));
    found.get(&name).cloned().unwrap_or_else(|| name.into())
}

/// Adds an option in a spelling in which no value can be taken for another option.
fn give(call: &mut Vec<OsString>, option: &str, values: &[OsString]) {
    match values {
        [value] => {
            let mut word = OsString::from(format!("--{option}="));
            word.push(value);
            call.push(word);
        }
        values => {
            call.push(format!("--{option}").into());
            call.extend(values.iter().map(|value| match value.to_string_lossy().starts_with('-') {
                true => Path::new(".").join(value).into_os_string(),
                false => value.clone(),
            }));
        }
    }
}

/// The options of a call that are remembered.
fn options(command: &str, call: &[OsString]) -> Vec<(String, Vec<String>)> {
    let all = super::command();
    let (Ok(matches), Some(command)) = (all.clone().try_get_matches_from(call), all.find_subcommand(command)) else {
        return Vec::new();
    };
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let given = command.get_arguments().filter(|argument| REMEMBERED.contains(&spelling(argument)));
    given.flat_map(|argument| occurrences(argument, matches)).collect()
}

/// How an option was given, each time.
fn occurrences(argument: &Arg, matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let (option, id) = (spelling(argument), argument.get_id().as_str());
    if matches.value_source(id) != Some(clap::parser::ValueSource::CommandLine) {
        return Vec::new();
    }
    let words = FILES.iter().find(|(name, _)| *name == option).map(|(_, words)| words);
    let value = |value: &std::ffi::OsStr| match words {
        Some(words) if !words.iter().any(|word| value == *word) => told(Path::new(value)),
        _ => value.to_string_lossy().into_owned(),
    };
    if !argument.get_action().takes_values() {
        return vec![(option.to_owned(), Vec::new())];
    }
    let occurrences = matches.get_raw_occurrences(id).into_iter().flatten();
    let values = occurrences.map(|values| values.map(value).collect::<Vec<_>>());
    let joined = values.map(|values| match argument.get_value_delimiter() {
        Some(delimiter) => vec![values.join(&delimiter.to_string())],
        None => values,
    });
    joined.map(|values| (option.to_owned(), values)).collect()
}

/// A path as it was given, or only the file's name if it says where on a machine that is.
pub(crate) fn told(path: &Path) -> String {
    let rooted = path.components().any(|part| matches!(part, Component::Prefix(_) | Component::RootDir));
    let shown = if rooted { path.file_name().map(Path::new).unwrap_or(Path::new("unnamed")) } else { path };
    shown.to_string_lossy().into_owned()
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    if is_standard_stream(path) || !path.metadata()?.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn record(options: Vec<(String, Vec<String>)>) -> Record {
        Record {
            impasto: String::new(),
            command: "stylize".to_owned(),
            options,
            inputs: Vec::new(),
            size: (1, 1),
            device: String::new(),
            back_end: String::new(),
            precision: String::new(),
            filters: String::new(),
            recipe: serde_json::Value::Null,
            begun_for: None,
        }
    }

    #[test]
    fn every_option_of_stylize_is_remembered_or_forgotten_on_purpose() {
        let all = super::super::command();
        let stylize = all.find_subcommand("stylize").expect("there is stylize");
        for argument in stylize.get_arguments() {
            let name = spelling(argument);
            let lists = [REMEMBERED.contains(&name), FORGOTTEN.contains(&name)];
            assert!(lists[0] != lists[1], "{name} is in both lists or in none");
        }
    }

    #[test]
    fn options_are_remembered_as_they_were_given_and_no_place_on_the_machine() {
        let line = "impasto -q stylize pictures/a.png -s /home/joe/secret/b.png -o /home/joe/out.png --style-layers \
                    relu1_1,relu2_1=0.5 --init /tmp/c.png --weights learned --weights-url http://joe:word@x/ --seed 3 \
                    --seed=4 --checkpoint run --tune --learning-rate -1";
        let found = options("stylize", &words(line));
        let found: Vec<String> =
            found.iter().map(|(option, values)| format!("{option} {}", values.join(" "))).collect();
        let mut expected = [
            "content pictures/a.png",
            "style b.png",
            "init c.png",
            "seed 4",
            "style-layers relu1_1,relu2_1=0.5",
            "weights learned",
            "learning-rate -1",
        ];
        expected.sort_unstable();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(options("stylize", &words("impasto stylize --no-such-option")), []);
    }

    #[test]
    fn what_a_stranger_wrote_gives_no_option_but_the_harmless_ones() {
        let given = |option: &str, values: &[&str]| {
            (option.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        let call = record(vec![
            given("content", &["--output=/etc/passwd"]),
            given("style", &["--log"]),
            given("style", &["/etc/shadow"]),
            given("region", &["--log", "-o"]),
            given("output", &["mine.png"]),
            given("log", &["mine.log"]),
            given("checkpoint", &["mine"]),
            given("weights-url", &["http://x/"]),
            given("help", &[]),
            given("size=9 --output", &["x.png"]),
            given("seed", &["1 --output x.png"]),
        ])
        .call(&BTreeMap::new(), &[("size", words("32")), ("device", Vec::new())]);
        let expected = [
            "impasto",
            "stylize",
            "--style=--log",
            "--style=shadow",
            "--region",
            "./--log",
            "./-o",
            "--seed=1 --output x.png",
            "--size=32",
            "--",
            "--output=/etc/passwd",
        ];
        assert_eq!(call, expected.map(OsString::from));
    }

    #[test]
    fn files_are_where_they_were_found_and_what_is_given_takes_the_place_of_what_was() {
        let line = "impasto stylize a.png -s b.png --init b.png --weights auto --size 9 --content-weight 2";
        let record = record(options("stylize", &words(line)));
        let found = BTreeMap::from([("b.png".to_owned(), OsString::from("album/b.png"))]);
        let call = record.call(&found, &[("content", words("c.png")), ("size", words("8"))]);
        let mut words: Vec<String> = call.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words.split_off(words.len() - 2), ["--", "c.png"]);
        words.sort_unstable();
        let expected = [
            "--content-weight=2",
            "--init=album/b.png",
            "--size=8",
            "--style=album/b.png",
            "--weights=auto",
            "impasto",
            "stylize",
        ];
        assert_eq!(words, expected);
    }

    #[cfg(windows)]
    #[test]
    fn shares_of_other_machines_are_not_reached() {
        assert_eq!(told(Path::new(r"\\evil\share\a.png")), "a.png");
        assert_eq!(told(Path::new(r"C:a.png")), "a.png");
    }
}
