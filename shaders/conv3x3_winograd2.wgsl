// 3x3 convolution, stride 1, by Winograd's F(2x2, 3x3): 16 products instead of 36 for 2x2 outputs (Lavin and Gray,
// 2016, "Fast Algorithms for Convolutional Neural Networks"). All in one kernel; nothing but the output goes to the
// device's memory.
//
//   Y = A^T [ sum over inputs of U * (B^T d B) ] A   d: a 4x4 patch of an input, U = G g G^T: the transformed filter
//
//         | 1  0 -1  0 |                                 | 1    0    0  |
//   B^T = | 0  1  1  0 |   A^T = | 1  1  1  0 |     G =  | 1/2  1/2 1/2 |   (on the host)
//         | 0 -1  1  0 |         | 0  1 -1 -1 |          | 1/2 -1/2 1/2 |
//         | 0  1  0 -1 |                                 | 0    0    1  |
//
// Mirroring a kernel exchanges rows 0 and 3 of its transform, and columns: one set of U serves both directions.
//
//   conv3x3, conv3x3_backward   from Y on as in conv3x3_plain.wgsl
//   conv3x3_max_pool            conv3x3 and the max_pool of max_pool.wgsl that reads it: a tile is what a pooled pixel is
//                               computed from, and the map between the two is never written
//
// bindings  2 weights U [16][Cin][Cout] of the layer, in both directions; the others as in conv3x3_plain.wgsl; for
//           conv3x3_max_pool 4 is the pooled map and 6 the winners
// needs     inputs a multiple of 4 * CHUNK4, outputs a multiple of 32
// tile      a workgroup computes 32 neighbouring tiles of 2x2 padded pixels x 32 outputs: 16 matrix products, one per
//           position, whose factors it keeps in workgroup memory for 4 * CHUNK4 inputs at a time. 16 invocations share
//           a position; each makes 8 tiles x 8 outputs. At the end positions are exchanged through the same memory.
// memory    16 KiB * CHUNK4
// dispatch  ceil(tiles / 32) x outputs / 32 workgroups of 256, outputs fastest. Tiles cover the padded rows to write,
//           border columns included: what lies in the halo is computed and stored as zero. Places beyond the map reach
//           only outputs that are dropped. For conv3x3_max_pool a tile belongs to each padded pixel of the pooled rows:
//           that of pooled column x has columns 2x - 1 and 2x, and likewise for rows.

override WITH_WINNERS: bool = false;
// Inputs of a chunk in vec4: 1 or 2.
override CHUNK4: u32 = 2u;

const TILES = 32u;
const OUTPUTS4 = 8u;
const POSITIONS = 16u;

// Where the filters begin in the memory.
override FILTERS: u32 = POSITIONS * TILES * CHUNK4;
override MEMORY: u32 = 2u * FILTERS;
// Vec4 of outputs that are exchanged at a time.
override EXCHANGED4: u32 = 2u * CHUNK4;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;
@group(0) @binding(6) var<storage, read_write> winners: array<u32>;

// First [position][tile][CHUNK4] of the transformed patches and [position][input][OUTPUTS4] of the filters, then
// [position][tile][EXCHANGED4] of the products.
var<workgroup> memory: array<vec4<f32>, MEMORY>;

struct Block {
    first_tile: u32,
    first_output4: u32,
    // Tiles in a row of tiles.
    across: u32,
    // Padded pixel where the first tile of all starts: column and row -1 where tiles are pooled and the halo is among them.
    corner: vec2<i32>,
}

fn block(group: u32, pooled: bool) -> Block {
    let blocks = params.outputs4 / OUTPUTS4;
    let across = select((params.width + 3u) / 2u, params.width / 2u + 2u, pooled);
    let first_row = i32(params.first_row);
    let corner = select(vec2<i32>(0, first_row), vec2<i32>(-1, select(first_row, -1, first_row == 0)), pooled);
    return Block(group / blocks * TILES, group % blocks * OUTPUTS4, across, corner);
}

// Column and row of the first padded pixel of a tile of the block.
fn tile_corner(at: Block, tile: u32) -> vec2<i32> {
    let number = at.first_tile + tile;
    return at.corner + 2 * vec2<i32>(i32(number % at.across), i32(number / at.across));
}

