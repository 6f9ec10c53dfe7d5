//! Neural style transfer: a photograph painted in the style of a painting, on any GPU or on the processor.
//!
//! [`Device::open`] chooses what computes, [`Engine::new`] puts a network's [`weights::Filters`] on it, and
//! [`style::stylize`] paints by a [`style::Recipe`]. Underneath, [`plan`] writes down the steps of an iteration, and a
//! [`Session`] of [`gpu`], [`cpu`] or [`mod@reference`] executes them; [`validate`] compares the three.

mod backend;
pub mod cache_directory;
pub mod cpu;
pub mod demo;
mod device;
mod engine;
pub mod files;
pub mod gpu;
mod host_memory;
pub mod picture;
pub mod plan;
pub mod random;
pub mod reference;
pub mod style;
pub mod tolerance;
pub mod validate;
pub mod vgg19;
pub mod weights;

pub use backend::{BackendError, Session, read_map, read_values, values, write_map, write_noise, write_values};
pub use device::{Device, DeviceChoice, DeviceError, automatic};
pub use engine::{Engine, StepKernel};

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
