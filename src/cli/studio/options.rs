//! The options of `impasto stylize` as the studio offers them: made from the description of the command line, so that a new
//! option appears by itself; and the call that a request stands for.

use super::{
    names::PictureId,
    work::{Painting, Request},
};
use crate::cli::{
    CliError,
    record::{FILES, REMEMBERED, spelling},
    resume::try_parse,
    stylize,
};
use clap::Arg;
use impasto::{
    style::{Recipe, Weights},
    weights::Origin,
};
use serde::Serialize;
use std::ffi::OsString;

/// What is remembered of a picture and not offered by name: a request says it in a field of its own, or it is for whoever
/// started the studio.
const NOT_OFFERED: [&str; 11] = [
    "content",
    "style",
    "blend",
    "style-mask",
    "region",
    "keep",
    "preview",
    "device",
    "memory",
    "variant",
    "weights-format",
];

/// What can change while a picture is painted.
const LIVE: [&str; 8] = [
    "content-weight",
    "style-weight",
    "tv-weight",
    "edges",
    "content-layers",
    "style-layers",
    "learning-rate",
    "iterations",
];

/// Options that belong together.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    name: String,
    options: Vec<Offered>,
}

/// An option.
#[derive(Debug, Serialize)]
struct Offered {
    name: String,
    help: String,
    kind: Kind,
    /// Of a choice.
    values: Vec<Value>,
    default: Option<String>,
    live: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Number,
    Integer,
    Choice,
    Text,
    Flag,
}

#[derive(Debug, Serialize)]
struct Value {
    name: String,
    help: String,
}

/// Every option that is offered, in the groups and the order of the command's help.
///
/// `machine` are the options with which the studio was started, on which defaults depend.
pub(super) fn offered(machine: &[String]) -> Vec<Group> {
    let all = crate::cli::command();
    let stylize = all.find_subcommand("stylize").expect("there is stylize");
    let mut groups: Vec<Group> = Vec::new();
    for argument in stylize.get_arguments().filter(|argument| is_offered(spelling(argument))) {
        let heading = argument.get_help_heading().unwrap_or("Options");
        let place = groups.iter().position(|group| group.name == heading);
        let place = place.unwrap_or_else(|| {
            groups.push(Group { name: heading.to_owned(), options: Vec::new() });
            groups.len() - 1
        });
        groups[place].options.push(described(argument, machine));
    }
    groups
}

fn is_offered(name: &str) -> bool {
    REMEMBERED.contains(&name) && !NOT_OFFERED.contains(&name)
}

fn described(argument: &Arg, machine: &[String]) -> Offered {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let (text, said) = match help.rsplit_once(" [default: ") {
        Some((text, default)) => (text.to_owned(), default.split([',', ';', ' ', ']']).next().map(str::to_owned)),
        None => (help, None),
    };
    let named = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let values = values(argument);
    let value_name = argument.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
    let kind = match value_name {
        _ if !argument.get_action().takes_values() => Kind::Flag,
        _ if !values.is_empty() => Kind::Choice,
        Some("F") => Kind::Number,
        Some("N") => Kind::Integer,
        _ => Kind::Text,
    };
    let name = spelling(argument);
    // Words that explain a default are none.
    let said = said.filter(|said| match kind {
        Kind::Number | Kind::Integer => said.parse::<f64>().is_ok(),
        Kind::Choice => values.iter().any(|value| value.name == *said),
        Kind::Text | Kind::Flag => false,
    });
    let default = match name {
        "style-weight" if machine.iter().any(|option| option == "--weights=learned") => Some(learned_style_weight()),
        _ => named.or(said),
    };
    Offered { name: name.to_owned(), help: text, kind, values, default, live: LIVE.contains(&name) }
}

/// The default where filters are learned.
fn learned_style_weight() -> String {
    let recipe = Recipe::default();
    Weights::default_for(recipe.scaling, recipe.statistic, Origin::Learned).style.to_string()
}

