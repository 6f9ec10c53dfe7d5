// Covariance S = G - m m^T + e I from Gram matrix and mean.
//
// bindings  1 gram G [C][C]   2 mean m [C]   3 scalars, the first e   4 covariance S [C][C]
// dispatch  C * C invocations, workgroups of 64

struct Params {
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gram: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read_write> covariance: array<f32>;

@compute @workgroup_size(64)
fn covariance_of_gram(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.channels * params.channels {
        return;
    }
    let row = index / params.channels;
    let column = index % params.channels;
    let added = select(0.0, scalars[0], row == column);
    covariance[index] = gram[index] - mean[row] * mean[column] + added;
}
