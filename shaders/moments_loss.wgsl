// Loss of Gram matrix G, mean m and standard deviation s = sqrt(diag(G) - m^2 + e) against A, m* and s*, in partial sums of
// k0 (G - A)^2, k1 (m - m*)^2 and k2 (s - s*)^2, and its gradients; b = coefficients[2 loss + 1]; old with ACCUMULATE.
//
//   moments_matrix  S = old + b (2 k0 (G - A) + diag(k2 (s - s*) / s))
//   moments_mean    c = old + b (k1 (m - m*) - k2 (s - s*) / s m), and the sums over channels
//
// bindings  1 gram G [C][C]   2 mean m [C]   3 target A [C][C]   4 target mean m* [C]   5 scalars e, k0, k1, k2
//           6 coefficients   7 S [C][C] or c [C]   8 partials [workgroups of moments_matrix + 1]
// dispatch  up to 255 workgroups of 256, each strides over the vec4 values; then one workgroup of 256, which strides over
//           the channels; reduce_loss.wgsl adds the partial sums

struct Params {
    channels: u32,
    loss: u32,
    // Workgroups of moments_matrix.
    parts: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gram: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> moments_target: array<f32>;
@group(0) @binding(4) var<storage, read> target_mean: array<f32>;
@group(0) @binding(5) var<storage, read> scalars: array<f32>;
@group(0) @binding(6) var<storage, read> coefficients: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(8) var<storage, read_write> partials: array<f32>;

// A channel's s - s*, and that times k2 / s.
fn deviation_difference(channel: u32) -> vec2<f32> {
    let diagonal = channel * params.channels + channel;
    let own = sqrt(max(gram[diagonal] - mean[channel] * mean[channel], 0.0) + scalars[0]);
    let other = sqrt(max(moments_target[diagonal] - target_mean[channel] * target_mean[channel], 0.0) + scalars[0]);
    return vec2<f32>(own - other, scalars[3] * (own - other) / own);
}

@compute @workgroup_size(256)
fn moments_matrix(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let scale = coefficients[2u * params.loss + 1u];
    let number = group_number(group);
    let values = params.channels * params.channels;
    var sum = 0.0;
    for (var index = number * 256u + lane; index < values; index += launch.groups * 256u) {
        let difference = gram[index] - moments_target[index];
        sum += scalars[1] * difference * difference;
        var value = 2.0 * scalars[1] * difference;
        let row = index / params.channels;
        if row == index % params.channels {
            value += deviation_difference(row).y;
        }
        value *= scale;
        if ACCUMULATE {
            value += gradient[index];
        }
        gradient[index] = value;
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}

@compute @workgroup_size(256)
fn moments_mean(@builtin(local_invocation_index) lane: u32) {
    let scale = coefficients[2u * params.loss + 1u];
    var sum = 0.0;
    for (var channel = lane; channel < params.channels; channel += 256u) {
        let of_deviation = deviation_difference(channel);
        let of_mean = mean[channel] - target_mean[channel];
        sum += scalars[2] * of_mean * of_mean + scalars[3] * of_deviation.x * of_deviation.x;
        var value = scale * (scalars[2] * of_mean - of_deviation.y * mean[channel]);
        if ACCUMULATE {
            value += gradient[channel];
        }
        gradient[channel] = value;
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[params.parts] = total;
    }
}
