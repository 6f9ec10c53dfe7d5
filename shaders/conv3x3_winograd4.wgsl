// 3x3 convolution, stride 1, by Winograd's F(4x4, 3x3): 36 products instead of 144 for 4x4 outputs. As in
// conv3x3_winograd2.wgsl, with larger tiles.
//
//   Y = A^T [ sum over inputs of U * (B^T d B) ] A   d: a 6x6 patch of an input, U = G g G^T: the transformed filter
//
// on the points 0, p, -p, q, -q and infinity with p = 1/sqrt(2), q = sqrt(2), which round less than the usual 1 and 2;
// the rows of B^T and A^T are written out in patch_row and in the functions behind it. Mirroring a kernel exchanges
// rows (0 and 5, 1 and 3, 2 and 4) and columns of its transform: one set of U serves both directions.
//
// bindings  2 weights U [36][Cin][Cout] of the layer, in both directions; the others, and all from Y on, as in
//           conv3x3_plain.wgsl
// needs     inputs a multiple of 4, outputs a multiple of 32; 32 KiB of workgroup memory
// tile      a workgroup computes 16 neighbouring tiles of 4x4 padded pixels x 32 outputs: 36 matrix products, one per
//           position, whose factors it keeps in workgroup memory for 4 inputs at a time. 4 invocations share a
//           position; each makes 8 tiles x 16 outputs, as eight 4x4 matrices. At the end positions are exchanged
//           through the same memory.
// dispatch  ceil(tiles / 16) x outputs / 32 workgroups of 144, outputs fastest. Tiles cover the padded rows to write,
//           border columns included: what lies in the halo is computed and stored as zero. Places beyond the map cancel
//           out of every output that is kept.

const LANES = 144u;
const TILES = 16u;
const OUTPUTS4 = 8u;
const POSITIONS = 36u;
// Where the filters begin in the memory.
const FILTERS = POSITIONS * TILES;
const MEMORY = FILTERS + POSITIONS * 4u * OUTPUTS4;

const P = 0.70710678;
const Q = 1.41421356;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;

// First [position][tile] of the transformed patches and [position][input][OUTPUTS4] of the filters, then
// [position][tile][2] of the products.
var<workgroup> memory: array<vec4<f32>, MEMORY>;
// [tile][4][4]
var<workgroup> mask_words: array<atomic<u32>, 256>;

struct Block {
    first_tile: u32,
    first_output4: u32,
}

fn block(group: u32) -> Block {
    let blocks = params.outputs4 / OUTPUTS4;
    return Block(group / blocks * TILES, group % blocks * OUTPUTS4);
}

// Column and row of a tile's first padded pixel.
fn tile_corner(tile: u32) -> vec2<u32> {
    let across = (params.width + 5u) / 4u;
    return vec2<u32>(tile % across * 4u, params.first_row + tile / across * 4u);
}

// Four inputs in a row and column of the padded map, or in the nearest that exist.
fn load_input(column: i32, row: i32, channel4: u32) -> vec4<f32> {
    let first_row = max(i32(params.first_row), 1) - 1;
    let last_row = min(i32(params.end_row), i32(params.height) + 1);
    let x = u32(clamp(column, 0, i32(params.width) + 1));
    let y = u32(clamp(row, first_row, last_row));
    return load(input[(y * (params.width + 2u) + x - params.input_start) * params.inputs4 + channel4]);
}

// The entries of a row of B^T that are not zero: which rows of the patch, and their factors.
struct PatchRow {
    rows: vec4<i32>,
    factors: vec4<f32>,
}

fn patch_row(y: u32) -> PatchRow {
    switch y {
        case 0u: {
            return PatchRow(vec4<i32>(0, 2, 4, 4), vec4<f32>(1.0, -2.5, 1.0, 0.0));
        }
        case 1u: {
            return PatchRow(vec4<i32>(1, 2, 3, 4), vec4<f32>(-2.0 * P, -2.0, P, 1.0));
        }
        case 2u: {
            return PatchRow(vec4<i32>(1, 2, 3, 4), vec4<f32>(2.0 * P, -2.0, -P, 1.0));
        }
        case 3u: {
            return PatchRow(vec4<i32>(1, 2, 3, 4), vec4<f32>(-0.5 * Q, -0.5, Q, 1.0));
        }
        case 4u: {
            return PatchRow(vec4<i32>(1, 2, 3, 4), vec4<f32>(0.5 * Q, -0.5, -Q, 1.0));
        }
        default: {
            return PatchRow(vec4<i32>(1, 3, 5, 5), vec4<f32>(1.0, -2.5, 1.0, 0.0));
        }
    }
}

