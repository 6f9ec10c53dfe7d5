// Gradient with respect to the features of a Gram matrix, on cooperative matrices (tensor cores): f16 storage, f32
// sums. Formula and bindings as in gram_backward.wgsl.
//
// The Gram matrix's gradient is f32 and of any size. It is rounded to f16 after a multiplication by a power of two that
// brings the largest value of the columns at hand to between 2^13 and 2^14; the sums are divided by it.
//
// needs     as conv3x3_cooperative.wgsl; channels a multiple of 64
// tile      as in conv3x3_cooperative.wgsl, with one tap: a workgroup makes 128 neighbouring padded pixels x 64 channels,
//           32 channels of the sum at a time in workgroup memory; a share is 32 pixels x 64 channels
// subgroups as in conv3x3_cooperative.wgsl
// memory    rows are 16 bytes longer than needed, as in conv3x3_cooperative.wgsl
// dispatch  ceil(padded pixels of the rows to write / 128) x channels / 64 workgroups of LANES, channels fastest

// 128 or 256.
override LANES: u32 = 128u;

const SHARES = 4u;
const PIXELS = 128u;
const OUTPUTS4 = 16u;
// A chunk's channels in vec4 and in pairs of vec4.
const CHUNK4 = 8u;
const CHUNK8 = 4u;
// The rows of [pixel][channel] and of [channel][output], in vec4 with the gap.
const FEATURE_ROW = CHUNK4 + 2u;
const OUTPUT_ROW = OUTPUTS4 + 2u;
// 16 pixels x 64 outputs of a share's sums, in vec4 with a gap.
const SUMS_ROW = OUTPUTS4 + 1u;
const SUMS = 16u * SUMS_ROW;

alias Stored8 = mat2x4<f16>;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored8>;
@group(0) @binding(2) var<storage, read> gram_gradient: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;

// [pixel][FEATURE_ROW]
var<workgroup> feature_chunk: array<Stored4, PIXELS * FEATURE_ROW>;
// [channel][OUTPUT_ROW]
var<workgroup> gradient_chunk: array<Stored4, 4u * CHUNK4 * OUTPUT_ROW>;
// [share][16 pixels][SUMS_ROW]; at first the lanes' largest values.
var<workgroup> sums: array<vec4<f32>, SHARES * SUMS>;

// The exponent, as it stands in an f32, of the power of two that scales this workgroup's columns.
fn scale_exponent(lane: u32, first_output4: u32) -> u32 {
    var largest = vec4<f32>(0.0);
    for (var item = lane; item < 4u * params.channels4 * OUTPUTS4; item += LANES) {
        let values = gram_gradient[item / OUTPUTS4 * params.channels4 + first_output4 + item % OUTPUTS4];
        largest = max(largest, abs(values));
    }
    sums[lane] = largest;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            sums[lane] = max(sums[lane], sums[lane + half]);
        }
        workgroupBarrier();
    }
    let all = sums[0];
    let exponent = (bitcast<u32>(max(max(all.x, all.y), max(all.z, all.w))) >> 23u) & 0xffu;
    // Both this and its inverse's, 254 less this, are those of normal numbers.
    return clamp(127u + 127u + 13u - exponent, 1u, 253u);
}

// Stores the 16 pixels x 64 outputs of each share that stand in the sums; `first_pixel` is that of the first share.
fn finish(first_pixel: u32, first_output4: u32, lane: u32, inverse_scale: f32) {
    for (var item = lane; item < SHARES * 16u * OUTPUTS4; item += LANES) {
        let share = item / (16u * OUTPUTS4);
        let row = item / OUTPUTS4 % 16u;
        let pixel = first_pixel + share * 32u + row;
        if pixel >= params.end_pixel {
            continue;
        }
        let output4 = first_output4 + item % OUTPUTS4;
        let index = (pixel - params.output_start) * params.channels4 + output4;
        let sum = inverse_scale * sums[share * SUMS + row * SUMS_ROW + item % OUTPUTS4];
        var value = weighted(sum, pixel, output4);
        if ACCUMULATE {
            value += load(output[index]);
        }
        if WITH_MASK {
            value = keep_where_set(value, mask[pixel * (params.channels4 / 8u) + output4 / 8u], 4u * (output4 % 8u));
        }
        output[index] = store(value);
    }
}

