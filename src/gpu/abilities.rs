//! What decides which kernels a device can run, and which run best on it.

/// Plain data about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Its vendor.
    pub vendor: Vendor,
    /// Workgroups that keep all of it busy; where a step has fewer, kernels take smaller tiles.
    pub filling_groups: usize,
    /// What a kernel may take.
    pub resources: Resources,
    /// Whether it multiplies 16x16x16 matrices of f16 with f32 sums (tensor cores).
    pub cooperative_matrices: bool,
    /// Invocations of the largest subgroups that its driver may choose.
    pub largest_subgroup: u32,
}

/// The resources that a kernel needs, or that a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Storage buffers that are bound at once.
    pub storage_buffers: u32,
}

impl Resources {
    /// What every device has.
    pub const WEBGPU_MINIMUM: Resources =
        Resources { invocations: 256, workgroup_memory: 16 << 10, storage_buffers: 8 };

    /// Whether a kernel that needs this runs on a device that has `available`.
    pub fn fit(self, available: Resources) -> bool {
        self.invocations <= available.invocations
            && self.workgroup_memory <= available.workgroup_memory
            && self.storage_buffers <= available.storage_buffers
    }

    fn of(limits: &wgpu::Limits) -> Resources {
        Resources {
            invocations: limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x),
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            storage_buffers: limits.max_storage_buffers_per_shader_stage,
        }
    }
}

/// Vendors of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Vendor {
    /// A driver that computes on the processor.
    Software,
    Nvidia,
    Amd,
    Intel,
    Apple,
    Other,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Vendor; 6] =
        [Vendor::Software, Vendor::Nvidia, Vendor::Amd, Vendor::Intel, Vendor::Apple, Vendor::Other];

    /// From what an adapter reports.
    fn of(info: &wgpu::AdapterInfo) -> Vendor {
        // Metal gives no vendor number.
        let apple = info.backend == wgpu::Backend::Metal;
        match (info.device_type, info.vendor) {
            (wgpu::DeviceType::Cpu, _) => Vendor::Software,
            (_, 0x106B) => Vendor::Apple,
            _ if apple => Vendor::Apple,
            (_, 0x10DE) => Vendor::Nvidia,
            (_, 0x1002) => Vendor::Amd,
            (_, 0x8086) => Vendor::Intel,
            _ => Vendor::Other,
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

/// Invocations of a cooperative kernel's workgroup: at least four subgroups, whatever size the driver chooses.
fn cooperative_invocations(largest_subgroup: u32) -> u32 {
    4 * largest_subgroup.max(32)
}

/// The abilities that the table has tiles for.
const MOST_COOPERATIVE_INVOCATIONS: u32 = 256;

/// Whether an adapter offers the matrices that cooperative kernels work on.
pub(super) fn has_cooperative_matrices(adapter: &wgpu::Adapter) -> bool {
    use wgpu::CooperativeScalarType::{F16, F32};
    let info = adapter.get_info();
    let fitting = |matrix: &wgpu::CooperativeMatrixProperties| {
        (matrix.m_size, matrix.n_size, matrix.k_size, matrix.ab_type, matrix.cr_type) == (16, 16, 16, F16, F32)
    };
    adapter.features().contains(COOPERATIVE)
        && cooperative_invocations(info.subgroup_max_size) <= MOST_COOPERATIVE_INVOCATIONS
        && adapter.cooperative_matrix_properties().iter().any(fitting)
}

impl Abilities {
    /// Invocations of a cooperative kernel's workgroup.
    pub(super) fn cooperative_invocations(&self) -> u32 {
        cooperative_invocations(self.largest_subgroup)
    }

    /// The abilities of an adapter that is opened with these limits.
    pub(super) fn of(adapter: &wgpu::Adapter, limits: &wgpu::Limits) -> Abilities {
        Abilities {
            vendor: Vendor::of(&adapter.get_info()),
            filling_groups: filling_groups(adapter.get_info().device_type),
            resources: Resources::of(limits),
            cooperative_matrices: has_cooperative_matrices(adapter),
            largest_subgroup: adapter.get_info().subgroup_max_size,
        }
    }
}
