//! What can be set, for a page that offers it: made from the description of a command, so that a new option appears by
//! itself.

use super::RecipeOptions;
use crate::{
    style::{Recipe, Weights},
    weights::Origin,
};
use clap::{Arg, Command};
use serde::Serialize;

/// Options that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The heading.
    pub name: String,
    /// In the order of the command's help.
    pub options: Vec<Offered>,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offered {
    /// As on the command line, without dashes.
    pub name: String,
    /// What it is for, without its default.
    pub help: String,
    /// What its values are.
    pub kind: Kind,
    /// Of a choice.
    pub values: Vec<Value>,
    /// Where it is always the same.
    pub default: Option<String>,
    /// Whether it can change while a picture is painted.
    pub live: bool,
}

/// What values an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// One of [`Offered::values`].
    Choice,
    /// Anything else.
    Text,
    /// None: it is there or not.
    Flag,
}

/// A word that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The word.
    pub name: String,
    /// What it means; may be empty.
    pub help: String,
}

/// What an option is called, and what stands at its place is.
pub fn spelling(argument: &Arg) -> &str {
    argument.get_long().unwrap_or(argument.get_id().as_str())
}

/// The options of a command that are offered by name, in the groups and the order of its help, where filters come from
/// `origin` by default.
pub fn offered(command: &Command, is_offered: impl Fn(&str) -> bool, origin: Origin) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for argument in command.get_arguments().filter(|argument| is_offered(spelling(argument))) {
        let heading = argument.get_help_heading().unwrap_or("Options");
        let place = groups.iter().position(|group| group.name == heading);
        let place = place.unwrap_or_else(|| {
            groups.push(Group { name: heading.to_owned(), options: Vec::new() });
            groups.len() - 1
        });
        groups[place].options.push(described(argument, origin));
    }
    groups
}

fn described(argument: &Arg, origin: Origin) -> Offered {
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
    // Words that explain a default are none.
    let said = said.filter(|said| match kind {
        Kind::Number | Kind::Integer => said.parse::<f64>().is_ok(),
        Kind::Choice => values.iter().any(|value| value.name == *said),
        Kind::Text | Kind::Flag => false,
    });
    let name = spelling(argument);
    let default = match name {
        "style-weight" => Some(style_weight(origin)),
        _ => named.or(said),
    };
    let live = RecipeOptions::LIVE.contains(&name);
    Offered { name: name.to_owned(), help: text, kind, values, default, live }
}

/// The default for filters that come from somewhere.
fn style_weight(origin: Origin) -> String {
    let recipe = Recipe::default();
    Weights::default_for(recipe.scaling, recipe.statistic, origin).style.to_string()
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