/// What can be chosen: by the parser, or by the name of the value, where lower case is what is typed.
fn values(argument: &Arg) -> Vec<Value> {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let value = |value: &clap::builder::PossibleValue| Value {
            name: value.get_name().to_owned(),
            help: value.get_help().map(ToString::to_string).unwrap_or_default(),
        };
        return possible.iter().map(value).collect();
    }
    let names = argument.get_value_names().and_then(|names| names.first()).map(|name| name.to_string());
    let words = names.as_deref().filter(|names| names.contains('|')).into_iter().flat_map(|names| names.split('|'));
    let typed = words.filter(|word| !word.contains(|c: char| c.is_uppercase()));
    typed.map(|word| Value { name: word.to_owned(), help: String::new() }).collect()
}

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("there is no option {name}: see /api/options for those that there are")]
    Unknown { name: String },
    #[error("{name} is \"{value}\", but must be one of {}", words.join(", "))]
    NoFile { name: String, value: String, words: Vec<&'static str> },
    #[error("no painting is named: give at least one")]
    NoPainting,
    #[error("{0}")]
    Refused(String),
}

/// The call of `impasto stylize` that a request stands for, without an output. `named` is what its pictures are called.
pub(super) fn call(request: &Request, named: impl Fn(&PictureId) -> OsString) -> Result<Vec<OsString>, RequestError> {
    if request.paintings.is_empty() {
        return Err(RequestError::NoPainting);
    }
    let mut words = vec![OsString::from("impasto"), "stylize".into(), named(&request.photograph)];
    let whole = request.paintings.iter().filter(|painting| painting.region.is_none());
    for painting in whole.clone() {
        words.extend(["--style".into(), named(&painting.picture)]);
    }
    let ruling = request.paintings.iter().filter_map(|painting| Some((painting, painting.region.as_ref()?)));
    for (painting, region) in ruling.clone() {
        words.extend(["--region".into(), named(region), named(&painting.picture)]);
    }
    // Numbers and masks go in this order.
    let ordered: Vec<&Painting> = whole.chain(ruling.map(|(painting, _)| painting)).collect();
    if ordered.iter().any(|painting| painting.weight.is_some()) {
        let weights: Vec<String> = ordered.iter().map(|painting| painting.weight.unwrap_or(1.0).to_string()).collect();
        words.push(format!("--blend={}", weights.join(",")).into());
    }
    if ordered.iter().any(|painting| painting.mask.is_some()) {
        for painting in ordered {
            let mask = painting.mask.as_ref().map_or("all".into(), &named);
            words.extend(["--style-mask".into(), mask]);
        }
    }
    if let Some(keep) = &request.keep {
        words.extend(["--keep".into(), named(keep)]);
    }
    let all = crate::cli::command();
    let stylize = all.find_subcommand("stylize").expect("there is stylize");
    for (name, value) in &request.options {
        let argument = stylize.get_arguments().find(|argument| spelling(argument) == name && is_offered(name));
        let argument = argument.ok_or_else(|| RequestError::Unknown { name: name.clone() })?;
        if let Some((_, allowed)) = FILES.iter().find(|(file, _)| file == name)
            && !allowed.contains(&&**value)
        {
            return Err(RequestError::NoFile { name: name.clone(), value: value.clone(), words: allowed.to_vec() });
        }
        words.push(match argument.get_action().takes_values() {
            true => format!("--{name}={value}").into(),
            false => format!("--{name}").into(),
        });
    }
    Ok(words)
}

/// The options of a call, or what is wrong with it.
pub(super) fn parsed(call: &[OsString]) -> Result<stylize::Arguments, RequestError> {
    let refused = |error: clap::Error| {
        let text = error.render().to_string();
        let line = text.lines().next().unwrap_or_default();
        RequestError::Refused(line.strip_prefix("error: ").unwrap_or(line).to_owned())
    };
    let arguments = try_parse(call).map_err(refused)?;
    arguments.ok_or_else(|| RequestError::Refused("this is no call of stylize".to_owned()))
}

/// Adds what is not the request's: options are given before a `--` that is not there, and later ones count.
pub(super) fn with(mut call: Vec<OsString>, options: impl IntoIterator<Item = String>) -> Vec<OsString> {
    call.extend(options.into_iter().map(OsString::from));
    call
}

