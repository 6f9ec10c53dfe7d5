//! What pictures are judged by: pure functions of planes of numbers.

pub mod grain;
pub mod plane;
pub mod rings;
pub mod structure;
pub mod wasserstein;
