// Shared by the kernels that add up over a workgroup of 256; placed before their own text.

var<workgroup> lane_sums: array<f32, 256>;

// The sum of all lanes' values, always added in the same order.
fn workgroup_sum(lane: u32, value: f32) -> f32 {
    lane_sums[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if lane < half {
            lane_sums[lane] += lane_sums[lane + half];
        }
        workgroupBarrier();
    }
    return lane_sums[0];
}
