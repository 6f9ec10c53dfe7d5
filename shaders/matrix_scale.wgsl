// output = u input + v I for a square matrix; (u, v) is a pair of factors.
//
// bindings  1 input [C][C]   2 factors   3 output [C][C]
// dispatch  C * C invocations, workgroups of 64

struct Params {
    channels: u32,
    // Number of u in its array.
    factor: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn matrix_scale(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.channels * params.channels {
        return;
    }
    let unit = select(0.0, factors[params.factor + 1u], index / params.channels == index % params.channels);
    output[index] = factors[params.factor] * input[index] + unit;
}
