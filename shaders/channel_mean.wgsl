// Mean of each channel of a feature map F [pixel][channel], in two passes so that the sum over pixels is split and yet
// always added in the same order.
//
//   channel_mean         partials[split][i] = sum of w[p] F[p][i] over the split's run of padded pixels; in the halo, F or w
//                        is 0
//   channel_mean_reduce  mean[i] = old + (sum over splits of partials[split][i]) / pixels
//
// bindings  1 features, haloed   2 partials [splits][C]   3 mean [C]   4 weights w, read with WITH_WEIGHTS
// dispatch  C/4 x splits invocations, channels fastest; then C/4 invocations; workgroups of 64

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4<f32>>;

@compute @workgroup_size(64)
fn channel_mean(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let split = index / params.channels4;
    let channel4 = index % params.channels4;
    if split >= params.splits {
        return;
    }
    let run = (params.pixels + params.splits - 1u) / params.splits;
    let first = params.first_pixel + split * run;
    let end = min(first + run, params.first_pixel + params.pixels);
    var sum = vec4<f32>(0.0);
    for (var pixel = first; pixel < end; pixel++) {
        sum += weight(pixel) * load(features[pixel * params.channels4 + channel4]);
    }
    partials[index] = sum;
}

@compute @workgroup_size(64)
fn channel_mean_reduce(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.channels4 {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var split = 0u; split < params.splits; split++) {
        sum += partials[split * params.channels4 + index];
    }
    sum *= params.inverse_pixels;
    if ACCUMULATE {
        sum += mean[index];
    }
    mean[index] = sum;
}
