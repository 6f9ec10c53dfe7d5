//! Style transfer proper: losses, targets, scales, the recipe with its defaults, and the optimisation.

pub mod coefficients;
mod evaluate;
mod gradient_scale;
mod lbfgs;
mod line_search;
mod loss_ring;
mod memory;
mod objective;
mod prepare;
mod recipe;
mod scale;
mod scales;
mod stylize;
mod targets;

pub use coefficients::Scaling;
pub use evaluate::{Evaluation, evaluate};
pub use memory::{Lack, Memory, ScalePlans, Shortage, memory, shortage, smaller_size};
pub use objective::{Loss, Objective, WeightedTerm};
pub use recipe::{Init, Method, Recipe, RecipeError, WeightedLayer};
pub use scales::scales;
pub use stylize::{Event, Reason, StylizeError, stylize};
pub use targets::{Sources, TargetError, Targets, features, network};