// A row of B^T times a column of the patch.
fn patch_value(row: PatchRow, corner: vec2<i32>, column: i32, channel4: u32) -> vec4<f32> {
    let x = corner.x + column;
    return row.factors.x * load_input(x, corner.y + row.rows.x, channel4)
        + row.factors.y * load_input(x, corner.y + row.rows.y, channel4)
        + row.factors.z * load_input(x, corner.y + row.rows.z, channel4)
        + row.factors.w * load_input(x, corner.y + row.rows.w, channel4);
}

// Row y of B^T d B for four inputs of a tile's patch.
fn bring_patch(tile: u32, y: u32, corner: vec2<i32>, channel4: u32) {
    let row = patch_row(y);
    let d0 = patch_value(row, corner, 0, channel4);
    let d1 = patch_value(row, corner, 1, channel4);
    let d2 = patch_value(row, corner, 2, channel4);
    let d3 = patch_value(row, corner, 3, channel4);
    let d4 = patch_value(row, corner, 4, channel4);
    let d5 = patch_value(row, corner, 5, channel4);
    let even_p = d4 - 2.0 * d2;
    let odd_p = P * (d3 - 2.0 * d1);
    let even_q = d4 - 0.5 * d2;
    let odd_q = Q * (d3 - 0.5 * d1);
    let place = 6u * y * TILES + tile;
    memory[place] = d0 - 2.5 * d2 + d4;
    memory[place + TILES] = even_p + odd_p;
    memory[place + 2u * TILES] = even_p - odd_p;
    memory[place + 3u * TILES] = even_q + odd_q;
    memory[place + 4u * TILES] = even_q - odd_q;
    memory[place + 5u * TILES] = d1 - 2.5 * d3 + d5;
}

// Where the transform of the mirrored kernel has the value that the kernel's own has at a row or column.
fn mirrored(index: u32) -> u32 {
    if index % 5u == 0u {
        return 5u - index;
    }
    return select(index - 2u, index + 2u, index < 3u);
}

// 4 inputs x 4 outputs of the filters at a position.
fn bring_filters(item: u32, channel4: u32, first_output4: u32, backward: bool) {
    let position = item / OUTPUTS4;
    let output4 = item % OUTPUTS4;
    var rows: mat4x4<f32>;
    if backward {
        let from_position = mirrored(position / 6u) * 6u + mirrored(position % 6u);
        let row = (from_position * 4u * params.outputs4 + 4u * (first_output4 + output4)) * params.inputs4 + channel4;
        rows = transpose(mat4x4<f32>(
            weights[row],
            weights[row + params.inputs4],
            weights[row + 2u * params.inputs4],
            weights[row + 3u * params.inputs4],
        ));
    } else {
        let row = (position * 4u * params.inputs4 + 4u * channel4) * params.outputs4 + first_output4 + output4;
        rows = mat4x4<f32>(
            weights[row],
            weights[row + params.outputs4],
            weights[row + 2u * params.outputs4],
            weights[row + 3u * params.outputs4],
        );
    }
    let place = FILTERS + 4u * position * OUTPUTS4 + output4;
    memory[place] = rows[0];
    memory[place + OUTPUTS4] = rows[1];
    memory[place + 2u * OUTPUTS4] = rows[2];
    memory[place + 3u * OUTPUTS4] = rows[3];
}

// Every other vec4 of the outputs, for one input.
fn filters(place: u32) -> mat4x4<f32> {
    return mat4x4<f32>(memory[place], memory[place + 2u], memory[place + 4u], memory[place + 6u]);
}

// Sums of tiles row, row + 2, ... of the block at one position.
struct Sums {
    s0: mat4x4<f32>,
    s1: mat4x4<f32>,
    s2: mat4x4<f32>,
    s3: mat4x4<f32>,
    s4: mat4x4<f32>,
    s5: mat4x4<f32>,
    s6: mat4x4<f32>,
    s7: mat4x4<f32>,
}