/// A call as one types it into a shell.
pub(super) fn typed(call: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    let word = |word: &OsString| {
        let word = word.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    call.iter().map(word).collect::<Vec<_>>().join(" ")
}

impl From<RequestError> for CliError {
    fn from(error: RequestError) -> CliError {
        CliError::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use std::collections::BTreeMap;

    fn id(byte: u8) -> PictureId {
        PictureId::of_digest(&[byte; 16])
    }

    fn request(options: &[(&str, &str)]) -> Request {
        let options = options.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let painting = Painting { picture: id(2), weight: None, mask: None, region: None };
        Request { photograph: id(1), paintings: vec![painting], keep: None, options: options.collect() }
    }

    fn name(id: &PictureId) -> OsString {
        format!("it's {}.png", &id.as_str()[..2]).into()
    }

    #[test]
    fn every_remembered_option_is_offered_or_withheld_on_purpose() {
        let groups = offered(&[]);
        let names: Vec<&str> =
            groups.iter().flat_map(|group| &group.options).map(|option| option.name.as_str()).collect();
        for name in REMEMBERED {
            assert!(names.contains(&name) != NOT_OFFERED.contains(&name), "{name}");
        }
        assert!(LIVE.iter().all(|name| names.contains(name)));
        let find =
            |name: &str| groups.iter().flat_map(|group| &group.options).find(|option| option.name == name).unwrap();
        assert_eq!((find("style-weight").kind, find("style-weight").default.as_deref()), (Kind::Number, Some("6")));
        assert_eq!((find("size").kind, find("size").default.as_deref()), (Kind::Integer, Some("512")));
        for (name, values) in
            [("quality", 3), ("statistic", 3), ("colors", 3), ("depth", 2), ("init", 2), ("weights", 2)]
        {
            assert_eq!((find(name).kind, find(name).values.len()), (Kind::Choice, values), "{name}");
        }
        assert!(!find("style-weight").help.contains("default"));
        let defaults = ["optimizer", "learning-rate", "style-layers", "first-iterations", "statistic"]
            .map(|name| find(name).default.as_deref());
        assert_eq!(defaults, [Some("lbfgs"), Some("0.02"), None, None, Some("moments")]);
        let learned = offered(&["--weights=learned".to_owned()]);
        let weight = learned.iter().flat_map(|group| &group.options).find(|option| option.name == "style-weight");
        assert_eq!(weight.unwrap().default.as_deref(), Some("120"));
    }

    #[test]
    fn a_request_is_a_call_that_can_be_typed() {
        let mut full = request(&[("style-weight", "8"), ("colors", "photo")]);
        full.paintings.push(Painting { picture: id(3), weight: Some(2.0), mask: Some(id(4)), region: None });
        full.paintings.insert(0, Painting { picture: id(5), weight: None, mask: None, region: Some(id(6)) });
        full.keep = Some(id(7));
        let call = call(&full, |id| format!("{}.png", &id.as_str()[..2]).into()).unwrap();
        assert_eq!(
            typed(&call),
            "impasto stylize 01.png --style 02.png --style 03.png --region 06.png 05.png --blend=1,2,1 --style-mask all \
             --style-mask 04.png --style-mask all --keep 07.png --colors=photo --style-weight=8"
        );
        parsed(&call).unwrap();
        assert_eq!(
            typed(&super::call(&request(&[]), name).unwrap()),
            r"impasto stylize 'it'\''s 01.png' --style 'it'\''s 02.png'"
        );
    }

    #[test]
    fn no_option_names_a_file_or_what_is_done_with_the_machine() {
        for (option, value) in [
            ("output", "/etc/passwd"),
            ("checkpoint", "x"),
            ("log", "x"),
            ("weights", "/etc/passwd"),
            ("weights-url", "http://x"),
            ("init", "/etc/passwd"),
            ("style-mask", "/etc/passwd"),
            ("keep", "/etc/passwd"),
            ("device", "0"),
            ("help", ""),
            ("content", "/etc/passwd"),
            ("-o", "x"),
            ("size --output", "x"),
        ] {
            assert!(call(&request(&[(option, value)]), name).is_err(), "{option}");
        }
        let sentence = |options: &[(&str, &str)]| {
            let call = call(&request(options), name).unwrap();
            parsed(&call).err().unwrap().to_string()
        };
        assert!(sentence(&[("style-weight", "much")]).contains("\"much\" is not a number"));
        assert!(sentence(&[("size", "-3 --output=x")]).contains("size"));
        assert!(call(&Request { paintings: Vec::new(), options: BTreeMap::new(), ..request(&[]) }, name).is_err());
    }
}
