//! The GPU back end: a plan becomes pipelines, buffers and bind groups once, and an iteration is recorded dispatches.

mod abilities;
mod adapter;
mod allocation;
mod completion;
mod device_file;
mod device_memory;
mod failure;
mod filters;
mod kernels;
mod launch;
mod open;
mod pipelines;
mod probe;
mod self_check;
mod session;
mod speed;
mod timing;
mod trials;
mod tuning;
mod winograd;

pub use abilities::{Abilities, Resources, Vendor};
#[cfg(test)]
pub(crate) use adapter::first_adapter;
pub use adapter::{Adapter, AdapterFeature, AdapterInfo, AdapterKind, adapters, preferred_adapter};
pub(crate) use filters::filter_bytes;
pub use filters::{DeviceFilters, FilterForm};
pub(crate) use kernels::Task;
pub use kernels::{
    Choice, ForcedVariants, Kernel, OPERATIONS, Operation, PipelineSource, SHADERS, Shader, Tile, UnknownVariant,
    Variant, WorkShape, pipeline_sources,
};
pub use open::{Gpu, ShaderChecks};
pub use probe::{Probe, probe};
pub use self_check::CooperativeRefused;
pub use session::Session;
pub use timing::HostSeconds;
pub use trials::{Trial, trials};
pub use tuning::{Tuned, tuned_shapes};
