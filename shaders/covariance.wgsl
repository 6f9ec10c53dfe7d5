// Covariance S = G - m m^T + max(e, t tr(G)) I from Gram matrix and mean.
//
// bindings  1 gram G [C][C]   2 mean m [C]   3 scalars, the first e   4 covariance S [C][C]
// dispatch  C * C / 256 workgroups of 256, each of which adds up the trace

struct Params {
    channels: u32,
    // t.
    trace_part: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gram: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read_write> covariance: array<f32>;

@compute @workgroup_size(256)
fn covariance_of_gram(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var squares = 0.0;
    for (var channel = lane; channel < params.channels; channel += 256u) {
        squares += gram[channel * params.channels + channel];
    }
    let added = max(scalars[0], params.trace_part * workgroup_sum(lane, squares));
    let index = group_number(group) * 256u + lane;
    if index >= params.channels * params.channels {
        return;
    }
    let row = index / params.channels;
    let column = index % params.channels;
    covariance[index] = gram[index] - mean[row] * mean[column] + select(0.0, added, row == column);
}
