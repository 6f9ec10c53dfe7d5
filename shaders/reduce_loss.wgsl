// Second pass of a loss: losses[loss] = old + a * sum of partials, a = coefficients[2 loss].
//
// bindings  1 partials [count]   2 coefficients   3 losses
// dispatch  one workgroup of 256; count at most 256

struct Params {
    count: u32,
    loss: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> coefficients: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(256)
fn reduce_loss(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    if lane < params.count {
        sum = partials[lane];
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        var value = coefficients[2u * params.loss] * total;
        if ACCUMULATE {
            value += losses[params.loss];
        }
        losses[params.loss] = value;
    }
}
