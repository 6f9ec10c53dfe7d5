//! Neural style transfer as a library.

mod backend;
pub mod cpu;
mod host_memory;
pub mod plan;
pub mod random;
pub mod reference;
pub mod style;
pub mod tolerance;
pub mod validate;
pub mod vgg19;
pub mod weights;

pub use backend::{BackendError, Session, read_values, values, write_values};
