//! All tests from outside the library, in one program: it links wgpu and a back end once, and its tests share the cores.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

mod bands;
mod checkpoints;
#[cfg(all(feature = "cli", feature = "fetch"))]
mod command_line;
mod cpu;
#[cfg(feature = "fetch")]
mod fetch;
mod golden;
mod gpu_kernels;
mod gpu_session;
mod gradient;
#[path = "../examples/judge/measures/mod.rs"]
mod judge;
mod learned;
mod memory;
mod modules;
mod mutations;
mod not_finite;
mod painting;
mod pictures;
mod precision;
mod shaders;
#[cfg(all(feature = "studio", feature = "fetch"))]
mod studio;
mod stylist;
mod terms;
mod tiles;
mod validate;
#[cfg(all(feature = "studio", feature = "fetch"))]
mod web;
mod weights;
