//! Filters: where they come from, and the layout that every back end reads.

pub mod cache;
mod error;
mod fetch;
mod filters;
mod generated;
mod header;
mod info;
mod load;
mod names;
mod save;
mod source;
mod summary;

pub use crate::vgg19::Normalisation;
pub use cache::{Cache, CachedFile};
pub use error::{FileFault, WeightsError};
#[cfg(feature = "fetch")]
#[doc(hidden)]
pub use fetch::is_fetch_state;
pub use fetch::{FetchError, Progress, fetch};
pub use filters::{ConvolutionFilters, Filters, Origin};
pub use generated::generated;
pub use info::{FileInfo, TensorInfo, info};
pub use load::{Format, load, load_all, read_all};
pub use save::save;
pub use source::{Patience, Source};
pub use summary::FilterSummary;
