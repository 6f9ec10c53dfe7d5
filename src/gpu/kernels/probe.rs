//! `probe_arithmetic.wgsl` and `probe_bandwidth.wgsl`.

use super::Dispatch;

/// Operations of one workgroup of the arithmetic probe in one round; a multiply-add counts two.
pub const ARITHMETIC_GROUP_FLOPS: u64 = 256 * 512;
/// Invocations of a workgroup of the arithmetic probe, each with 16 bytes of output at binding 1.
pub const ARITHMETIC_GROUP: u32 = 256;

/// `count` chains of `8 * rounds` multiply-adds.
pub fn probe_arithmetic(count: u32, rounds: u32, factor: f32, addend: f32) -> Dispatch {
    let params = vec![count, rounds, factor.to_bits(), addend.to_bits()];
    Dispatch::new("probe_arithmetic", "probe_arithmetic", params, count.div_ceil(ARITHMETIC_GROUP) as usize)
}

/// `count` times 16 bytes from binding 1 to binding 2.
pub fn probe_bandwidth(count: u32) -> Dispatch {
    Dispatch::new("probe_bandwidth", "probe_bandwidth", vec![count], count.div_ceil(1024) as usize)
}
