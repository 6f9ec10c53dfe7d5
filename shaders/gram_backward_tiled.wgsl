// Gradient with respect to the features of a Gram matrix, over workgroup tiles. Formula and bindings as in
// gram_backward.wgsl.
//
// needs     channels a multiple of OUTPUTS
// tile      as in conv3x3_tiled.wgsl, with one tap: a workgroup makes PIXELS neighbouring padded pixels x OUTPUTS
//           channels, 8 channels of the sum at a time in workgroup memory; an invocation makes 8 pixels x 8 channels
// dispatch  ceil(padded pixels of the rows to write / PIXELS) x channels / OUTPUTS workgroups of PIXELS * OUTPUTS / 64,
//           channels fastest

override PIXELS: u32 = 128u;
// 64 or 128.
override OUTPUTS: u32 = 128u;

// Invocations.
override LANES: u32 = PIXELS * OUTPUTS / 64u;
// Channels of a chunk, in vec4.
const CHUNK4 = 2u;
override FEATURE_CHUNK: u32 = PIXELS * CHUNK4;
// Channels of the tile in vec4, and invocations beside each other along them.
override OUTPUTS4: u32 = OUTPUTS / 4u;
override COLUMNS: u32 = OUTPUTS / 8u;
override ROWS: u32 = PIXELS / 8u;
override GRADIENT_CHUNK: u32 = 4u * CHUNK4 * OUTPUTS4;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read> gram_gradient: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;

// [pixel][CHUNK4]
var<workgroup> feature_chunk: array<vec4<f32>, FEATURE_CHUNK>;
// [channel][OUTPUTS4]
var<workgroup> gradient_chunk: array<vec4<f32>, GRADIENT_CHUNK>;

// Four channels of a pixel; pixels past the last are not stored, so any place inside the array will do.
fn load_features(pixel: u32, channel4: u32) -> vec4<f32> {
    return load(features[(min(pixel, params.end_pixel - 1u) - params.features_start) * params.channels4 + channel4]);
}

// Both vec4 of channels that an invocation computes, for one channel of the chunk.
fn factors(channel: u32, column: u32) -> mat2x4<f32> {
    let place = channel * OUTPUTS4 + column;
    return mat2x4<f32>(gradient_chunk[place], gradient_chunk[place + COLUMNS]);
}

fn store_pixel(pixel: u32, first_output4: u32, sums: mat2x4<f32>) {
    if pixel >= params.end_pixel {
        return;
    }
    for (var half = 0u; half < 2u; half++) {
        let output4 = first_output4 + half * COLUMNS;
        let index = (pixel - params.output_start) * params.channels4 + output4;
        var value = weighted(select(sums[0], sums[1], half == 1u), pixel, output4);
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
fn gram_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let blocks = params.channels4 / OUTPUTS4;
    let first_pixel = params.first_pixel + number / blocks * PIXELS;
    let first_output4 = number % blocks * OUTPUTS4;
    let column = lane % COLUMNS;
    let row = lane / COLUMNS;
    var s0 = mat2x4<f32>();
    var s1 = mat2x4<f32>();
    var s2 = mat2x4<f32>();
    var s3 = mat2x4<f32>();
    var s4 = mat2x4<f32>();
    var s5 = mat2x4<f32>();
    var s6 = mat2x4<f32>();
    var s7 = mat2x4<f32>();

    for (var chunk = 0u; chunk < params.channels4; chunk += CHUNK4) {
        for (var item = lane; item < FEATURE_CHUNK; item += LANES) {
            feature_chunk[item] = load_features(first_pixel + item / CHUNK4, chunk + item % CHUNK4);
        }
        for (var item = lane; item < GRADIENT_CHUNK; item += LANES) {
            let channel = 4u * chunk + item / OUTPUTS4;
            gradient_chunk[item] = gram_gradient[channel * params.channels4 + first_output4 + item % OUTPUTS4];
        }
        workgroupBarrier();
        for (var i = 0u; i < CHUNK4; i++) {
            let w0 = factors(4u * i, column);
            let w1 = factors(4u * i + 1u, column);
            let w2 = factors(4u * i + 2u, column);
            let w3 = factors(4u * i + 3u, column);
            // One product at a time: sum and product become one instruction.
            let v0 = feature_chunk[row * CHUNK4 + i];
            s0 += v0.x * w0;
            s0 += v0.y * w1;
            s0 += v0.z * w2;
            s0 += v0.w * w3;
            let v1 = feature_chunk[(row + ROWS) * CHUNK4 + i];
            s1 += v1.x * w0;
            s1 += v1.y * w1;
            s1 += v1.z * w2;
            s1 += v1.w * w3;
            let v2 = feature_chunk[(row + 2u * ROWS) * CHUNK4 + i];
            s2 += v2.x * w0;
            s2 += v2.y * w1;
            s2 += v2.z * w2;
            s2 += v2.w * w3;
            let v3 = feature_chunk[(row + 3u * ROWS) * CHUNK4 + i];
            s3 += v3.x * w0;
            s3 += v3.y * w1;
            s3 += v3.z * w2;
            s3 += v3.w * w3;
            let v4 = feature_chunk[(row + 4u * ROWS) * CHUNK4 + i];
            s4 += v4.x * w0;
            s4 += v4.y * w1;
            s4 += v4.z * w2;
            s4 += v4.w * w3;
            let v5 = feature_chunk[(row + 5u * ROWS) * CHUNK4 + i];
            s5 += v5.x * w0;
            s5 += v5.y * w1;
            s5 += v5.z * w2;
            s5 += v5.w * w3;
            let v6 = feature_chunk[(row + 6u * ROWS) * CHUNK4 + i];
            s6 += v6.x * w0;
            s6 += v6.y * w1;
            s6 += v6.z * w2;
            s6 += v6.w * w3;
            let v7 = feature_chunk[(row + 7u * ROWS) * CHUNK4 + i];
            s7 += v7.x * w0;
            s7 += v7.y * w1;
            s7 += v7.z * w2;
            s7 += v7.w * w3;
        }
        workgroupBarrier();
    }
    store_pixel(first_pixel + row, first_output4 + column, s0);
    store_pixel(first_pixel + row + ROWS, first_output4 + column, s1);
    store_pixel(first_pixel + row + 2u * ROWS, first_output4 + column, s2);
    store_pixel(first_pixel + row + 3u * ROWS, first_output4 + column, s3);
    store_pixel(first_pixel + row + 4u * ROWS, first_output4 + column, s4);
    store_pixel(first_pixel + row + 5u * ROWS, first_output4 + column, s5);
    store_pixel(first_pixel + row + 6u * ROWS, first_output4 + column, s6);
    store_pixel(first_pixel + row + 7u * ROWS, first_output4 + column, s7);
}
