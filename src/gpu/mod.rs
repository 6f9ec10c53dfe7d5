//! The GPU back end: a plan becomes pipelines, buffers and bind groups once, and an iteration is recorded dispatches.

mod device;
mod failure;
mod filters;
mod kernels;
mod memory;
mod pipeline_file;
mod pipelines;
mod probe;
mod session;
mod timing;

pub use device::{Adapter, Gpu, ShaderChecks, adapters};
pub use filters::DeviceFilters;
pub(crate) use filters::filter_bytes;
pub use kernels::{Conv3x3Variant, SHADERS, Shader, UnknownVariant};
pub use probe::{Probe, probe};
pub use session::Session;
pub use timing::HostSeconds;
