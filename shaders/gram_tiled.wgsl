// Gram matrix over workgroup tiles: the first pass of gram.wgsl, which gives formula, bindings and second pass.
//
// The matrix is symmetric: tiles above the diagonal are computed once and written twice.
//
// needs     channels a multiple of EDGE
// tile      a workgroup computes EDGE x EDGE sums of one split and walks over its pixels 8 at a time, which it keeps in
//           workgroup memory; an invocation computes 8 x 8 sums, so that 4 loads of a vec4 feed 64 multiplications
// dispatch  pairs of blocks of EDGE channels, the second not before the first, x splits workgroups of EDGE * EDGE / 64,
//           pairs fastest

// 64 or 128.
override EDGE: u32 = 128u;
override EDGE4: u32 = EDGE / 4u;
// Invocations, and those beside each other along an edge.
override LANES: u32 = EDGE * EDGE / 64u;
override ACROSS: u32 = EDGE / 8u;
const CHUNK = 8u;
override CHUNK4: u32 = CHUNK * EDGE4;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;

// [pixel][EDGE4]
var<workgroup> left_chunk: array<vec4<f32>, CHUNK4>;
var<workgroup> right_chunk: array<vec4<f32>, CHUNK4>;

// Writes the sums of four channels (rows) and two times four; `mirror` writes them below the diagonal too.
fn store_rows(matrix: u32, row4: u32, column4: u32, rows: mat4x4<f32>, mirror: bool) {
    let place = matrix + 4u * row4 * params.channels4 + column4;
    partials[place] = rows[0];
    partials[place + params.channels4] = rows[1];
    partials[place + 2u * params.channels4] = rows[2];
    partials[place + 3u * params.channels4] = rows[3];
    if mirror {
        let columns = transpose(rows);
        let mirrored = matrix + 4u * column4 * params.channels4 + row4;
        partials[mirrored] = columns[0];
        partials[mirrored + params.channels4] = columns[1];
        partials[mirrored + 2u * params.channels4] = columns[2];
        partials[mirrored + 3u * params.channels4] = columns[3];
    }
}

@compute @workgroup_size(LANES)
fn gram(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let blocks = params.channels4 / EDGE4;
    let pairs = blocks * (blocks + 1u) / 2u;
    let split = number / pairs;
    var left = 0u;
    var right = number % pairs;
    while right >= blocks - left {
        right -= blocks - left;
        left += 1u;
    }
    right += left;
    let left4 = left * EDGE4;
    let right4 = right * EDGE4;
    let run = (params.pixels + params.splits - 1u) / params.splits;
    let first = params.first_pixel + split * run;
    let end = min(first + run, params.first_pixel + params.pixels);

    let row = lane / ACROSS;
    let column = lane % ACROSS;
    var s0 = mat2x4<f32>();
    var s1 = mat2x4<f32>();
    var s2 = mat2x4<f32>();
    var s3 = mat2x4<f32>();
    var s4 = mat2x4<f32>();
    var s5 = mat2x4<f32>();
    var s6 = mat2x4<f32>();
    var s7 = mat2x4<f32>();
    for (var chunk = first; chunk < end; chunk += CHUNK) {
        for (var item = lane; item < CHUNK4; item += LANES) {
            let pixel = chunk + item / EDGE4;
            let place = min(pixel, end - 1u) * params.channels4 + item % EDGE4;
            let left_value = weight(min(pixel, end - 1u)) * load(features[place + left4]);
            left_chunk[item] = select(vec4<f32>(0.0), left_value, pixel < end);
            right_chunk[item] = load(features[place + right4]);
        }
        workgroupBarrier();
        for (var pixel = 0u; pixel < CHUNK; pixel++) {
            let place = pixel * EDGE4;
            let factors = mat2x4<f32>(right_chunk[place + column], right_chunk[place + column + ACROSS]);
            let upper = left_chunk[place + row];
            s0 += upper.x * factors;
            s1 += upper.y * factors;
            s2 += upper.z * factors;
            s3 += upper.w * factors;
            let lower = left_chunk[place + row + ACROSS];
            s4 += lower.x * factors;
            s5 += lower.y * factors;
            s6 += lower.z * factors;
            s7 += lower.w * factors;
        }
        workgroupBarrier();
    }

    let matrix = split * 4u * params.channels4 * params.channels4;
    let mirror = left != right;
    let upper4 = left4 + row;
    let lower4 = upper4 + ACROSS;
    let column4 = right4 + column;
    store_rows(matrix, upper4, column4, mat4x4<f32>(s0[0], s1[0], s2[0], s3[0]), mirror);
    store_rows(matrix, upper4, column4 + ACROSS, mat4x4<f32>(s0[1], s1[1], s2[1], s3[1]), mirror);
    store_rows(matrix, lower4, column4, mat4x4<f32>(s4[0], s5[0], s6[0], s7[0]), mirror);
    store_rows(matrix, lower4, column4 + ACROSS, mat4x4<f32>(s4[1], s5[1], s6[1], s7[1]), mirror);
}
