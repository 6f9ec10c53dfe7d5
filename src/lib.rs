//! Neural style transfer as a library.

mod backend;
pub mod demo;
pub mod picture;
pub mod plan;
pub mod random;
pub mod vgg19;
pub mod weights;

pub use backend::{BackendError, Session, read_values, values, write_values};
