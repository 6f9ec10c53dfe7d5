// 3x3 convolution, stride 1, on cooperative matrices (tensor cores): f16 storage, f32 sums. Formulas as in
// conv3x3_plain.wgsl; the product and its tiles as in conv3x3_tiled.wgsl, with subgroups instead of invocations.
//
// bindings  as in conv3x3_plain.wgsl, read 8 values at a time; 2 is [9][Cin][Cout] in both directions. The bias is
//           bound in the backward pass too, and not read.
// needs     f16 storage, 16x16x16 matrices of f16 with f32 sums; inputs a multiple of 32, outputs a multiple of OUTPUTS;
//           32 KiB of workgroup memory
// tile      a workgroup computes PIXELS neighbouring padded pixels x OUTPUTS outputs and walks over the sum in chunks of
//           one tap and 32 inputs, which it keeps in workgroup memory: a subgroup reads a 16x16 matrix in few
//           instructions from there, in many from an array in the device's memory. The tile has four shares of
//           16 * BLOCKS pixels x 64 outputs, one for each subgroup. The next chunk is loaded while it multiplies.
// subgroups have any size; LANES is four of the device's largest, so that there are at least four. Matrices may not stand
//           in control flow that differs between subgroups: if there are more than four, each share is computed by
//           several of them, which store the same values.
// memory    rows of matrices are 16 bytes longer than needed, so that the rows that are read together lie in different
//           banks. Strides of cooperative loads count elements of the array they read: vec4.
// dispatch  ceil(padded pixels of the rows to write / PIXELS) x outputs / OUTPUTS workgroups of LANES, outputs fastest.
//           Pixels in border columns and halo rows are computed and stored as zero.

// Set for conv3x3_backward.
override BACKWARD: bool = false;
// Rows of 16 pixels that a subgroup computes: 2 or 4.
override BLOCKS: u32 = 4u;
// Shares beside each other along the outputs: 1 or 2; the others stand below each other along the pixels.
override ACROSS: u32 = 2u;
// 128 or 256.
override LANES: u32 = 128u;

const SHARES = 4u;
override PIXELS: u32 = 16u * BLOCKS * SHARES / ACROSS;
override OUTPUTS: u32 = 64u * ACROSS;

// A chunk's inputs, in vec4 and in pairs of vec4; the rows of [pixel][input] and of [output][input] in vec4.
const CHUNK4 = 8u;
const CHUNK8 = 4u;
const INPUT_ROW = CHUNK4 + 2u;
// The rows of [input][output], in pairs of vec4 without and in vec4 with the gap.
override OUTPUTS8: u32 = OUTPUTS / 8u;
override OUTPUT_ROW: u32 = OUTPUTS / 4u + 2u;
override INPUT_CHUNK: u32 = PIXELS * INPUT_ROW;
override FILTER_CHUNK: u32 = OUTPUTS * INPUT_ROW;
// Pieces of 8 values of either factor that an invocation loads: 1, 2 or 4; and the pixels between those of two of them.
override INPUT_PIECES: u32 = PIXELS * CHUNK8 / LANES;
override FILTER_PIECES: u32 = OUTPUTS * CHUNK8 / LANES;
override PIECE_PIXELS: u32 = LANES / CHUNK8;
// Mask words of a pixel, and of the tile.
override WORDS: u32 = OUTPUTS / 32u;
override TILE_WORDS: u32 = PIXELS * WORDS;
// 16 pixels x 32 outputs of a share's sums, in vec4 with a gap.
const SUMS_ROW = 9u;
const SUMS = 16u * SUMS_ROW;

alias Stored8 = mat2x4<f16>;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored8>;
@group(0) @binding(2) var<storage, read> weights: array<Stored8>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;

// [pixel][INPUT_ROW]
var<workgroup> input_chunk: array<Stored4, INPUT_CHUNK>;
// [input][OUTPUT_ROW], backward [output][INPUT_ROW]
var<workgroup> filter_chunk: array<Stored4, FILTER_CHUNK>;
// [share][16 pixels][SUMS_ROW]
var<workgroup> sums: array<vec4<f32>, SHARES * SUMS>;
// [pixel][WORDS]
var<workgroup> mask_words: array<atomic<u32>, TILE_WORDS>;

struct Tile {
    first_pixel: u32,
    first_output: u32,
}

fn tile_of(group: u32) -> Tile {
    let blocks = 4u * params.outputs4 / OUTPUTS;
    let first_pixel = params.first_row * (params.width + 2u) + group / blocks * PIXELS;
    return Tile(first_pixel, group % blocks * OUTPUTS);
}

