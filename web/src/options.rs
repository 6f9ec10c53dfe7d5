//! What a page can set, and what follows from a request.

use clap::{Command, CommandFactory, FromArgMatches, Parser, builder::PossibleValuesParser};
use impasto::{
    options::{Group, RecipeOptions, SizeOptions, depth, offered},
    picture::Depth,
    plan::Size,
    studio::{Given, PictureId, Request, RequestError, refusal, spelled},
    style::{Init, Recipe},
    weights::Origin,
};
use std::ffi::OsString;

/// The word for filters that are learned from the pictures.
pub const LEARNED: &str = "learned";

/// The options of a request: those of `impasto stylize` that need no file.
#[derive(Parser)]
#[command(name = "impasto", allow_negative_numbers = true, args_override_self = true)]
pub struct Options {
    /// Bits of each value of the result; 8 are dithered, so that a smooth sky has no bands
    #[arg(long, value_name = "8|16", value_parser = depth, default_value = "8", help_heading = "Result")]
    pub depth: Depth,

    #[command(flatten, next_help_heading = "Size and time")]
    pub sizes: SizeOptions,

    #[command(flatten)]
    pub look: RecipeOptions,

    /// Start from the photograph or from noise
    #[arg(long, value_name = "content|noise", value_parser = ["content", "noise"], default_value = "content", help_heading = "Look")]
    init: String,

    /// Filters: learned from the pictures, or those of a file that was opened
    #[arg(long, value_name = "FILTERS", default_value = LEARNED, help_heading = "Network")]
    pub weights: String,
}

/// What a request has a field of its own for.
const NOT_OFFERED: [&str; 2] = ["blend", "help"];

fn is_offered(name: &str) -> bool {
    !NOT_OFFERED.contains(&name)
}

fn command() -> Command {
    Options::command()
}

/// Everything that can be set. `filters` are the names of those that were opened, `size` is the usual long side.
pub fn all(filters: &[&str], size: u32) -> Vec<Group> {
    let words: Vec<String> = [LEARNED].iter().chain(filters).map(ToString::to_string).collect();
    let command = command().mut_arg("weights", |argument| argument.value_parser(PossibleValuesParser::new(words)));
    let mut groups = offered(&command, is_offered, Origin::Learned);
    let sizes = groups.iter_mut().flat_map(|group| &mut group.options).filter(|option| option.name == "size");
    sizes.for_each(|option| option.default = Some(size.to_string()));
    groups
}

/// The options of a request that name no picture, with their values.
///
/// # Errors
/// If one is unknown.
pub fn given(request: &Request) -> Result<Vec<Given>, RequestError> {
    request.numbers_given(&command(), is_offered)
}

/// What a request says.
///
/// # Errors
/// If an option is unknown or has a value that it cannot have.
pub fn parsed(request: &Request) -> Result<Options, RequestError> {
    // A request without a painting says so before anything is parsed.
    request.pictures_given(|_: &PictureId| OsString::new())?;
    let words = [OsString::from("impasto")].into_iter().chain(spelled(given(request)?));
    let matches = command().try_get_matches_from(words).map_err(|error| refusal(&error))?;
    let options = Options::from_arg_matches(&matches).map_err(|error| refusal(&error))?;
    options.look.paintings.check(request.paintings.len()).map_err(RequestError::Refused)?;
    Ok(options)
}

impl Options {
    /// Long side of the result for a photograph of this size; `usual` where none is named.
    pub fn long_side(&self, photograph: Size, usual: u32) -> u32 {
        match self.sizes.names_a_size() {
            true => self.sizes.long_side(photograph),
            false => usual.min(photograph.long_side()),
        }
    }

    /// The recipe for a result of this long side, before filters are known.
    pub fn recipe(&self, long: u32) -> Recipe {
        self.recipe_from(long, if self.init == "noise" { Init::Noise } else { Init::Content })
    }

    /// The same from a start that the options do not know.
    pub fn recipe_from(&self, long: u32, init: Init) -> Recipe {
        self.look.recipe(long, init, Recipe::default().method)
    }
}
