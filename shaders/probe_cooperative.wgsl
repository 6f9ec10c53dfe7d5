// Peak arithmetic of cooperative matrices (tensor cores): eight independent 16x16 sums of each subgroup stay in registers,
// and nothing else takes time.
//
//   sums[g][i] = rounds * A B_i, i = 0..7, for the four shares g of every workgroup: 8 * 2 * 16^3 floating-point operations
//                a round and share
//
// The matrices come from buffers, so that no compiler knows them; all sums are written, so that none is left out.
//
// bindings  1 A [16][16]   2 B0 to B7, [16][128]   3 sums [shares][8][16][16]
// needs     16x16x16 matrices of f16 with f32 sums
// subgroups as in conv3x3_cooperative.wgsl: one for each share
// dispatch  workgroups of LANES

// 128 or 256.
override LANES: u32 = 128u;

const SHARES = 4u;

struct Params {
    rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<Stored4>;
@group(0) @binding(2) var<storage, read> right: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn probe_cooperative(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let number = group_number(group);
    let share = subgroup % SHARES;
    let left_stride = 4u;
    let right_stride = 32u;
    let a = coopLoadT<coop_mat16x16<f16, A>>(&left[0u], left_stride);
    let b0 = coopLoadT<coop_mat16x16<f16, B>>(&right[0u], right_stride);
    let b1 = coopLoadT<coop_mat16x16<f16, B>>(&right[4u], right_stride);
    let b2 = coopLoadT<coop_mat16x16<f16, B>>(&right[8u], right_stride);
    let b3 = coopLoadT<coop_mat16x16<f16, B>>(&right[12u], right_stride);
    let b4 = coopLoadT<coop_mat16x16<f16, B>>(&right[16u], right_stride);
    let b5 = coopLoadT<coop_mat16x16<f16, B>>(&right[20u], right_stride);
    let b6 = coopLoadT<coop_mat16x16<f16, B>>(&right[24u], right_stride);
    let b7 = coopLoadT<coop_mat16x16<f16, B>>(&right[28u], right_stride);
    var s0 = coop_mat16x16<f32, C>();
    var s1 = coop_mat16x16<f32, C>();
    var s2 = coop_mat16x16<f32, C>();
    var s3 = coop_mat16x16<f32, C>();
    var s4 = coop_mat16x16<f32, C>();
    var s5 = coop_mat16x16<f32, C>();
    var s6 = coop_mat16x16<f32, C>();
    var s7 = coop_mat16x16<f32, C>();
    for (var round = 0u; round < params.rounds; round++) {
        s0 = coopMultiplyAdd(a, b0, s0);
        s1 = coopMultiplyAdd(a, b1, s1);
        s2 = coopMultiplyAdd(a, b2, s2);
        s3 = coopMultiplyAdd(a, b3, s3);
        s4 = coopMultiplyAdd(a, b4, s4);
        s5 = coopMultiplyAdd(a, b5, s5);
        s6 = coopMultiplyAdd(a, b6, s6);
        s7 = coopMultiplyAdd(a, b7, s7);
    }
    let place = (number * SHARES + share) * 512u;
    let stride = 4u;
    coopStoreT(s0, &sums[place], stride);
    let place1 = place + 64u;
    coopStoreT(s1, &sums[place1], stride);
    let place2 = place + 128u;
    coopStoreT(s2, &sums[place2], stride);
    let place3 = place + 192u;
    coopStoreT(s3, &sums[place3], stride);
    let place4 = place + 256u;
    coopStoreT(s4, &sums[place4], stride);
    let place5 = place + 320u;
    coopStoreT(s5, &sums[place5], stride);
    let place6 = place + 384u;
    coopStoreT(s6, &sums[place6], stride);
    let place7 = place + 448u;
    coopStoreT(s7, &sums[place7], stride);
}