// Eight inputs of a pixel seen through a tap. Pixels before the first and after the last meet only pixels whose results
// are dropped, so any place inside the array will do.
fn load_input(pixel: u32, tap: u32, channel8: u32) -> Stored8 {
    let padded_width = i32(params.width) + 2;
    let first = (max(i32(params.first_row), 1) - 1) * padded_width;
    let last = min(i32(params.end_row) + 1, i32(params.height) + 2) * padded_width - 1;
    let place = i32(pixel) + (i32(tap / 3u) - 1) * padded_width + i32(tap % 3u) - 1;
    return input[(u32(clamp(place, first, last)) - params.input_start) * (params.inputs4 / 2u) + channel8];
}

// The piece with this number of the filters of a chunk: 8 outputs of an input, backward 8 inputs of an output.
fn load_filters(piece: u32, tap: u32, channel8: u32, first_output: u32) -> Stored8 {
    let inputs8 = params.inputs4 / 2u;
    let outputs8 = params.outputs4 / 2u;
    if BACKWARD {
        let row = (8u - tap) * 8u * outputs8 + first_output + piece / CHUNK8;
        return weights[row * inputs8 + channel8 + piece % CHUNK8];
    }
    let row = (tap * inputs8 + channel8) * 8u + piece / OUTPUTS8;
    return weights[row * outputs8 + first_output / 8u + piece % OUTPUTS8];
}

fn keep_input(piece: u32, values: Stored8) {
    let place = piece / CHUNK8 * INPUT_ROW + piece % CHUNK8 * 2u;
    input_chunk[place] = values[0];
    input_chunk[place + 1u] = values[1];
}

fn keep_filters(piece: u32, values: Stored8) {
    var place = piece / OUTPUTS8 * OUTPUT_ROW + piece % OUTPUTS8 * 2u;
    if BACKWARD {
        place = piece / CHUNK8 * INPUT_ROW + piece % CHUNK8 * 2u;
    }
    filter_chunk[place] = values[0];
    filter_chunk[place + 1u] = values[1];
}

// Stores the 16 pixels x 32 outputs of each share that stand in the sums.
fn finish(tile: Tile, lane: u32, block: u32, pair: u32) {
    for (var item = lane; item < SHARES * 128u; item += LANES) {
        let share = item / 128u;
        let row = item / 8u % 16u;
        let column4 = item % 8u;
        let pixel = (share / ACROSS * BLOCKS + block) * 16u + row;
        let place = tile.first_pixel + pixel;
        if place >= params.end_row * (params.width + 2u) {
            continue;
        }
        let halo = is_halo(place, params.width, params.height);
        let word = share % ACROSS * 2u + pair;
        let output4 = tile.first_output / 4u + word * 8u + column4;
        let index = (place - params.output_start) * params.outputs4 + output4;
        var value = sums[share * SUMS + row * SUMS_ROW + column4];
        if BACKWARD {
            if ACCUMULATE {
                value += load(output[index]);
            }
            if WITH_MASK {
                value = keep_where_set(value, mask[place * (params.outputs4 / 8u) + output4 / 8u], 4u * column4);
            }
        } else {
            value = relu(value + bias[output4]);
        }
        let stored = store(select(value, vec4<f32>(0.0), halo));
        output[index] = stored;
        if WITH_MASK && !BACKWARD {
            atomicOr(&mask_words[pixel * WORDS + word], positive_bits(load(stored)) << (4u * column4));
        }
    }
}

