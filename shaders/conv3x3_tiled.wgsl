// 3x3 convolution, stride 1, as a matrix product over workgroup tiles (implicit GEMM). Formulas and bindings as in
// conv3x3_plain.wgsl, but the weights are [9][Cin][Cout] in both directions: the backward pass mirrors the taps and
// transposes blocks of 4x4 as it loads them.
//
//   output[p][o] = sum over k of A[p][k] B[k][o], k = (tap t, input i), A[p][k] = input[p + t][i], B[k][o] =
//   weights[t][i][o]
//
// needs     inputs a multiple of 8, outputs a multiple of OUTPUTS
// tile      a workgroup computes PIXELS neighbouring padded pixels x OUTPUTS outputs and walks over k in chunks of one
//           tap and 8 inputs, which it keeps in workgroup memory; an invocation computes 8 pixels x 8 outputs, so that
//           16 loads of a vec4 feed 256 multiplications. It loads the next chunk's values while it multiplies.
//           The taps of the same 8 inputs follow each other: 9 reads of nearly the same pixels meet in the cache.
// dispatch  ceil(padded pixels of the rows to write / PIXELS) x outputs / OUTPUTS workgroups of PIXELS * OUTPUTS / 64,
//           outputs fastest. Pixels in border columns and halo rows are computed and stored as zero.

override PIXELS: u32 = 128u;
// 64 or 128.
override OUTPUTS: u32 = 128u;

// Invocations.
override LANES: u32 = PIXELS * OUTPUTS / 64u;
// Inputs of a chunk, in vec4.
const CHUNK4 = 2u;
override INPUT_CHUNK: u32 = PIXELS * CHUNK4;
// Outputs of the tile in vec4, and invocations beside each other along them.
override OUTPUTS4: u32 = OUTPUTS / 4u;
override COLUMNS: u32 = OUTPUTS / 8u;
override ROWS: u32 = PIXELS / 8u;
override FILTER_CHUNK: u32 = 4u * CHUNK4 * OUTPUTS4;
// Mask words of a pixel, and of the tile.
override WORDS: u32 = OUTPUTS / 32u;
override TILE_WORDS: u32 = PIXELS * WORDS;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;

// [pixel][CHUNK4]
var<workgroup> input_chunk: array<vec4<f32>, INPUT_CHUNK>;
// [input][OUTPUTS4]
var<workgroup> filter_chunk: array<vec4<f32>, FILTER_CHUNK>;
// [pixel][WORDS]
var<workgroup> mask_words: array<atomic<u32>, TILE_WORDS>;

struct Tile {
    first_pixel: u32,
    first_output4: u32,
}

fn tile(group: u32) -> Tile {
    let blocks = params.outputs4 / OUTPUTS4;
    let first_pixel = params.first_row * (params.width + 2u) + group / blocks * PIXELS;
    return Tile(first_pixel, group % blocks * OUTPUTS4);
}

// Four inputs of a pixel seen through a tap. Pixels before the first and after the last meet only pixels whose results
// are dropped, so any place inside the array will do.
fn load_input(pixel: u32, tap: u32, channel4: u32) -> vec4<f32> {
    let padded_width = i32(params.width) + 2;
    let first = (max(i32(params.first_row), 1) - 1) * padded_width;
    let last = min(i32(params.end_row) + 1, i32(params.height) + 2) * padded_width - 1;
    let place = i32(pixel) + (i32(tap / 3u) - 1) * padded_width + i32(tap % 3u) - 1;
    return load(input[(u32(clamp(place, first, last)) - params.input_start) * params.inputs4 + channel4]);
}

// Where in the chunk this invocation's 4 inputs x 4 outputs of the filters stand: in vec4, inputs and outputs.
fn filter_place(lane: u32, backward: bool) -> vec2<u32> {
    // Neighbouring invocations read neighbouring values: in the backward pass those are the inputs.
    return select(vec2<u32>(lane / OUTPUTS4, lane % OUTPUTS4), vec2<u32>(lane % CHUNK4, lane / CHUNK4), backward);
}

// Column i of the result: outputs of input i.
fn load_filters(tap: u32, channel4: u32, output4: u32, backward: bool) -> mat4x4<f32> {
    if backward {
        let row = ((8u - tap) * 4u * params.outputs4 + 4u * output4) * params.inputs4 + channel4;
        return transpose(mat4x4<f32>(
            load(weights[row]),
            load(weights[row + params.inputs4]),
            load(weights[row + 2u * params.inputs4]),
            load(weights[row + 3u * params.inputs4]),
        ));
    }
    let row = (tap * 4u * params.inputs4 + 4u * channel4) * params.outputs4 + output4;
    return mat4x4<f32>(
        load(weights[row]),
        load(weights[row + params.outputs4]),
        load(weights[row + 2u * params.outputs4]),
        load(weights[row + 3u * params.outputs4]),
    );
}