fn multiply(at: Block, lane: u32, backward: bool) -> Sums {
    let tile = lane % TILES;
    let corner = vec2<i32>(tile_corner(at.first_tile + tile)) - 1;
    let position = lane / 4u;
    let column = lane % 2u;
    let row = lane / 2u % 2u;
    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    for (var channel4 = 0u; channel4 < params.inputs4; channel4++) {
        if lane < 6u * TILES {
            bring_patch(tile, lane / TILES, corner, channel4);
        }
        bring_filters(lane, channel4, at.first_output4, backward);
        bring_filters(lane + LANES, channel4, at.first_output4, backward);
        workgroupBarrier();
        let place = FILTERS + 4u * position * OUTPUTS4 + column;
        let w0 = filters(place);
        let w1 = filters(place + OUTPUTS4);
        let w2 = filters(place + 2u * OUTPUTS4);
        let w3 = filters(place + 3u * OUTPUTS4);
        let start = position * TILES + row;
        // One product at a time: sum and product become one instruction.
        let v0 = memory[start];
        s0 += v0.x * w0;
        s0 += v0.y * w1;
        s0 += v0.z * w2;
        s0 += v0.w * w3;
        let v1 = memory[start + 2u];
        s1 += v1.x * w0;
        s1 += v1.y * w1;
        s1 += v1.z * w2;
        s1 += v1.w * w3;
        let v2 = memory[start + 4u];
        s2 += v2.x * w0;
        s2 += v2.y * w1;
        s2 += v2.z * w2;
        s2 += v2.w * w3;
        let v3 = memory[start + 6u];
        s3 += v3.x * w0;
        s3 += v3.y * w1;
        s3 += v3.z * w2;
        s3 += v3.w * w3;
        let v4 = memory[start + 8u];
        s4 += v4.x * w0;
        s4 += v4.y * w1;
        s4 += v4.z * w2;
        s4 += v4.w * w3;
        let v5 = memory[start + 10u];
        s5 += v5.x * w0;
        s5 += v5.y * w1;
        s5 += v5.z * w2;
        s5 += v5.w * w3;
        let v6 = memory[start + 12u];
        s6 += v6.x * w0;
        s6 += v6.y * w1;
        s6 += v6.z * w2;
        s6 += v6.w * w3;
        let v7 = memory[start + 14u];
        s7 += v7.x * w0;
        s7 += v7.y * w1;
        s7 += v7.z * w2;
        s7 += v7.w * w3;
        workgroupBarrier();
    }
    return Sums(s0, s1, s2, s3, s4, s5, s6, s7);
}

// Puts a vec4 of an invocation's products in the memory: the arguments have a column per tile.
fn put(lane: u32, upper: mat4x4<f32>, lower: mat4x4<f32>) {
    let place = (lane / 4u * TILES + lane / 2u % 2u) * 2u + lane % 2u;
    memory[place] = upper[0];
    memory[place + 4u] = upper[1];
    memory[place + 8u] = upper[2];
    memory[place + 12u] = upper[3];
    memory[place + 16u] = lower[0];
    memory[place + 20u] = lower[1];
    memory[place + 24u] = lower[2];
    memory[place + 28u] = lower[3];
}

// Puts the products of vec4 number 2 * `round` and the next of the outputs into workgroup memory for every invocation.
fn exchange(lane: u32, sums: Sums, round: u32) {
    workgroupBarrier();
    switch round {
        case 0u: {
            put(lane, mat4x4<f32>(sums.s0[0], sums.s1[0], sums.s2[0], sums.s3[0]),
                mat4x4<f32>(sums.s4[0], sums.s5[0], sums.s6[0], sums.s7[0]));
        }
        case 1u: {
            put(lane, mat4x4<f32>(sums.s0[1], sums.s1[1], sums.s2[1], sums.s3[1]),
                mat4x4<f32>(sums.s4[1], sums.s5[1], sums.s6[1], sums.s7[1]));
        }
        case 2u: {
            put(lane, mat4x4<f32>(sums.s0[2], sums.s1[2], sums.s2[2], sums.s3[2]),
                mat4x4<f32>(sums.s4[2], sums.s5[2], sums.s6[2], sums.s7[2]));
        }
        default: {
            put(lane, mat4x4<f32>(sums.s0[3], sums.s1[3], sums.s2[3], sums.s3[3]),
                mat4x4<f32>(sums.s4[3], sums.s5[3], sums.s6[3], sums.s7[3]));
        }
    }
    workgroupBarrier();
}

// A row of A^T, as factors of products 0 to 2 and 3 to 5.
fn output_row(x: u32) -> mat2x3<f32> {
    switch x {
        case 0u: {
            return mat2x3<f32>(vec3<f32>(1.0, -Q / 3.0, -Q / 3.0), vec3<f32>(P / 3.0, P / 3.0, 0.0));
        }
        case 1u: {
            return mat2x3<f32>(vec3<f32>(0.0, -1.0 / 3.0, 1.0 / 3.0), vec3<f32>(1.0 / 3.0, -1.0 / 3.0, 0.0));
        }
        case 2u: {
            return mat2x3<f32>(vec3<f32>(0.0, -P / 3.0, -P / 3.0), vec3<f32>(Q / 3.0, Q / 3.0, 0.0));
        }
        default: {
            return mat2x3<f32>(vec3<f32>(0.0, -1.0 / 6.0, 1.0 / 6.0), vec3<f32>(2.0 / 3.0, -2.0 / 3.0, 1.0));
        }
    }
}