fn convolve(tile: Tile, lane: u32, share: u32) {
    // The loop's barriers separate this from the first bit.
    for (var word = lane; word < TILE_WORDS; word += LANES) {
        atomicStore(&mask_words[word], 0u);
    }

    // Sums of 16 pixels (first number) and 16 outputs (second).
    var s00 = coop_mat16x16<f32, C>();
    var s01 = coop_mat16x16<f32, C>();
    var s02 = coop_mat16x16<f32, C>();
    var s03 = coop_mat16x16<f32, C>();
    var s10 = coop_mat16x16<f32, C>();
    var s11 = coop_mat16x16<f32, C>();
    var s12 = coop_mat16x16<f32, C>();
    var s13 = coop_mat16x16<f32, C>();
    var s20 = coop_mat16x16<f32, C>();
    var s21 = coop_mat16x16<f32, C>();
    var s22 = coop_mat16x16<f32, C>();
    var s23 = coop_mat16x16<f32, C>();
    var s30 = coop_mat16x16<f32, C>();
    var s31 = coop_mat16x16<f32, C>();
    var s32 = coop_mat16x16<f32, C>();
    var s33 = coop_mat16x16<f32, C>();

    // What this invocation loads.
    let pixel = tile.first_pixel + lane / CHUNK8;
    let channel8 = lane % CHUNK8;
    var input0 = load_input(pixel, 0u, channel8);
    var input1 = Stored8();
    var input2 = Stored8();
    var input3 = Stored8();
    var filters0 = load_filters(lane, 0u, 0u, tile.first_output);
    var filters1 = Stored8();
    var filters2 = Stored8();
    var filters3 = Stored8();
    if INPUT_PIECES > 1u {
        input1 = load_input(pixel + PIECE_PIXELS, 0u, channel8);
    }
    if INPUT_PIECES > 2u {
        input2 = load_input(pixel + 2u * PIECE_PIXELS, 0u, channel8);
        input3 = load_input(pixel + 3u * PIECE_PIXELS, 0u, channel8);
    }
    if FILTER_PIECES > 1u {
        filters1 = load_filters(lane + LANES, 0u, 0u, tile.first_output);
    }
    if FILTER_PIECES > 2u {
        filters2 = load_filters(lane + 2u * LANES, 0u, 0u, tile.first_output);
        filters3 = load_filters(lane + 3u * LANES, 0u, 0u, tile.first_output);
    }

    let first_row = share / ACROSS * BLOCKS * 16u;
    let first_column = share % ACROSS * 64u;
    let input_stride = INPUT_ROW;
    let output_stride = OUTPUT_ROW;
    var tap = 0u;
    var chunk = 0u;
    while chunk < params.inputs4 / 2u {
        // All are done with the previous chunk.
        workgroupBarrier();
        keep_input(lane, input0);
        keep_filters(lane, filters0);
        if INPUT_PIECES > 1u {
            keep_input(lane + LANES, input1);
        }
        if INPUT_PIECES > 2u {
            keep_input(lane + 2u * LANES, input2);
            keep_input(lane + 3u * LANES, input3);
        }
        if FILTER_PIECES > 1u {
            keep_filters(lane + LANES, filters1);
        }
        if FILTER_PIECES > 2u {
            keep_filters(lane + 2u * LANES, filters2);
            keep_filters(lane + 3u * LANES, filters3);
        }
        workgroupBarrier();
        tap += 1u;
        if tap == 9u {
            tap = 0u;
            chunk += CHUNK8;
        }
        if chunk < params.inputs4 / 2u {
            input0 = load_input(pixel, tap, chunk + channel8);
            filters0 = load_filters(lane, tap, chunk, tile.first_output);
            if INPUT_PIECES > 1u {
                input1 = load_input(pixel + PIECE_PIXELS, tap, chunk + channel8);
            }
            if INPUT_PIECES > 2u {
                input2 = load_input(pixel + 2u * PIECE_PIXELS, tap, chunk + channel8);
                input3 = load_input(pixel + 3u * PIECE_PIXELS, tap, chunk + channel8);
            }
            if FILTER_PIECES > 1u {
                filters1 = load_filters(lane + LANES, tap, chunk, tile.first_output);
            }
            if FILTER_PIECES > 2u {
                filters2 = load_filters(lane + 2u * LANES, tap, chunk, tile.first_output);
                filters3 = load_filters(lane + 3u * LANES, tap, chunk, tile.first_output);
            }
        }
        for (var i = 0u; i < 2u; i++) {
            var b0: coop_mat16x16<f16, B>;
            var b1: coop_mat16x16<f16, B>;
            var b2: coop_mat16x16<f16, B>;
            var b3: coop_mat16x16<f16, B>;
            if BACKWARD {
                let b = first_column * INPUT_ROW + 4u * i;
                b0 = coopLoad<coop_mat16x16<f16, B>>(&filter_chunk[b], input_stride);
                b1 = coopLoad<coop_mat16x16<f16, B>>(&filter_chunk[b + 16u * INPUT_ROW], input_stride);
                b2 = coopLoad<coop_mat16x16<f16, B>>(&filter_chunk[b + 32u * INPUT_ROW], input_stride);
                b3 = coopLoad<coop_mat16x16<f16, B>>(&filter_chunk[b + 48u * INPUT_ROW], input_stride);
            } else {
                let b = 16u * i * OUTPUT_ROW + first_column / 4u;
                b0 = coopLoadT<coop_mat16x16<f16, B>>(&filter_chunk[b], output_stride);
                b1 = coopLoadT<coop_mat16x16<f16, B>>(&filter_chunk[b + 4u], output_stride);
                b2 = coopLoadT<coop_mat16x16<f16, B>>(&filter_chunk[b + 8u], output_stride);
                b3 = coopLoadT<coop_mat16x16<f16, B>>(&filter_chunk[b + 12u], output_stride);
            }
            let a = first_row * INPUT_ROW + 4u * i;
            let a0 = coopLoadT<coop_mat16x16<f16, A>>(&input_chunk[a], input_stride);
            s00 = coopMultiplyAdd(a0, b0, s00);
            s01 = coopMultiplyAdd(a0, b1, s01);
            s02 = coopMultiplyAdd(a0, b2, s02);
            s03 = coopMultiplyAdd(a0, b3, s03);
            let a1 = coopLoadT<coop_mat16x16<f16, A>>(&input_chunk[a + 16u * INPUT_ROW], input_stride);
            s10 = coopMultiplyAdd(a1, b0, s10);
            s11 = coopMultiplyAdd(a1, b1, s11);
            s12 = coopMultiplyAdd(a1, b2, s12);
            s13 = coopMultiplyAdd(a1, b3, s13);
            if BLOCKS > 2u {
                let a2 = coopLoadT<coop_mat16x16<f16, A>>(&input_chunk[a + 32u * INPUT_ROW], input_stride);
                s20 = coopMultiplyAdd(a2, b0, s20);
                s21 = coopMultiplyAdd(a2, b1, s21);
                s22 = coopMultiplyAdd(a2, b2, s22);
                s23 = coopMultiplyAdd(a2, b3, s23);
                let a3 = coopLoadT<coop_mat16x16<f16, A>>(&input_chunk[a + 48u * INPUT_ROW], input_stride);
                s30 = coopMultiplyAdd(a3, b0, s30);
                s31 = coopMultiplyAdd(a3, b1, s31);
                s32 = coopMultiplyAdd(a3, b2, s32);
                s33 = coopMultiplyAdd(a3, b3, s33);
            }
        }
    }

    // A cooperative matrix knows neither bias nor mask: 16 pixels x 32 outputs at a time go through workgroup memory.
    let sums_stride = SUMS_ROW;
    let left = share * SUMS;
    let right = left + 4u;
    coopStoreT(s00, &sums[left], sums_stride);
    coopStoreT(s01, &sums[right], sums_stride);
    workgroupBarrier();
    finish(tile, lane, 0u, 0u);
    workgroupBarrier();
    coopStoreT(s02, &sums[left], sums_stride);
    coopStoreT(s03, &sums[right], sums_stride);
    workgroupBarrier();
    finish(tile, lane, 0u, 1u);
    workgroupBarrier();
    coopStoreT(s10, &sums[left], sums_stride);
    coopStoreT(s11, &sums[right], sums_stride);
    workgroupBarrier();
    finish(tile, lane, 1u, 0u);
    workgroupBarrier();
    coopStoreT(s12, &sums[left], sums_stride);
    coopStoreT(s13, &sums[right], sums_stride);
    workgroupBarrier();
    finish(tile, lane, 1u, 1u);
    if BLOCKS > 2u {
        workgroupBarrier();
        coopStoreT(s20, &sums[left], sums_stride);
        coopStoreT(s21, &sums[right], sums_stride);
        workgroupBarrier();
        finish(tile, lane, 2u, 0u);
        workgroupBarrier();
        coopStoreT(s22, &sums[left], sums_stride);
        coopStoreT(s23, &sums[right], sums_stride);
        workgroupBarrier();
        finish(tile, lane, 2u, 1u);
        workgroupBarrier();
        coopStoreT(s30, &sums[left], sums_stride);
        coopStoreT(s31, &sums[right], sums_stride);
        workgroupBarrier();
        finish(tile, lane, 3u, 0u);
        workgroupBarrier();
        coopStoreT(s32, &sums[left], sums_stride);
        coopStoreT(s33, &sums[right], sums_stride);
        workgroupBarrier();
        finish(tile, lane, 3u, 1u);
    }
}

// Stores the bits that the invocations gathered.
fn finish_mask(tile: Tile, lane: u32) {
    workgroupBarrier();
    for (var word = lane; word < TILE_WORDS; word += LANES) {
        let place = tile.first_pixel + word / WORDS;
        if place < params.end_row * (params.width + 2u) {
            mask[place * (params.outputs4 / 8u) + tile.first_output / 32u + word % WORDS] = atomicLoad(&mask_words[word]);
        }
    }
}

@compute @workgroup_size(LANES)
fn conv3x3(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let tile = tile_of(group_number(group));
    convolve(tile, lane, subgroup % SHARES);
    if WITH_MASK {
        finish_mask(tile, lane);
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_backward(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    convolve(tile_of(group_number(group)), lane, subgroup % SHARES);
}
