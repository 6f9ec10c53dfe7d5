//! Neural style transfer: a photograph painted in the style of a painting, on any GPU or on the processor.
//!
//! In the order in which a program meets them:
//!
//! 1. [`picture::Picture`] reads and writes PNG, JPEG, WebP, TIFF and BMP, reads GIF, AVIF and PNM, or takes pixels.
//! 2. [`weights`] holds the filters of the network: [`weights::fetch`] gets VGG19 into a [`weights::Cache`],
//!    [`weights::load`] reads a file, [`learn::learn_filters`] needs nothing but the pictures.
//! 3. [`style::Recipe`] says what is wanted: size, iterations, layers, weights. Everything has a default;
//!    [`style::Recipe::for_filters`] chooses layers that the filters reach.
//! 4. [`Device::open`] chooses what computes, and [`Engine::new`] puts the filters on it.
//! 5. [`style::stylize`] paints, and tells a closure what happens. A [`style::Painting`] does the same piece by piece:
//!    it can be looked at, changed, saved and resumed.
//!
//! ```
//! use impasto::{
//!     Device, DeviceChoice, Engine, demo,
//!     learn::{LearnSettings, learn_filters},
//!     plan::Size,
//!     style::{Inputs, Recipe, stylize},
//! };
//! use std::sync::Arc;
//!
//! // Two small drawn pictures; `Picture::open("photo.jpg")?` reads yours.
//! let size = Size { width: 48, height: 36 };
//! let (content, style) = (demo::townscape(size), demo::brushwork(size));
//!
//! // Few and shallow filters, to be quick; `LearnSettings::default()` learns good ones.
//! let settings = LearnSettings { deepest: "relu2_1".parse()?, size: 64, ..LearnSettings::default() };
//! let filters = learn_filters(&[&content, &style], &settings)?;
//!
//! let recipe = Recipe { size: 32, min_scale: 24, iterations: 2, ..Recipe::for_filters(&filters) };
//! let device = Device::open(&DeviceChoice::Cpu, None, None, &mut |_passed_over| {})?;
//! let engine = Engine::new(&device, Arc::new(filters))?;
//! let painted = stylize(&engine, &Inputs::new(content, style), &recipe, None, &mut |_event| {})?;
//!
//! assert_eq!(painted.size(), Size { width: 32, height: 24 });
//! // painted.save("result.png")? writes it.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Underneath, [`plan`] writes down the steps of an iteration as data, and a [`Session`] of [`gpu`], [`cpu`] or
//! [`mod@reference`] executes them; [`validate`] compares the three. [`vgg19`] lists the network's layers, and [`demo`]
//! draws the pictures that `impasto demo` paints with.
//!
//! # Features
//!
//! * `cli`, on by default: what the command `impasto` needs. A program that uses the library can leave it out.
//! * `options`, part of `cli`: the options of the command line, for other programs that let people choose.
//! * `studio`, on by default: `impasto studio`, which takes a server besides.
//! * `fetch`, on by default: HTTP and TLS for [`weights::fetch`]. Without it, filters come from files or are learned.

mod backend;
mod backend_error;
pub mod cache_directory;
mod contents;
pub mod cpu;
pub mod demo;
mod device;
mod engine;
mod file_part;
pub mod gpu;
mod host_memory;
pub mod learn;
pub mod picture;
pub mod plan;
mod product;
pub mod reference;
mod speed;
pub mod style;
pub mod validate;
pub mod vgg19;
pub mod weights;
mod windowed;
mod words;

// Shared with the command, the tests and the benches of this package; not part of the public interface.
#[doc(hidden)]
pub mod hexadecimal;
#[cfg(feature = "options")]
#[doc(hidden)]
pub mod options;
#[cfg(feature = "options")]
#[doc(hidden)]
pub mod pace;
#[doc(hidden)]
pub mod printable;
#[doc(hidden)]
pub mod random;
#[doc(hidden)]
pub mod replace_file;
mod scratch_file;
#[cfg(feature = "options")]
#[doc(hidden)]
pub mod studio;
#[doc(hidden)]
pub mod tolerance;

pub use backend::{
    BackendError, Session, SlotContents, read_map, read_values, values, write_map, write_noise, write_values,
};
pub use contents::Contents;
pub use device::{Device, DeviceChoice, DeviceChoices, DeviceError, automatic};
pub use engine::{Engine, StepKernel};
pub use speed::measured_speeds;
pub use windowed::LostDevice;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
