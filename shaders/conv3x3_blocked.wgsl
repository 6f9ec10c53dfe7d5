// 3x3 convolution, stride 1, in register blocks. Formulas and bindings as in conv3x3_plain.wgsl; outputs a multiple of 32.
//
// tile      8 neighbouring padded pixels x 16 outputs, held as eight 4x4 matrices (column m: outputs 4m to 4m + 3), so that
//           8 loads of input and 16 of weights feed 512 multiplications; an invocation has two such tiles, 32 outputs,
//           because one word of the mask holds 32 channels
// dispatch  one invocation per 8 pixels and 32 outputs, pixels fastest so that neighbours share weights; workgroups of 32.
//           Pixels are the padded pixels of the rows to write less halo rows; those in border columns are computed and
//           stored as zero. Halo rows come last and are only zeroed.

const PIXELS = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> weights: array<Stored4x4>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;

alias Tile = array<mat4x4<f32>, PIXELS>;

// Where the value of a padded pixel stands; pixels before the first and after the last meet only border columns, whose
// results are dropped, so any place inside the array will do.
fn source(pixel: i32, tap: i32) -> u32 {
    let padded_width = i32(params.width) + 2;
    let last = padded_width * (i32(params.height) + 2) - 1;
    let place = pixel + (tap / 3 - 1) * padded_width + tap % 3 - 1;
    return (u32(clamp(place, 0, last)) - params.input_start) * params.inputs4;
}

// `matrix` numbers blocks of 16 outputs.
fn convolve(first_pixel: u32, matrix: u32) -> Tile {
    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    let pixel = i32(first_pixel);
    let matrices = params.outputs4 / 4u;
    var row = matrix;
    for (var tap = 0; tap < 9; tap++) {
        let p0 = source(pixel, tap);
        let p1 = source(pixel + 1, tap);
        let p2 = source(pixel + 2, tap);
        let p3 = source(pixel + 3, tap);
        let p4 = source(pixel + 4, tap);
        let p5 = source(pixel + 5, tap);
        let p6 = source(pixel + 6, tap);
        let p7 = source(pixel + 7, tap);
        for (var i = 0u; i < params.inputs4; i++) {
            let w0 = load4x4(weights[row]);
            let w1 = load4x4(weights[row + matrices]);
            let w2 = load4x4(weights[row + 2u * matrices]);
            let w3 = load4x4(weights[row + 3u * matrices]);
            row += 4u * matrices;
            let v0 = load(input[p0 + i]);
            s0 += v0.x * w0 + v0.y * w1 + v0.z * w2 + v0.w * w3;
            let v1 = load(input[p1 + i]);
            s1 += v1.x * w0 + v1.y * w1 + v1.z * w2 + v1.w * w3;
            let v2 = load(input[p2 + i]);
            s2 += v2.x * w0 + v2.y * w1 + v2.z * w2 + v2.w * w3;
            let v3 = load(input[p3 + i]);
            s3 += v3.x * w0 + v3.y * w1 + v3.z * w2 + v3.w * w3;
            let v4 = load(input[p4 + i]);
            s4 += v4.x * w0 + v4.y * w1 + v4.z * w2 + v4.w * w3;
            let v5 = load(input[p5 + i]);
            s5 += v5.x * w0 + v5.y * w1 + v5.z * w2 + v5.w * w3;
            let v6 = load(input[p6 + i]);
            s6 += v6.x * w0 + v6.y * w1 + v6.z * w2 + v6.w * w3;
            let v7 = load(input[p7 + i]);
            s7 += v7.x * w0 + v7.y * w1 + v7.z * w2 + v7.w * w3;
        }
    }
    return Tile(s0, s1, s2, s3, s4, s5, s6, s7);
}

struct Place {
    // Padded pixel of the tile's first pixel, and one past its last.
    first: u32,
    end: u32,
    // The tile lies in the halo rows.
    zero: bool,
    // Which 32 outputs.
    block: u32,
}

fn place(group: u32, lane: u32) -> Place {
    let padded_width = params.width + 2u;
    let first_row = max(params.first_row, 1u);
    let end_row = min(params.end_row, params.height + 1u);
    let body = padded_width * (end_row - min(first_row, end_row));
    let body_tiles = (body + PIXELS - 1u) / PIXELS;
    let row_tiles = (padded_width + PIXELS - 1u) / PIXELS;
    let halo_above = select(0u, 1u, params.first_row == 0u);
    let halo_below = select(0u, 1u, params.end_row == params.height + 2u);
    let tiles = body_tiles + (halo_above + halo_below) * row_tiles;
    let index = group * 32u + lane;
    let tile = index % tiles;
    let block = index / tiles;
    var at = Place(0u, 0u, true, block);
    if block * 8u >= params.outputs4 {
        return at;
    }
    if tile < body_tiles {
        let start = first_row * padded_width;
        at.first = start + tile * PIXELS;
        at.end = min(at.first + PIXELS, start + body);
        at.zero = false;
    } else {
        let is_above = (tile - body_tiles) / row_tiles < halo_above;
        let start = select(params.height + 1u, 0u, is_above) * padded_width;
        at.first = start + (tile - body_tiles) % row_tiles * PIXELS;
        at.end = min(at.first + PIXELS, start + padded_width);
    }
    return at;
}

fn in_border_column(pixel: u32) -> bool {
    let x = pixel % (params.width + 2u);
    return x == 0u || x == params.width + 1u;
}

@compute @workgroup_size(32)
fn conv3x3(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = place(group_number(group), lane);
    var words = array<u32, PIXELS>();
    for (var half = 0u; half < 2u; half++) {
        var tile = Tile();
        if !at.zero {
            tile = convolve(at.first, 2u * at.block + half);
        }
        for (var pixel = at.first; pixel < at.end; pixel++) {
            let zero = at.zero || in_border_column(pixel);
            for (var m = 0u; m < 4u; m++) {
                let output4 = 8u * at.block + 4u * half + m;
                let value = relu(tile[pixel - at.first][m] + bias[output4]);
                let stored = store(select(value, vec4<f32>(0.0), zero));
                output[(pixel - params.output_start) * params.outputs4 + output4] = stored;
                words[pixel - at.first] |= positive_bits(load(stored)) << (16u * half + 4u * m);
            }
        }
    }
    if WITH_MASK {
        for (var pixel = at.first; pixel < at.end; pixel++) {
            mask[pixel * (params.outputs4 / 8u) + at.block] = words[pixel - at.first];
        }
    }
}

@compute @workgroup_size(32)
fn conv3x3_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = place(group_number(group), lane);
    for (var half = 0u; half < 2u; half++) {
        var tile = Tile();
        if !at.zero {
            tile = convolve(at.first, 2u * at.block + half);
        }
        for (var pixel = at.first; pixel < at.end; pixel++) {
            let zero = at.zero || in_border_column(pixel);
            for (var m = 0u; m < 4u; m++) {
                let place = (pixel - params.output_start) * params.outputs4 + 8u * at.block + 4u * half + m;
                var value = tile[pixel - at.first][m];
                if ACCUMULATE {
                    value += load(output[place]);
                }
                if WITH_MASK {
                    let word = mask[pixel * (params.outputs4 / 8u) + at.block];
                    value = keep_where_set(value, word, 16u * half + 4u * m);
                }
                output[place] = store(select(value, vec4<f32>(0.0), zero));
            }
        }
    }
}
