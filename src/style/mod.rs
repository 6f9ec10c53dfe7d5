//! Style transfer proper: losses, targets, scales, the recipe with its defaults, and the optimisation.

mod checkpoint;
pub mod coefficients;
mod evaluate;
mod gradient_scale;
mod memory;
mod moment;
mod objective;
mod optimizer;
mod painting;
mod prepare;
mod recipe;
mod running_plan;
mod scale;
mod scales;
mod stylize;
mod targets;

pub use checkpoint::{Checkpoint, CheckpointError, Input};
pub use coefficients::Scaling;
pub use evaluate::{Evaluation, evaluate};
pub use memory::{Lack, Memory, ScalePlans, Shortage, memory, shortage, smaller_size};
pub use objective::{Loss, Objective, WeightedTerm};
pub use painting::{ChangeError, Painting, Status};
pub use recipe::{Init, Method, Recipe, RecipeError, WeightedLayer};
pub use scales::scales;
pub use stylize::{Event, Reason, StylizeError, stylize};
pub use targets::{Sources, TargetError, Targets, features, network};
