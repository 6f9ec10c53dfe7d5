//! Style transfer proper: losses, targets, scales, the recipe with its defaults, and the optimisation.

mod checkpoint;
pub mod coefficients;
#[cfg_attr(not(test), expect(dead_code, reason = "the recipe is to offer it"))]
mod colours;
mod error;
mod evaluate;
mod event;
mod gradient_scale;
mod memory_needed;
mod moment;
mod objective;
mod optimizer;
mod painting;
mod prepare;
mod recipe;
#[cfg_attr(not(test), expect(dead_code, reason = "terms over regions are to use it"))]
mod region_weights;
mod remarks;
mod running_plan;
mod scale;
mod sizes;
mod stylize;
mod targets;

pub use checkpoint::{Checkpoint, CheckpointError, Input};
pub use coefficients::Scaling;
pub use error::{Reason, StylizeError};
pub use evaluate::{Evaluation, evaluate};
pub use event::Event;
pub use memory_needed::{Lack, Memory, ScalePlans, Shortage, memory, shortage, smaller_size};
pub use objective::{Loss, Objective, WeightedTerm};
pub use painting::{ChangeError, Painting, Status};
pub use recipe::{Init, Method, Recipe, RecipeError, WeightedLayer, Weights};
pub use remarks::{Kind, Remark};
pub use sizes::scales;
pub use stylize::stylize;
pub use targets::{Sources, TargetError, Targets, features, network};
