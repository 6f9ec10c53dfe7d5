//! `probe_arithmetic.wgsl`, `probe_cooperative.wgsl` and `probe_bandwidth.wgsl`.

use super::{Dispatch, params::params};
use crate::plan::Precision;

params! {
    struct ArithmeticParams {
        count: u32,
        rounds: u32,
        factor: f32,
        addend: f32,
    }
}

params! {
    struct CooperativeParams {
        rounds: u32,
    }
}

params! {
    struct BandwidthParams {
        count: u32,
    }
}

/// Operations of one workgroup of the arithmetic probe in one round; a multiply-add counts as two.
pub const ARITHMETIC_GROUP_FLOPS: u64 = 256 * 512;
/// Invocations of a workgroup of the arithmetic probe, each with 16 bytes of output at binding 1.
pub const ARITHMETIC_GROUP: u32 = 256;

/// `count` chains of `8 * rounds` multiply-adds.
pub fn probe_arithmetic(count: u32, rounds: u32, factor: f32, addend: f32) -> Dispatch {
    let params = ArithmeticParams { count, rounds, factor, addend };
    Dispatch::new("probe_arithmetic", "probe_arithmetic", &params, count.div_ceil(ARITHMETIC_GROUP) as usize)
}

/// Operations of one workgroup of the cooperative probe in one round.
pub const COOPERATIVE_GROUP_FLOPS: u64 = 4 * 8 * 2 * 16 * 16 * 16;
/// Bytes that one workgroup of the cooperative probe writes to binding 3.
pub const COOPERATIVE_GROUP_BYTES: u64 = 4 * 8 * 4 * 256;

/// `groups` workgroups of `lanes` invocations that each multiply the 16x16 matrix at binding 1 with eight at binding 2, `rounds` times.
pub fn probe_cooperative(groups: u32, lanes: u32, rounds: u32) -> Dispatch {
    let params = CooperativeParams { rounds };
    let dispatch = Dispatch::new("probe_cooperative", "probe_cooperative", &params, groups as usize);
    Dispatch { precision: Precision::F16, constants: vec![("LANES", lanes.into())], ..dispatch }
}

/// `count` times 16 bytes from binding 1 to binding 2.
pub fn probe_bandwidth(count: u32) -> Dispatch {
    Dispatch::new("probe_bandwidth", "probe_bandwidth", &BandwidthParams { count }, count.div_ceil(1024) as usize)
}
