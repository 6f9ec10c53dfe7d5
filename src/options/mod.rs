//! What is to be painted, as people say it: options with names, values and help, from which a [`crate::style::Recipe`] is
//! made. The command line and the page in a browser have the same; what only one of them has stands there.

mod blend;
mod duration;
mod offered;
mod recipe;
mod sizes;
mod values;

pub use blend::{BlendOptions, counted};
pub use duration::DurationOptions;
pub use offered::{Group, Kind, Offered, Value, offered, spelling};
pub use recipe::RecipeOptions;
pub use sizes::{SizeOptions, detail_for};
pub use values::{depth, finite, positive, positive_number, size, weighted_layer};
