//! How long to paint.

use super::values::quality;
use crate::style::{Method, Quality};
use clap::Args;

/// See the module.
#[derive(Args, Clone, Debug)]
pub struct DurationOptions {
    /// How much time the picture is given
    #[arg(long, value_name = "draft|normal|fine", value_parser = quality, default_value = "normal")]
    quality: Quality,

    /// Iterations at every size but the smallest [default: as many as --quality says]
    #[arg(long, value_name = "N")]
    iterations: Option<u32>,

    /// Iterations at the smallest size [default: as many as --quality says]
    #[arg(long, value_name = "N")]
    first_iterations: Option<u32>,
}

impl DurationOptions {
    /// Iterations at the smallest size and at each of the others.
    pub fn iterations(&self, method: Method) -> (u32, u32) {
        let (first, others) = self.quality.iterations(method);
        (self.first_iterations.unwrap_or(first), self.iterations.unwrap_or(others))
    }
}
