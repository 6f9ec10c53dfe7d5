// Gram matrix G = F^T w F / pixels of a feature map F [pixel][channel], in two passes so that the sum over pixels is split
// and yet always added in the same order.
//
//   gram         partials[split][i][j] = sum of w[p] F[p][i] F[p][j] over the split's run of padded pixels; in the halo, F or
//                w is 0
//   gram_reduce  gram[i][j] = old + (sum over splits of partials[split][i][j]) / pixels
//
// bindings  1 features, haloed   2 partials [splits][C][C]   3 gram [C][C]   4 weights w, read with WITH_WEIGHTS
// tile      8 rows i x 16 columns j per invocation, as eight 4x4 matrices
// dispatch  C/8 x C/16 x splits invocations, rows fastest, workgroups of 32; then C * C/4 invocations, workgroups of 64

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4<f32>>;

@compute @workgroup_size(32)
fn gram(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 32u + lane;
    let rows = params.channels4 / 2u;
    let columns = params.channels4 / 4u;
    let i = 2u * (index % rows);
    let j = 4u * (index / rows % columns);
    let split = index / (rows * columns);
    if split >= params.splits {
        return;
    }
    let run = (params.pixels + params.splits - 1u) / params.splits;
    let first = params.first_pixel + split * run;
    let end = min(first + run, params.first_pixel + params.pixels);
    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    for (var pixel = first; pixel < end; pixel++) {
        let p = pixel * params.channels4;
        let factor = weight(pixel);
        let upper = factor * load(features[p + i]);
        let lower = factor * load(features[p + i + 1u]);
        let r0 = load(features[p + j]);
        let r1 = load(features[p + j + 1u]);
        let r2 = load(features[p + j + 2u]);
        let r3 = load(features[p + j + 3u]);
        let right = mat4x4<f32>(r0, r1, r2, r3);
        s0 += upper.x * right;
        s1 += upper.y * right;
        s2 += upper.z * right;
        s3 += upper.w * right;
        s4 += lower.x * right;
        s5 += lower.y * right;
        s6 += lower.z * right;
        s7 += lower.w * right;
    }
    let tile = array<mat4x4<f32>, 8>(s0, s1, s2, s3, s4, s5, s6, s7);
    let matrix = split * 4u * params.channels4 * params.channels4;
    for (var k = 0u; k < 8u; k++) {
        let row = matrix + (4u * i + k) * params.channels4 + j;
        for (var m = 0u; m < 4u; m++) {
            partials[row + m] = tile[k][m];
        }
    }
}

@compute @workgroup_size(64)
fn gram_reduce(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let matrix = 4u * params.channels4 * params.channels4;
    if index >= matrix {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var split = 0u; split < params.splits; split++) {
        sum += partials[split * matrix + index];
    }
    sum *= params.inverse_pixels;
    if ACCUMULATE {
        sum += result[index];
    }
    result[index] = sum;
}