// Index of four inputs in a row and column of the padded map, or of the nearest that exist.
fn source(column: i32, row: i32) -> u32 {
    let first_row = max(i32(params.first_row), 1) - 1;
    let last_row = min(i32(params.end_row), i32(params.height) + 1);
    let x = clamp(column, 0, i32(params.width) + 1);
    let y = clamp(row, first_row, last_row);
    return (u32(y) * (params.width + 2u) + u32(x) - params.input_start) * params.inputs4;
}

// 4 inputs x 4 outputs of the filters at a position.
fn bring_filters(item: u32, chunk: u32, first_output4: u32, backward: bool) {
    let position = item / (CHUNK4 * OUTPUTS4);
    var input4: u32;
    var output4: u32;
    var rows: mat4x4<f32>;
    // Neighbouring invocations read neighbouring values: in the backward pass those are the inputs.
    if backward {
        input4 = item % CHUNK4;
        output4 = item / CHUNK4 % OUTPUTS4;
        let y = position / 4u;
        let x = position % 4u;
        let mirrored = select(y, 3u - y, y % 3u == 0u) * 4u + select(x, 3u - x, x % 3u == 0u);
        let row = (mirrored * 4u * params.outputs4 + 4u * (first_output4 + output4)) * params.inputs4 + chunk + input4;
        rows = transpose(mat4x4<f32>(
            load(weights[row]),
            load(weights[row + params.inputs4]),
            load(weights[row + 2u * params.inputs4]),
            load(weights[row + 3u * params.inputs4]),
        ));
    } else {
        output4 = item % OUTPUTS4;
        input4 = item / OUTPUTS4 % CHUNK4;
        let row = (position * 4u * params.inputs4 + 4u * (chunk + input4)) * params.outputs4 + first_output4 + output4;
        rows = mat4x4<f32>(
            load(weights[row]),
            load(weights[row + params.outputs4]),
            load(weights[row + 2u * params.outputs4]),
            load(weights[row + 3u * params.outputs4]),
        );
    }
    let place = FILTERS + 4u * (position * CHUNK4 + input4) * OUTPUTS4 + output4;
    memory[place] = rows[0];
    memory[place + OUTPUTS4] = rows[1];
    memory[place + 2u * OUTPUTS4] = rows[2];
    memory[place + 3u * OUTPUTS4] = rows[3];
}

// Both vec4 of outputs that an invocation computes, for one input of the chunk.
fn filters(place: u32) -> mat2x4<f32> {
    return mat2x4<f32>(memory[place], memory[place + 4u]);
}

// Sums of tiles row, row + 4, ... of the block at one position.
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

