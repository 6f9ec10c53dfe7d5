//! What decides which kernels a device can run, and which run best on it.

/// Plain data about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Who made it.
    pub maker: Maker,
    /// Workgroups that keep all of it busy; where a step has fewer, kernels take smaller tiles.
    pub filling_groups: usize,
    /// Bytes of memory that a workgroup shares; 16 KiB everywhere, more on most.
    pub workgroup_memory: u32,
    /// Whether it multiplies 16x16x16 matrices of f16 with f32 sums in subgroups of 32 invocations (tensor cores).
    pub cooperative_matrices: bool,
}

/// Makers of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Maker {
    /// A driver that computes on the processor.
    Software,
    Nvidia,
    Amd,
    Intel,
    Apple,
    Other,
}

impl Maker {
    /// From what an adapter says of itself.
    fn of(info: &wgpu::AdapterInfo) -> Maker {
        // Metal gives no vendor number.
        let apple = info.backend == wgpu::Backend::Metal;
        match (info.device_type, info.vendor) {
            (wgpu::DeviceType::Cpu, _) => Maker::Software,
            (_, 0x106B) => Maker::Apple,
            _ if apple => Maker::Apple,
            (_, 0x10DE) => Maker::Nvidia,
            (_, 0x1002) => Maker::Amd,
            (_, 0x8086) => Maker::Intel,
            _ => Maker::Other,
        }
    }
}

/// Two workgroups for each multiprocessor of a large device of that type; wgpu does not tell how many a device has.
fn filling_groups(device_type: wgpu::DeviceType) -> usize {
    match device_type {
        wgpu::DeviceType::Cpu => 8,
        wgpu::DeviceType::IntegratedGpu => 40,
        _ => 200,
    }
}

/// Features that cooperative kernels need.
pub(super) const COOPERATIVE: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SHADER_F16).union(wgpu::Features::SUBGROUP);

/// Whether an adapter offers the matrices that cooperative kernels work on.
pub(super) fn has_cooperative_matrices(adapter: &wgpu::Adapter) -> bool {
    use wgpu::CooperativeScalarType::{F16, F32};
    let info = adapter.get_info();
    let fitting = |matrix: &wgpu::CooperativeMatrixProperties| {
        (matrix.m_size, matrix.n_size, matrix.k_size, matrix.ab_type, matrix.cr_type) == (16, 16, 16, F16, F32)
    };
    adapter.features().contains(COOPERATIVE)
        && (info.subgroup_min_size, info.subgroup_max_size) == (32, 32)
        && adapter.cooperative_matrix_properties().iter().any(fitting)
}

impl Abilities {
    /// Those of an adapter.
    pub(super) fn of(adapter: &wgpu::Adapter) -> Abilities {
        Abilities {
            maker: Maker::of(&adapter.get_info()),
            filling_groups: filling_groups(adapter.get_info().device_type),
            workgroup_memory: adapter.limits().max_compute_workgroup_storage_size,
            cooperative_matrices: has_cooperative_matrices(adapter),
        }
    }
}
