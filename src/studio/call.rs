//! The call of `impasto stylize` that a request stands for.

use super::{
    names::{PictureId, shown_name, stem},
    work::{Painting, Request},
};
use crate::options::spelling;
use clap::Command;
use std::ffi::OsString;

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("there is no option {name}: see those that are offered")]
    Unknown { name: String },
    #[error("{name} is \"{value}\", but must be one of {}", words.join(", "))]
    NoFile { name: String, value: String, words: Vec<&'static str> },
    #[error("no painting is named: give at least one")]
    NoPainting,
    #[error("{0}")]
    Refused(String),
}

/// What the parser of options has against a request, in its first sentence.
pub fn refusal(error: &clap::Error) -> RequestError {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    RequestError::Refused(line.strip_prefix("error: ").unwrap_or(line).to_owned())
}

/// An option with its values.
pub type Given = (String, Vec<OsString>);

impl Request {
    /// Paintings in the order in which numbers and masks are for them: those that rule everywhere, then those of regions.
    pub fn ordered(&self) -> Vec<&Painting> {
        let (whole, ruling): (Vec<_>, Vec<_>) = self.paintings.iter().partition(|painting| painting.region.is_none());
        whole.into_iter().chain(ruling).collect()
    }

    /// The options that name pictures. `named` is what these are called.
    ///
    /// # Errors
    /// If there is no painting.
    pub fn pictures_given(&self, named: impl Fn(&PictureId) -> OsString) -> Result<Vec<Given>, RequestError> {
        let ordered = self.ordered();
        if ordered.is_empty() {
            return Err(RequestError::NoPainting);
        }
        let mut given = vec![("content".to_owned(), vec![named(&self.photograph)])];
        given.extend(ordered.iter().map(|painting| match &painting.region {
            None => ("style".to_owned(), vec![named(&painting.picture)]),
            Some(region) => ("region".to_owned(), vec![named(region), named(&painting.picture)]),
        }));
        if ordered.iter().any(|painting| painting.mask.is_some()) {
            let mask = |painting: &&Painting| painting.mask.as_ref().map_or("all".into(), &named);
            given.extend(ordered.iter().map(|painting| ("style-mask".to_owned(), vec![mask(painting)])));
        }
        given.extend(self.keep.iter().map(|keep| ("keep".to_owned(), vec![named(keep)])));
        Ok(given)
    }

    /// All other options. Of `command`, those may be given that `is_offered`.
    ///
    /// # Errors
    /// If one is unknown.
    pub fn numbers_given(
        &self,
        command: &Command,
        is_offered: impl Fn(&str) -> bool,
    ) -> Result<Vec<Given>, RequestError> {
        let ordered = self.ordered();
        let mut given = Vec::new();
        if ordered.iter().any(|painting| painting.weight.is_some()) {
            let weights: Vec<String> =
                ordered.iter().map(|painting| painting.weight.unwrap_or(1.0).to_string()).collect();
            given.push(("blend".to_owned(), vec![weights.join(",").into()]));
        }
        for (name, value) in &self.options {
            let argument = command.get_arguments().find(|argument| spelling(argument) == name && is_offered(name));
            let argument = argument.ok_or_else(|| RequestError::Unknown { name: name.clone() })?;
            let values = if argument.get_action().takes_values() { vec![value.into()] } else { Vec::new() };
            given.push((name.clone(), values));
        }
        Ok(given)
    }

    /// What the result is called where it is saved: photograph and first painting. `named` is what pictures are called.
    pub fn result_name(&self, named: impl Fn(&PictureId) -> Option<String>) -> String {
        let stem_of = |id| named(id).map_or("picture".to_owned(), |name| stem(&name).to_owned());
        let painting = self.paintings.first().map(|painting| stem_of(&painting.picture));
        let name = [stem_of(&self.photograph)].into_iter().chain(painting).collect::<Vec<_>>().join("-");
        shown_name(&format!("{name}.png"), "picture.png")
    }
}

/// The words of a call of `impasto stylize` with these options.
pub fn call(pictures: Vec<Given>, numbers: Vec<Given>) -> Vec<OsString> {
    let mut words = vec![OsString::from("impasto"), "stylize".into()];
    for (name, values) in pictures {
        if name != "content" {
            words.push(format!("--{name}").into());
        }
        words.extend(values);
    }
    words.extend(spelled(numbers));
    words
}

/// Options with their values, each in one word.
pub fn spelled(numbers: Vec<Given>) -> impl Iterator<Item = OsString> {
    numbers.into_iter().map(|(name, values)| {
        let mut word = OsString::from(format!("--{name}"));
        for value in values {
            word.push("=");
            word.push(value);
        }
        word
    })
}

/// A call as one types it into a shell.
pub fn typed(call: &[OsString]) -> String {
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