fn multiply(at: Block, lane: u32, backward: bool) -> Sums {
    // What this invocation loads: row y of the transform of a tile's patches, for four inputs. A row of B^T has two
    // entries that are not zero, in rows `upper` and `lower` of the patch.
    let brings_patch = lane < 4u * TILES * CHUNK4;
    let channel4 = lane % CHUNK4;
    let tile = lane / CHUNK4 % TILES;
    let y = lane / (CHUNK4 * TILES) % 4u;
    let corner = tile_corner(at, tile) - 1;
    let upper = corner.y + i32(select(min(y, 1u), 2u, y == 2u));
    let lower = corner.y + i32(select(max(y, 2u), 1u, y == 2u));
    let sign = select(-1.0, 1.0, y == 1u);
    let u0 = source(corner.x, upper) + channel4;
    let u1 = source(corner.x + 1, upper) + channel4;
    let u2 = source(corner.x + 2, upper) + channel4;
    let u3 = source(corner.x + 3, upper) + channel4;
    let l0 = source(corner.x, lower) + channel4;
    let l1 = source(corner.x + 1, lower) + channel4;
    let l2 = source(corner.x + 2, lower) + channel4;
    let l3 = source(corner.x + 3, lower) + channel4;
    let patch_place = (4u * y * TILES + tile) * CHUNK4 + channel4;
    let patch_stride = TILES * CHUNK4;

    let position = lane / 16u;
    let column = lane % 4u;
    let row = lane / 4u % 4u;
    var s0 = mat2x4<f32>();
    var s1 = mat2x4<f32>();
    var s2 = mat2x4<f32>();
    var s3 = mat2x4<f32>();
    var s4 = mat2x4<f32>();
    var s5 = mat2x4<f32>();
    var s6 = mat2x4<f32>();
    var s7 = mat2x4<f32>();
    for (var chunk = 0u; chunk < params.inputs4; chunk += CHUNK4) {
        if brings_patch {
            let d0 = load(input[u0 + chunk]) + sign * load(input[l0 + chunk]);
            let d1 = load(input[u1 + chunk]) + sign * load(input[l1 + chunk]);
            let d2 = load(input[u2 + chunk]) + sign * load(input[l2 + chunk]);
            let d3 = load(input[u3 + chunk]) + sign * load(input[l3 + chunk]);
            memory[patch_place] = d0 - d2;
            memory[patch_place + patch_stride] = d1 + d2;
            memory[patch_place + 2u * patch_stride] = d2 - d1;
            memory[patch_place + 3u * patch_stride] = d1 - d3;
            bring_filters(lane, chunk, at.first_output4, backward);
        }
        workgroupBarrier();
        for (var i = 0u; i < CHUNK4; i++) {
            let place = FILTERS + 4u * (position * CHUNK4 + i) * OUTPUTS4 + column;
            let w0 = filters(place);
            let w1 = filters(place + OUTPUTS4);
            let w2 = filters(place + 2u * OUTPUTS4);
            let w3 = filters(place + 3u * OUTPUTS4);
            let start = (position * TILES + row) * CHUNK4 + i;
            // One product at a time: sum and product become one instruction.
            let v0 = memory[start];
            s0 += v0.x * w0;
            s0 += v0.y * w1;
            s0 += v0.z * w2;
            s0 += v0.w * w3;
            let v1 = memory[start + 4u * CHUNK4];
            s1 += v1.x * w0;
            s1 += v1.y * w1;
            s1 += v1.z * w2;
            s1 += v1.w * w3;
            let v2 = memory[start + 8u * CHUNK4];
            s2 += v2.x * w0;
            s2 += v2.y * w1;
            s2 += v2.z * w2;
            s2 += v2.w * w3;
            let v3 = memory[start + 12u * CHUNK4];
            s3 += v3.x * w0;
            s3 += v3.y * w1;
            s3 += v3.z * w2;
            s3 += v3.w * w3;
            let v4 = memory[start + 16u * CHUNK4];
            s4 += v4.x * w0;
            s4 += v4.y * w1;
            s4 += v4.z * w2;
            s4 += v4.w * w3;
            let v5 = memory[start + 20u * CHUNK4];
            s5 += v5.x * w0;
            s5 += v5.y * w1;
            s5 += v5.z * w2;
            s5 += v5.w * w3;
            let v6 = memory[start + 24u * CHUNK4];
            s6 += v6.x * w0;
            s6 += v6.y * w1;
            s6 += v6.z * w2;
            s6 += v6.w * w3;
            let v7 = memory[start + 28u * CHUNK4];
            s7 += v7.x * w0;
            s7 += v7.y * w1;
            s7 += v7.z * w2;
            s7 += v7.w * w3;
        }
        workgroupBarrier();
    }
    return Sums(s0, s1, s2, s3, s4, s5, s6, s7);
}

// Puts the products of EXCHANGED4 vec4 of outputs, from `first4` on, into workgroup memory for every invocation.
fn exchange(lane: u32, sums: Sums, first4: u32) {
    let position = lane / 16u;
    let column = lane % 4u;
    let row = lane / 4u % 4u;
    let upper = first4 >= 4u;
    workgroupBarrier();
    if column >= first4 % 4u && column < first4 % 4u + EXCHANGED4 {
        let place = (position * TILES + row) * EXCHANGED4 + column - first4 % 4u;
        memory[place] = select(sums.s0[0], sums.s0[1], upper);
        memory[place + 4u * EXCHANGED4] = select(sums.s1[0], sums.s1[1], upper);
        memory[place + 8u * EXCHANGED4] = select(sums.s2[0], sums.s2[1], upper);
        memory[place + 12u * EXCHANGED4] = select(sums.s3[0], sums.s3[1], upper);
        memory[place + 16u * EXCHANGED4] = select(sums.s4[0], sums.s4[1], upper);
        memory[place + 20u * EXCHANGED4] = select(sums.s5[0], sums.s5[1], upper);
        memory[place + 24u * EXCHANGED4] = select(sums.s6[0], sums.s6[1], upper);
        memory[place + 28u * EXCHANGED4] = select(sums.s7[0], sums.s7[1], upper);
    }
    workgroupBarrier();
}

