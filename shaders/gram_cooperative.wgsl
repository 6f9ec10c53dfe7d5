// Gram matrix on cooperative matrices (tensor cores): the first pass of gram.wgsl, which gives formula, bindings and
// second pass. f16 storage, f32 sums.
//
// The matrix is symmetric: tiles above the diagonal are computed once and written twice.
//
// needs     as conv3x3_cooperative.wgsl; channels a multiple of 64
// tile      a workgroup computes 64 x 64 sums of one split and walks over its pixels 32 at a time, which it keeps in
//           workgroup memory; a share is 32 x 32 sums
// subgroups as in conv3x3_cooperative.wgsl
// memory    rows are 16 bytes longer than needed, as in conv3x3_cooperative.wgsl
// dispatch  pairs of blocks of 64 channels, the second not before the first, x splits workgroups of LANES, pairs fastest

// 128 or 256.
override LANES: u32 = 128u;

const SHARES = 4u;
const CHUNK = 32u;
// 64 channels in pairs of vec4, and in vec4 with the gap.
const EDGE8 = 8u;
const ROW = 18u;

alias Stored8 = mat2x4<f16>;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored8>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;

// [pixel][ROW]
var<workgroup> left_chunk: array<Stored4, CHUNK * ROW>;
var<workgroup> right_chunk: array<Stored4, CHUNK * ROW>;

@compute @workgroup_size(LANES)
fn gram(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let number = group_number(group);
    let share = subgroup % SHARES;
    let blocks = params.channels4 / 16u;
    let pairs = blocks * (blocks + 1u) / 2u;
    let split = number / pairs;
    var left = 0u;
    var right = number % pairs;
    while right >= blocks - left {
        right -= blocks - left;
        left += 1u;
    }
    right += left;
    let run = (params.pixels + params.splits - 1u) / params.splits;
    let first = params.first_pixel + split * run;
    let end = min(first + run, params.first_pixel + params.pixels);

    // Sums of 16 channels (first number) and 16 (second).
    var s00 = coop_mat16x16<f32, C>();
    var s01 = coop_mat16x16<f32, C>();
    var s10 = coop_mat16x16<f32, C>();
    var s11 = coop_mat16x16<f32, C>();
    let stride = ROW;
    for (var chunk = first; chunk < end; chunk += CHUNK) {
        for (var item = lane; item < CHUNK * EDGE8; item += LANES) {
            let pixel = chunk + item / EDGE8;
            let place = min(pixel, end - 1u) * (params.channels4 / 2u) + item % EDGE8;
            let keep = item / EDGE8 * ROW + item % EDGE8 * 2u;
            // On both sides, because f16 may not hold the product of a feature and its weight.
            let factor = f16(sqrt(weight(min(pixel, end - 1u))));
            let left_values = factor * features[place + left * EDGE8];
            let right_values = factor * features[place + right * EDGE8];
            left_chunk[keep] = select(Stored4(), left_values[0], pixel < end);
            left_chunk[keep + 1u] = select(Stored4(), left_values[1], pixel < end);
            right_chunk[keep] = select(Stored4(), right_values[0], pixel < end);
            right_chunk[keep + 1u] = select(Stored4(), right_values[1], pixel < end);
        }
        workgroupBarrier();
        for (var i = 0u; i < 2u; i++) {
            // Channels along the rows of the first factor: they stand along the rows of the chunk, so it is read by
            // columns.
            let a = 16u * i * ROW + share / 2u * 8u;
            let b = 16u * i * ROW + share % 2u * 8u;
            let a0 = coopLoad<coop_mat16x16<f16, A>>(&left_chunk[a], stride);
            let a1 = coopLoad<coop_mat16x16<f16, A>>(&left_chunk[a + 4u], stride);
            let b0 = coopLoadT<coop_mat16x16<f16, B>>(&right_chunk[b], stride);
            let b1 = coopLoadT<coop_mat16x16<f16, B>>(&right_chunk[b + 4u], stride);
            s00 = coopMultiplyAdd(a0, b0, s00);
            s01 = coopMultiplyAdd(a0, b1, s01);
            s10 = coopMultiplyAdd(a1, b0, s10);
            s11 = coopMultiplyAdd(a1, b1, s11);
        }
        workgroupBarrier();
    }

    let matrix = split * 4u * params.channels4 * params.channels4;
    let row = left * 64u + share / 2u * 32u;
    let column = right * 64u + share % 2u * 32u;
    let channels4 = params.channels4;
    let p00 = matrix + row * channels4 + column / 4u;
    let p01 = p00 + 4u;
    let p10 = p00 + 16u * channels4;
    let p11 = p10 + 4u;
    coopStoreT(s00, &partials[p00], channels4);
    coopStoreT(s01, &partials[p01], channels4);
    coopStoreT(s10, &partials[p10], channels4);
    coopStoreT(s11, &partials[p11], channels4);
    if left != right {
        let m00 = matrix + column * channels4 + row / 4u;
        let m01 = m00 + 16u * channels4;
        let m10 = m00 + 4u;
        let m11 = m01 + 4u;
        coopStore(s00, &partials[m00], channels4);
        coopStore(s01, &partials[m01], channels4);
        coopStore(s10, &partials[m10], channels4);
        coopStore(s11, &partials[m11], channels4);
    }
}
