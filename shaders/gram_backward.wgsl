// Gradient with respect to the features of a Gram matrix and a mean:
// output[p][j] = keep(mask, old + w[p] (c[j] + sum over i of F[p][i] S[i][j])).
//
// bindings  1 features F, haloed   2 gram_gradient S [C][C]   3 output, haloed   4 mask, C/32 words per padded pixel
//           5 mean_gradient c [C], read with WITH_MEAN   6 weights w, one per padded pixel, read with WITH_WEIGHTS
// tile      8 padded pixels x 16 channels per invocation, as eight 4x4 matrices
// dispatch  ceil(padded pixels of the rows to write / 8) x C/16 invocations, pixels fastest, workgroups of 32

const PIXELS = 8u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read> gram_gradient: array<mat4x4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;

@compute @workgroup_size(32)
fn gram_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 32u + lane;
    let tiles = (params.end_pixel - params.first_pixel + PIXELS - 1u) / PIXELS;
    let first = params.first_pixel + index % tiles * PIXELS;
    let block = index / tiles;
    let blocks = params.channels4 / 4u;
    if block >= blocks {
        return;
    }
    let last = params.end_pixel - 1u;
    let p0 = (first - params.features_start) * params.channels4;
    let p1 = (min(first + 1u, last) - params.features_start) * params.channels4;
    let p2 = (min(first + 2u, last) - params.features_start) * params.channels4;
    let p3 = (min(first + 3u, last) - params.features_start) * params.channels4;
    let p4 = (min(first + 4u, last) - params.features_start) * params.channels4;
    let p5 = (min(first + 5u, last) - params.features_start) * params.channels4;
    let p6 = (min(first + 6u, last) - params.features_start) * params.channels4;
    let p7 = (min(first + 7u, last) - params.features_start) * params.channels4;
    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    for (var i = 0u; i < params.channels4; i++) {
        let row = 4u * i * blocks + block;
        let w0 = gram_gradient[row];
        let w1 = gram_gradient[row + blocks];
        let w2 = gram_gradient[row + 2u * blocks];
        let w3 = gram_gradient[row + 3u * blocks];
        let v0 = load(features[p0 + i]);
        s0 += v0.x * w0 + v0.y * w1 + v0.z * w2 + v0.w * w3;
        let v1 = load(features[p1 + i]);
        s1 += v1.x * w0 + v1.y * w1 + v1.z * w2 + v1.w * w3;
        let v2 = load(features[p2 + i]);
        s2 += v2.x * w0 + v2.y * w1 + v2.z * w2 + v2.w * w3;
        let v3 = load(features[p3 + i]);
        s3 += v3.x * w0 + v3.y * w1 + v3.z * w2 + v3.w * w3;
        let v4 = load(features[p4 + i]);
        s4 += v4.x * w0 + v4.y * w1 + v4.z * w2 + v4.w * w3;
        let v5 = load(features[p5 + i]);
        s5 += v5.x * w0 + v5.y * w1 + v5.z * w2 + v5.w * w3;
        let v6 = load(features[p6 + i]);
        s6 += v6.x * w0 + v6.y * w1 + v6.z * w2 + v6.w * w3;
        let v7 = load(features[p7 + i]);
        s7 += v7.x * w0 + v7.y * w1 + v7.z * w2 + v7.w * w3;
    }
    let tile = array<mat4x4<f32>, PIXELS>(s0, s1, s2, s3, s4, s5, s6, s7);
    for (var pixel = first; pixel < min(first + PIXELS, params.end_pixel); pixel++) {
        for (var m = 0u; m < 4u; m++) {
            let place = (pixel - params.output_start) * params.channels4 + 4u * block + m;
            var value = weighted(tile[pixel - first][m], pixel, 4u * block + m);
            if ACCUMULATE {
                value += load(output[place]);
            }
            if WITH_MASK {
                let bit = pixel * params.channels4 + 4u * block + m;
                value = keep_where_set(value, mask[bit / 8u], 4u * (bit % 8u));
            }
            output[place] = store(value);
        }
    }
}