// Both vec4 of outputs that an invocation computes, for one input of the chunk.
fn filters(input: u32, column: u32) -> mat2x4<f32> {
    let place = input * OUTPUTS4 + column;
    return mat2x4<f32>(filter_chunk[place], filter_chunk[place + COLUMNS]);
}

fn store_forward(tile: Tile, pixel: u32, column: u32, sums: mat2x4<f32>) {
    let place = tile.first_pixel + pixel;
    if place >= params.end_row * (params.width + 2u) {
        return;
    }
    let halo = is_halo(place, params.width, params.height);
    for (var half = 0u; half < 2u; half++) {
        let column4 = column + half * COLUMNS;
        let output4 = tile.first_output4 + column4;
        let value = relu(select(sums[0], sums[1], half == 1u) + bias[output4]);
        let stored = store(select(value, vec4<f32>(0.0), halo));
        output[(place - params.output_start) * params.outputs4 + output4] = stored;
        if WITH_MASK {
            atomicOr(&mask_words[pixel * WORDS + column4 / 8u], positive_bits(load(stored)) << (4u * (column4 % 8u)));
        }
    }
}

fn store_backward(tile: Tile, pixel: u32, column: u32, sums: mat2x4<f32>) {
    let place = tile.first_pixel + pixel;
    if place >= params.end_row * (params.width + 2u) {
        return;
    }
    let halo = is_halo(place, params.width, params.height);
    for (var half = 0u; half < 2u; half++) {
        let output4 = tile.first_output4 + column + half * COLUMNS;
        let index = (place - params.output_start) * params.outputs4 + output4;
        var value = select(sums[0], sums[1], half == 1u);
        if ACCUMULATE {
            value += load(output[index]);
        }
        if WITH_MASK {
            value = keep_where_set(value, mask[place * (params.outputs4 / 8u) + output4 / 8u], 4u * (output4 % 8u));
        }
        output[index] = store(select(value, vec4<f32>(0.0), halo));
    }
}

// The sums of pixels row, row + ROWS, ... of the tile.
struct Sums {
    s0: mat2x4<f32>,
    s1: mat2x4<f32>,
    s2: mat2x4<f32>,
    s3: mat2x4<f32>,
    s4: mat2x4<f32>,
    s5: mat2x4<f32>,
    s6: mat2x4<f32>,
    s7: mat2x4<f32>,
}