// What an invocation stores: one pixel of a tile, every other vec4 of outputs.
struct Spot {
    tile: u32,
    x: u32,
    y: u32,
    side: u32,
    // Among the padded pixels.
    pixel: u32,
    inside: bool,
    halo: bool,
}

fn spot(at: Block, lane: u32) -> Spot {
    let x = lane / 2u % 2u;
    let tile = lane / 4u % TILES;
    let y = lane / (4u * TILES);
    let place = vec2<u32>(tile_corner(at, tile)) + vec2<u32>(x, y);
    let pixel = place.y * (params.width + 2u) + place.x;
    let inside = place.x < params.width + 2u && place.y < params.end_row;
    return Spot(tile, x, y, lane % 2u, pixel, inside, is_halo(pixel, params.width, params.height));
}

// One of A^T's rows times three neighbouring products: 1 1 1 or 1 -1 -1.
fn combine(place: u32, stride: u32, sign: f32) -> vec4<f32> {
    return memory[place] + sign * (memory[place + stride] + memory[place + 2u * stride]);
}

// A^T m A at pixel (x, y) of a tile, of the products that are exchanged.
fn transformed_back(tile: u32, x: u32, y: u32, exchanged4: u32) -> vec4<f32> {
    let stride = TILES * EXCHANGED4;
    let sign_x = select(1.0, -1.0, x == 1u);
    let sign_y = select(1.0, -1.0, y == 1u);
    let place = (4u * y + x) * stride + tile * EXCHANGED4 + exchanged4;
    let upper = combine(place, stride, sign_x);
    let middle = combine(place + 4u * stride, stride, sign_x);
    let lower = combine(place + 8u * stride, stride, sign_x);
    return upper + sign_y * (middle + lower);
}

@compute @workgroup_size(256)
fn conv3x3(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = block(group_number(group), false);
    let sums = multiply(at, lane, false);
    let spot = spot(at, lane);
    var word = 0u;
    for (var first4 = 0u; first4 < OUTPUTS4; first4 += EXCHANGED4) {
        exchange(lane, sums, first4);
        for (var exchanged4 = spot.side; exchanged4 < EXCHANGED4; exchanged4 += 2u) {
            let column4 = first4 + exchanged4;
            let value =
                relu(transformed_back(spot.tile, spot.x, spot.y, exchanged4) + bias[at.first_output4 + column4]);
            let stored = store(select(value, vec4<f32>(0.0), spot.halo));
            if spot.inside {
                output[(spot.pixel - params.output_start) * params.outputs4 + at.first_output4 + column4] = stored;
            }
            word |= positive_bits(load(stored)) << (4u * column4);
        }
    }
    if WITH_MASK {
        // Two neighbours have half of a word's bits each; sixteen bits are exact as an f32.
        workgroupBarrier();
        memory[lane] = vec4<f32>(f32(word & 0xffffu), f32(word >> 16u), 0.0, 0.0);
        workgroupBarrier();
        if spot.side == 0u && spot.inside {
            let other = memory[lane + 1u];
            mask[spot.pixel * (params.outputs4 / 8u) + at.first_output4 / 8u] =
                word | u32(other.x) | (u32(other.y) << 16u);
        }
    }
}

@compute @workgroup_size(256)
fn conv3x3_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = block(group_number(group), false);
    let sums = multiply(at, lane, true);
    let spot = spot(at, lane);
    for (var first4 = 0u; first4 < OUTPUTS4; first4 += EXCHANGED4) {
        exchange(lane, sums, first4);
        for (var exchanged4 = spot.side; spot.inside && exchanged4 < EXCHANGED4; exchanged4 += 2u) {
            let column4 = first4 + exchanged4;
            let index = (spot.pixel - params.output_start) * params.outputs4 + at.first_output4 + column4;
            var value = transformed_back(spot.tile, spot.x, spot.y, exchanged4);
            if ACCUMULATE {
                value += load(output[index]);
            }
            if WITH_MASK {
                let word = mask[spot.pixel * (params.outputs4 / 8u) + at.first_output4 / 8u];
                value = keep_where_set(value, word, 4u * column4);
            }
            output[index] = store(select(value, vec4<f32>(0.0), spot.halo));
        }
    }
}

// What an invocation knows of some values of a pooled pixel: numbers of 16 bits, which are exact as f32.
struct Bits {
    // Of the mask, lower and upper half of each pixel's word.
    mask_low: vec4<f32>,
    mask_high: vec4<f32>,
    // Of the winners, lower and upper half of both words.
    winners: vec4<f32>,
}

