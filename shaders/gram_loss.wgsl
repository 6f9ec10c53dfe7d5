// Loss of a Gram matrix: partial sums of (G - T)^2 and S = old + b (G - T), b = coefficients[2 loss + 1]; old with
// ACCUMULATE.
//
// bindings  1 gram G [C][C]   2 target T [C][C]   3 gram_gradient S [C][C]   4 coefficients   5 partials [workgroups]
// dispatch  up to 256 workgroups of 256; each strides over the vec4 values; reduce_loss.wgsl adds the partial sums

struct Params {
    values4: u32,
    loss: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gram: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gram_target: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> gram_gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> coefficients: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(256)
fn gram_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let scale = coefficients[2u * params.loss + 1u];
    let number = group_number(group);
    var sum = 0.0;
    for (var index = number * 256u + lane; index < params.values4; index += launch.groups * 256u) {
        let difference = gram[index] - gram_target[index];
        sum += dot(difference, difference);
        var value = scale * difference;
        if ACCUMULATE {
            value += gram_gradient[index];
        }
        gram_gradient[index] = value;
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}