fn convolve(tile: Tile, lane: u32, backward: bool) -> Sums {
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

    // What this invocation loads: 4 inputs of a pixel (of two with 64 outputs), and the first invocations 4x4 filters.
    let pixel = tile.first_pixel + lane / CHUNK4;
    let channel4 = lane % CHUNK4;
    let brings_filters = lane < CHUNK4 * OUTPUTS4;
    let place = filter_place(lane, backward);
    let output4 = tile.first_output4 + place.y;
    var input0 = load_input(pixel, 0u, channel4);
    var input1 = vec4<f32>();
    var block = mat4x4<f32>();
    if OUTPUTS < 128u {
        input1 = load_input(pixel + LANES / CHUNK4, 0u, channel4);
    }
    if brings_filters {
        block = load_filters(0u, place.x, output4, backward);
    }

    var tap = 0u;
    var chunk = 0u;
    while chunk < params.inputs4 {
        // All are done with the previous chunk.
        workgroupBarrier();
        input_chunk[lane] = input0;
        if OUTPUTS < 128u {
            input_chunk[lane + LANES] = input1;
        }
        if brings_filters {
            let start = 4u * place.x * OUTPUTS4 + place.y;
            filter_chunk[start] = block[0];
            filter_chunk[start + OUTPUTS4] = block[1];
            filter_chunk[start + 2u * OUTPUTS4] = block[2];
            filter_chunk[start + 3u * OUTPUTS4] = block[3];
        }
        workgroupBarrier();
        tap += 1u;
        if tap == 9u {
            tap = 0u;
            chunk += CHUNK4;
        }
        if chunk < params.inputs4 {
            input0 = load_input(pixel, tap, chunk + channel4);
            if OUTPUTS < 128u {
                input1 = load_input(pixel + LANES / CHUNK4, tap, chunk + channel4);
            }
            if brings_filters {
                block = load_filters(tap, chunk + place.x, output4, backward);
            }
        }
        for (var i = 0u; i < CHUNK4; i++) {
            let w0 = filters(4u * i, column);
            let w1 = filters(4u * i + 1u, column);
            let w2 = filters(4u * i + 2u, column);
            let w3 = filters(4u * i + 3u, column);
            // One product at a time: sum and product become one instruction.
            let v0 = input_chunk[row * CHUNK4 + i];
            s0 += v0.x * w0;
            s0 += v0.y * w1;
            s0 += v0.z * w2;
            s0 += v0.w * w3;
            let v1 = input_chunk[(row + ROWS) * CHUNK4 + i];
            s1 += v1.x * w0;
            s1 += v1.y * w1;
            s1 += v1.z * w2;
            s1 += v1.w * w3;
            let v2 = input_chunk[(row + 2u * ROWS) * CHUNK4 + i];
            s2 += v2.x * w0;
            s2 += v2.y * w1;
            s2 += v2.z * w2;
            s2 += v2.w * w3;
            let v3 = input_chunk[(row + 3u * ROWS) * CHUNK4 + i];
            s3 += v3.x * w0;
            s3 += v3.y * w1;
            s3 += v3.z * w2;
            s3 += v3.w * w3;
            let v4 = input_chunk[(row + 4u * ROWS) * CHUNK4 + i];
            s4 += v4.x * w0;
            s4 += v4.y * w1;
            s4 += v4.z * w2;
            s4 += v4.w * w3;
            let v5 = input_chunk[(row + 5u * ROWS) * CHUNK4 + i];
            s5 += v5.x * w0;
            s5 += v5.y * w1;
            s5 += v5.z * w2;
            s5 += v5.w * w3;
            let v6 = input_chunk[(row + 6u * ROWS) * CHUNK4 + i];
            s6 += v6.x * w0;
            s6 += v6.y * w1;
            s6 += v6.z * w2;
            s6 += v6.w * w3;
            let v7 = input_chunk[(row + 7u * ROWS) * CHUNK4 + i];
            s7 += v7.x * w0;
            s7 += v7.y * w1;
            s7 += v7.z * w2;
            s7 += v7.w * w3;
        }
    }

    return Sums(s0, s1, s2, s3, s4, s5, s6, s7);
}

@compute @workgroup_size(LANES)
fn conv3x3(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let tile = tile(group_number(group));
    // The barriers inside separate this from the first bit.
    for (var word = lane; word < TILE_WORDS; word += LANES) {
        atomicStore(&mask_words[word], 0u);
    }
    let sums = convolve(tile, lane, false);
    let column = lane % COLUMNS;
    let row = lane / COLUMNS;
    store_forward(tile, row, column, sums.s0);
    store_forward(tile, row + ROWS, column, sums.s1);
    store_forward(tile, row + 2u * ROWS, column, sums.s2);
    store_forward(tile, row + 3u * ROWS, column, sums.s3);
    store_forward(tile, row + 4u * ROWS, column, sums.s4);
    store_forward(tile, row + 5u * ROWS, column, sums.s5);
    store_forward(tile, row + 6u * ROWS, column, sums.s6);
    store_forward(tile, row + 7u * ROWS, column, sums.s7);
    if WITH_MASK {
        workgroupBarrier();
        for (var word = lane; word < TILE_WORDS; word += LANES) {
            let pixel = tile.first_pixel + word / WORDS;
            if pixel < params.end_row * (params.width + 2u) {
                mask[pixel * (params.outputs4 / 8u) + tile.first_output4 / 8u + word % WORDS] =
                    atomicLoad(&mask_words[word]);
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let tile = tile(group_number(group));
    let sums = convolve(tile, lane, true);
    let column = lane % COLUMNS;
    let row = lane / COLUMNS;
    store_backward(tile, row, column, sums.s0);
    store_backward(tile, row + ROWS, column, sums.s1);
    store_backward(tile, row + 2u * ROWS, column, sums.s2);
    store_backward(tile, row + 3u * ROWS, column, sums.s3);
    store_backward(tile, row + 4u * ROWS, column, sums.s4);
    store_backward(tile, row + 5u * ROWS, column, sums.s5);
    store_backward(tile, row + 6u * ROWS, column, sums.s6);
    store_backward(tile, row + 7u * ROWS, column, sums.s7);
}