// A row of products of the exchanged ones times a column of A.
fn product_row(place: u32, factors: mat2x3<f32>) -> vec4<f32> {
    let stride = 2u * TILES;
    return factors[0].x * memory[place] + factors[0].y * memory[place + stride]
        + factors[0].z * memory[place + 2u * stride] + factors[1].x * memory[place + 3u * stride]
        + factors[1].y * memory[place + 4u * stride] + factors[1].z * memory[place + 5u * stride];
}

// A column of A^T m A, as four vec4 of outputs, one a row of the tile.
fn transformed_back(tile: u32, x: u32, side: u32) -> mat4x4<f32> {
    let factors = output_row(x);
    let place = 2u * tile + side;
    let stride = 12u * TILES;
    let m0 = product_row(place, factors);
    let m1 = product_row(place + stride, factors);
    let m2 = product_row(place + 2u * stride, factors);
    let m3 = product_row(place + 3u * stride, factors);
    let m4 = product_row(place + 4u * stride, factors);
    let m5 = product_row(place + 5u * stride, factors);
    let even_p = m1 + m2;
    let odd_p = m1 - m2;
    let even_q = m3 + m4;
    let odd_q = m3 - m4;
    return mat4x4<f32>(
        m0 - Q / 3.0 * even_p + P / 3.0 * even_q,
        (odd_q - odd_p) / 3.0,
        Q / 3.0 * even_q - P / 3.0 * even_p,
        m5 - odd_p / 6.0 + 2.0 / 3.0 * odd_q,
    );
}

// What an invocation stores: a column of a tile, one of two vec4 of outputs.
struct Spot {
    tile: u32,
    x: u32,
    side: u32,
    corner: vec2<u32>,
    inside: bool,
}

fn spot(at: Block, lane: u32) -> Spot {
    let tile = lane / 8u;
    let x = lane / 2u % 4u;
    let corner = tile_corner(at.first_tile + tile);
    return Spot(tile, x, lane % 2u, corner, tile < TILES && corner.x + x < params.width + 2u);
}

@compute @workgroup_size(LANES)
fn conv3x3(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = block(group_number(group));
    // The barriers inside separate this from the first bit.
    for (var word = lane; word < 256u; word += LANES) {
        atomicStore(&mask_words[word], 0u);
    }
    let sums = multiply(at, lane, false);
    let spot = spot(at, lane);
    for (var round = 0u; round < 4u; round++) {
        exchange(lane, sums, round);
        if spot.inside {
            let column4 = 2u * round + spot.side;
            let output4 = at.first_output4 + column4;
            let values = transformed_back(spot.tile, spot.x, spot.side);
            for (var y = 0u; y < 4u && spot.corner.y + y < params.end_row; y++) {
                let pixel = (spot.corner.y + y) * (params.width + 2u) + spot.corner.x + spot.x;
                let halo = is_halo(pixel, params.width, params.height);
                let stored = store(select(relu(values[y] + bias[output4]), vec4<f32>(0.0), halo));
                output[(pixel - params.output_start) * params.outputs4 + output4] = stored;
                if WITH_MASK {
                    let bits = positive_bits(load(stored)) << (4u * column4);
                    atomicOr(&mask_words[spot.tile * 16u + y * 4u + spot.x], bits);
                }
            }
        }
    }
    if WITH_MASK {
        workgroupBarrier();
        for (var word = lane; word < 256u; word += LANES) {
            let place = tile_corner(at.first_tile + word / 16u) + vec2<u32>(word % 4u, word / 4u % 4u);
            if place.x < params.width + 2u && place.y < params.end_row {
                let pixel = place.y * (params.width + 2u) + place.x;
                mask[pixel * (params.outputs4 / 8u) + at.first_output4 / 8u] = atomicLoad(&mask_words[word]);
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = block(group_number(group));
    let sums = multiply(at, lane, true);
    let spot = spot(at, lane);
    for (var round = 0u; round < 4u; round++) {
        exchange(lane, sums, round);
        if spot.inside {
            let column4 = 2u * round + spot.side;
            let values = transformed_back(spot.tile, spot.x, spot.side);
            for (var y = 0u; y < 4u && spot.corner.y + y < params.end_row; y++) {
                let pixel = (spot.corner.y + y) * (params.width + 2u) + spot.corner.x + spot.x;
                let index = (pixel - params.output_start) * params.outputs4 + at.first_output4 + column4;
                var value = values[y];
                if ACCUMULATE {
                    value += load(output[index]);
                }
                if WITH_MASK {
                    let word = mask[pixel * (params.outputs4 / 8u) + at.first_output4 / 8u];
                    value = keep_where_set(value, word, 4u * column4);
                }
                output[index] = store(select(value, vec4<f32>(0.0), is_halo(pixel, params.width, params.height)));
            }
        }
    }
}
