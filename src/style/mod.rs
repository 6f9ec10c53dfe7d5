//! Style transfer proper: losses, targets, scales, the recipe with its defaults, and the optimisation.

mod checkpoint;
pub mod coefficients;
#[cfg_attr(not(test), expect(dead_code, reason = "the recipe is to offer it"))]
mod colours;
mod error;
mod evaluate;
mod event;
mod gradient_scale;
mod inputs;
mod memory_needed;
mod moment;
mod objective;
mod optimizer;
mod outline;
mod painting;
mod prepare;
mod recipe;
#[cfg_attr(not(test), expect(dead_code, reason = "terms over regions are to use it"))]
mod region_weights;
mod remarks;
mod running_plan;
mod scale;
mod scale_pictures;
mod sizes;
mod statistics;
mod stylize;
mod targets;

pub use checkpoint::{Checkpoint, CheckpointError, Input};
pub use coefficients::Scaling;
pub use error::{MaskOf, Reason, StylizeError};
pub use evaluate::{Evaluation, evaluate};
pub use event::Event;
pub use inputs::{Inputs, StyleInput};
pub use memory_needed::{Lack, Memory, ScalePlans, Shortage, memory, shortage, smaller_size};
pub use objective::{Loss, Objective, WeightedTerm};
pub use outline::{Outline, PaintingOutline, RegionOutline};
pub use painting::{ChangeError, Painting, Status};
pub use recipe::{Colours, Init, Method, Recipe, RecipeError, WeightedLayer, Weights};
pub use remarks::{Kind, Remark};
pub use sizes::scales;
pub use stylize::stylize;
pub use scale_pictures::{ScalePictures, StylePicture};
pub use targets::{Source, TargetError, Targets, features, network};
