//! Filters: where they come from, and the layout that every back end reads.

mod filters;
mod generated;

pub use filters::{ConvolutionFilters, Filters, Normalisation};
pub use generated::generated;
