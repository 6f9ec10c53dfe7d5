//! The options of `impasto stylize` as the studio offers them: made from the description of the command line, so that a new
//! option appears by itself; and the call that a request stands for.

use crate::cli::{
    CliError,
    record::{FILES, REMEMBERED},
    resume::try_parse,
    stylize,
};
use clap::Command;
use impasto::{
    options::{Group, offered as offered_of},
    studio::{PictureId, Request, RequestError, call as call_of, refusal},
    weights::Origin,
};
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

/// Every option that is offered, in the groups and the order of the command's help.
///
/// `machine` are the options with which the studio was started, on which defaults depend.
pub(super) fn offered(machine: &[String]) -> Vec<Group> {
    let origin = match machine.iter().any(|option| option == "--weights=learned") {
        true => Origin::Learned,
        false => Origin::Network,
    };
    offered_of(description(&crate::cli::command()), is_offered, origin)
}

fn is_offered(name: &str) -> bool {
    REMEMBERED.contains(&name) && !NOT_OFFERED.contains(&name)
}

/// The call of `impasto stylize` that a request stands for, without an output. `named` is what its pictures are called.
pub(super) fn call(request: &Request, named: impl Fn(&PictureId) -> OsString) -> Result<Vec<OsString>, RequestError> {
    for (name, words) in FILES {
        if let Some(value) = request.options.get(name).filter(|value| !words.contains(&value.as_str()))
            && is_offered(name)
        {
            return Err(RequestError::NoFile { name: name.to_owned(), value: value.clone(), words: words.to_vec() });
        }
    }
    let numbers = request.numbers_given(description(&crate::cli::command()), is_offered)?;
    Ok(call_of(request.pictures_given(named)?, numbers))
}

/// The description of `impasto stylize`.
fn description(all: &Command) -> &Command {
    all.find_subcommand("stylize").expect("there is stylize")
}

/// The options of a call, or what is wrong with it.
pub(super) fn parsed(call: &[OsString]) -> Result<stylize::Arguments, RequestError> {
    let arguments = try_parse(call).map_err(|error| refusal(&error))?;
    arguments.ok_or_else(|| RequestError::Refused("this is no call of stylize".to_owned()))
}

/// Adds what is not the request's: options are given before a `--` that is not there, and later ones count.
pub(super) fn with(mut call: Vec<OsString>, options: impl IntoIterator<Item = String>) -> Vec<OsString> {
    call.extend(options.into_iter().map(OsString::from));
    call
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
    use impasto::{
        options::{Kind, RecipeOptions},
        studio::{Painting, typed},
    };
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
        assert!(RecipeOptions::LIVE.iter().all(|name| names.contains(name)));
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
        assert_eq!(weight.unwrap().default.as_deref(), Some("90"));
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
            "impasto stylize 01.png --style 02.png --style 03.png --region 06.png 05.png --style-mask all \
             --style-mask 04.png --style-mask all --keep 07.png --blend=1,2,1 --colors=photo --style-weight=8"
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