// Combined over the invocations that share a tile; each contributes different bits.
fn gather_bits(lane: u32, own: Bits, tile: u32) -> Bits {
    let stride = TILES * EXCHANGED4;
    workgroupBarrier();
    if lane < stride {
        memory[lane] = own.mask_low;
        memory[stride + lane] = own.mask_high;
        memory[2u * stride + lane] = own.winners;
    }
    workgroupBarrier();
    var all = Bits();
    for (var i = tile * EXCHANGED4; i < (tile + 1u) * EXCHANGED4; i++) {
        all.mask_low += memory[i];
        all.mask_high += memory[stride + i];
        all.winners += memory[2u * stride + i];
    }
    return all;
}

@compute @workgroup_size(256)
fn conv3x3_max_pool(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = block(group_number(group), true);
    let sums = multiply(at, lane, false);
    // Each of the first invocations takes one vec4 of a tile at a time, with all of its four pixels.
    let exchanged4 = lane % EXCHANGED4;
    let tile = min(lane / EXCHANGED4, TILES - 1u);
    let corner = tile_corner(at, tile);
    // The pooled pixel, in a map of half the size.
    let place = vec2<u32>((corner + 1) / 2);
    let pooled_width = params.width / 2u;
    let pixel = place.y * (pooled_width + 2u) + place.x;
    let halo = is_halo(pixel, pooled_width, params.height / 2u);
    let inside = lane < TILES * EXCHANGED4 && corner.y < i32(params.end_row);
    var mask_words = vec4<u32>(0u);
    var winner_words = vec2<u32>(0u);
    for (var first4 = 0u; first4 < OUTPUTS4; first4 += EXCHANGED4) {
        exchange(lane, sums, first4);
        let column4 = first4 + exchanged4;
        var best = vec4<f32>(0.0);
        var winner = vec4<u32>(0u);
        for (var candidate = 0u; inside && candidate < 4u; candidate++) {
            let made = transformed_back(tile, candidate % 2u, candidate / 2u, exchanged4);
            // As the map would store it.
            let value = load(store(relu(made + bias[at.first_output4 + column4])));
            mask_words[candidate] |= positive_bits(value) << (4u * column4);
            let wins = vec4<bool>(candidate == 0u) | wins_over(value, best);
            winner = select(winner, vec4<u32>(candidate), wins);
            best = select(best, value, wins);
        }
        if inside {
            let index = (pixel - params.output_start) * params.outputs4 + at.first_output4 + column4;
            output[index] = store(select(best, vec4<f32>(0.0), halo));
            let packed = winner.x | (winner.y << 2u) | (winner.z << 4u) | (winner.w << 6u);
            winner_words[column4 / 4u] |= select(packed, 0u, halo) << (8u * (column4 % 4u));
        }
    }
    if WITH_MASK || WITH_WINNERS {
        let halves = vec4<u32>(winner_words.x, winner_words.x >> 16u, winner_words.y, winner_words.y >> 16u);
        let low = vec4<f32>(mask_words & vec4<u32>(0xffffu));
        let high = vec4<f32>(mask_words >> vec4<u32>(16u));
        let bits = gather_bits(lane, Bits(low, high, vec4<f32>(halves & vec4<u32>(0xffffu))), tile);
        // The invocations of a tile share its words: those of four pixels and two of winners.
        for (var word = exchanged4; inside && word < 4u; word += EXCHANGED4) {
            let unpooled = corner + vec2<i32>(i32(word % 2u), i32(word / 2u));
            let there = unpooled.x >= 0 && unpooled.y >= 0 && unpooled.x < i32(params.width) + 2
                && unpooled.y < i32(params.end_row);
            if WITH_MASK && there {
                let number = u32(unpooled.y) * (params.width + 2u) + u32(unpooled.x);
                let made = u32(bits.mask_low[word]) | (u32(bits.mask_high[word]) << 16u);
                mask[number * (params.outputs4 / 8u) + at.first_output4 / 8u] =
                    select(made, 0u, is_halo(number, params.width, params.height));
            }
            if WITH_WINNERS && word < 2u {
                winners[pixel * (params.outputs4 / 4u) + at.first_output4 / 4u + word] =
                    u32(bits.winners[2u * word]) | (u32(bits.winners[2u * word + 1u]) << 16u);
            }
        }
    }
}
