// output = u left right + v I for square matrices, with TRANSPOSED of the transpose of left; (u, v) is a pair of factors,
// (1, 0) without WITH_FACTOR. With SYMMETRIC, what lies above the diagonal tells what lies below.
//
// bindings  1 left [C][C]   2 right [C][C]   3 factors, read with WITH_FACTOR   4 output [C][C]
// tile      8 rows x 4 columns per invocation, 64 rows x 32 columns per workgroup of 64
// dispatch  C / 64 x C / 32 workgroups, columns fastest; C a multiple of 64

struct Params {
    channels4: u32,
    // Number of u in its array.
    factor: u32,
}

override WITH_FACTOR: bool = false;
override TRANSPOSED: bool = false;
override SYMMETRIC: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> factors: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;

// Four neighbours along a row of left, from column 4 i on.
fn left_values(row: u32, i: u32) -> vec4<f32> {
    if TRANSPOSED {
        let place = 4u * i * params.channels4 + row / 4u;
        let a = left[place];
        let b = left[place + params.channels4];
        let c = left[place + 2u * params.channels4];
        let d = left[place + 3u * params.channels4];
        return vec4<f32>(a[row % 4u], b[row % 4u], c[row % 4u], d[row % 4u]);
    }
    return left[row * params.channels4 + i];
}

@compute @workgroup_size(64)
fn matrix_product(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let across = params.channels4 / 8u;
    let block_row = number / across;
    let block_column = number % across;
    // Two blocks of columns lie on the diagonal.
    if SYMMETRIC && block_column < 2u * block_row {
        return;
    }
    let column4 = block_column * 8u + lane % 8u;
    let row = block_row * 64u + lane / 8u * 8u;
    let first = row * params.channels4;
    var s0 = vec4<f32>(0.0);
    var s1 = vec4<f32>(0.0);
    var s2 = vec4<f32>(0.0);
    var s3 = vec4<f32>(0.0);
    var s4 = vec4<f32>(0.0);
    var s5 = vec4<f32>(0.0);
    var s6 = vec4<f32>(0.0);
    var s7 = vec4<f32>(0.0);
    for (var i = 0u; i < params.channels4; i++) {
        let place = 4u * i * params.channels4 + column4;
        let r0 = right[place];
        let r1 = right[place + params.channels4];
        let r2 = right[place + 2u * params.channels4];
        let r3 = right[place + 3u * params.channels4];
        let factors4 = mat4x4<f32>(r0, r1, r2, r3);
        s0 += factors4 * left_values(row, i);
        s1 += factors4 * left_values(row + 1u, i);
        s2 += factors4 * left_values(row + 2u, i);
        s3 += factors4 * left_values(row + 3u, i);
        s4 += factors4 * left_values(row + 4u, i);
        s5 += factors4 * left_values(row + 5u, i);
        s6 += factors4 * left_values(row + 6u, i);
        s7 += factors4 * left_values(row + 7u, i);
    }
    var scale = 1.0;
    var unit = 0.0;
    if WITH_FACTOR {
        scale = factors[params.factor];
        unit = factors[params.factor + 1u];
    }
    let rows = array<vec4<f32>, 8>(s0, s1, s2, s3, s4, s5, s6, s7);
    for (var k = 0u; k < 8u; k++) {
        let columns = 4u * column4 + vec4<u32>(0u, 1u, 2u, 3u);
        let diagonal = select(vec4<f32>(0.0), vec4<f32>(unit), columns == vec4<u32>(row + k));
        output[first + k * params.channels4 + column4] = scale * rows[k] + diagonal;
    }
    if SYMMETRIC && block_column > 2u * block_row + 1u {
        let upper = scale * transpose(mat4x4<f32>(s0, s1, s2, s3));
        let lower = scale * transpose(mat4x4<f32>(s4, s5, s6, s7));
        for (var k = 0u; k < 4u; k++) {
            let place = (4u * column4 + k) * params.channels4 + row / 4u;
            output[place] = upper[k];
            output[place + 1u] = lower[k];
        }
    }
}