@compute @workgroup_size(LANES)
fn gram_backward(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let number = group_number(group);
    let share = subgroup % SHARES;
    let blocks = params.channels4 / OUTPUTS4;
    let first_pixel = params.first_pixel + number / blocks * PIXELS;
    let first_output4 = number % blocks * OUTPUTS4;
    let exponent = scale_exponent(lane, first_output4);
    let scale = bitcast<f32>(exponent << 23u);
    let inverse_scale = bitcast<f32>((254u - exponent) << 23u);

    // Sums of 16 pixels (first number) and 16 outputs (second).
    var s00 = coop_mat16x16<f32, C>();
    var s01 = coop_mat16x16<f32, C>();
    var s02 = coop_mat16x16<f32, C>();
    var s03 = coop_mat16x16<f32, C>();
    var s10 = coop_mat16x16<f32, C>();
    var s11 = coop_mat16x16<f32, C>();
    var s12 = coop_mat16x16<f32, C>();
    var s13 = coop_mat16x16<f32, C>();
    let feature_stride = FEATURE_ROW;
    let output_stride = OUTPUT_ROW;
    for (var chunk4 = 0u; chunk4 < params.channels4; chunk4 += CHUNK4) {
        for (var item = lane; item < PIXELS * CHUNK8; item += LANES) {
            // Pixels past the last are not stored, so any place inside the array will do.
            let pixel = min(first_pixel + item / CHUNK8, params.end_pixel - 1u) - params.features_start;
            let values = features[(pixel * params.channels4 + chunk4) / 2u + item % CHUNK8];
            let place = item / CHUNK8 * FEATURE_ROW + item % CHUNK8 * 2u;
            feature_chunk[place] = values[0];
            feature_chunk[place + 1u] = values[1];
        }
        for (var item = lane; item < 4u * CHUNK4 * OUTPUTS4; item += LANES) {
            let row = 4u * chunk4 + item / OUTPUTS4;
            let values = gram_gradient[row * params.channels4 + first_output4 + item % OUTPUTS4];
            gradient_chunk[item / OUTPUTS4 * OUTPUT_ROW + item % OUTPUTS4] = store(scale * values);
        }
        workgroupBarrier();
        for (var i = 0u; i < 2u; i++) {
            let b = 16u * i * OUTPUT_ROW;
            let b0 = coopLoadT<coop_mat16x16<f16, B>>(&gradient_chunk[b], output_stride);
            let b1 = coopLoadT<coop_mat16x16<f16, B>>(&gradient_chunk[b + 4u], output_stride);
            let b2 = coopLoadT<coop_mat16x16<f16, B>>(&gradient_chunk[b + 8u], output_stride);
            let b3 = coopLoadT<coop_mat16x16<f16, B>>(&gradient_chunk[b + 12u], output_stride);
            let a = share * 32u * FEATURE_ROW + 4u * i;
            let a0 = coopLoadT<coop_mat16x16<f16, A>>(&feature_chunk[a], feature_stride);
            let a1 = coopLoadT<coop_mat16x16<f16, A>>(&feature_chunk[a + 16u * FEATURE_ROW], feature_stride);
            s00 = coopMultiplyAdd(a0, b0, s00);
            s01 = coopMultiplyAdd(a0, b1, s01);
            s02 = coopMultiplyAdd(a0, b2, s02);
            s03 = coopMultiplyAdd(a0, b3, s03);
            s10 = coopMultiplyAdd(a1, b0, s10);
            s11 = coopMultiplyAdd(a1, b1, s11);
            s12 = coopMultiplyAdd(a1, b2, s12);
            s13 = coopMultiplyAdd(a1, b3, s13);
        }
        workgroupBarrier();
    }

    let sums_stride = SUMS_ROW;
    let p0 = share * SUMS;
    let p1 = p0 + 4u;
    let p2 = p0 + 8u;
    let p3 = p0 + 12u;
    coopStoreT(s00, &sums[p0], sums_stride);
    coopStoreT(s01, &sums[p1], sums_stride);
    coopStoreT(s02, &sums[p2], sums_stride);
    coopStoreT(s03, &sums[p3], sums_stride);
    workgroupBarrier();
    finish(first_pixel, first_output4, lane, inverse_scale);
    workgroupBarrier();
    coopStoreT(s10, &sums[p0], sums_stride);
    coopStoreT(s11, &sums[p1], sums_stride);
    coopStoreT(s12, &sums[p2], sums_stride);
    coopStoreT(s13, &sums[p3], sums_stride);
    workgroupBarrier();
    finish(first_pixel + 16u, first_output4, lane, inverse_scale);
}
