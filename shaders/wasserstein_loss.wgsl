// Squared Wasserstein distance, per channel, between Gaussians of mean m, m* and covariance S, S*, from the polar factor U of
// X and W (plan::WassersteinLoss has their formulas), in partial sums, and its gradients; b = coefficients[2 loss + 1]; old
// with ACCUMULATE.
//
//   wasserstein_matrix  Q = old + b (I - (W + W^T) / 2) / C, and partial sums of -2 U X / C, element by element
//   wasserstein_mean    c = old + b ((m - m*) / C - Q m), Q without old and b, and the sum over channels of
//                       ((m - m*)^2 + S_ii) / C, and tr(S*) / C
//
// bindings  1 mean m [C]   2 target mean m* [C]   3 covariance S [C][C]   4 polar U [C][C]   5 overlap X [C][C]
//           6 transport W [C][C]   7 scalars, the fifth tr(S*)   8 coefficients   9 Q [C][C] or c [C]
//           10 partials [workgroups of wasserstein_matrix + 1]
// dispatch  up to 255 workgroups of 256, each strides over the values; then one workgroup of 256, which strides over the
//           channels; reduce_loss.wgsl adds the partial sums

struct Params {
    channels: u32,
    loss: u32,
    // Workgroups of wasserstein_matrix.
    parts: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> target_mean: array<f32>;
@group(0) @binding(3) var<storage, read> covariance: array<f32>;
@group(0) @binding(4) var<storage, read> polar: array<f32>;
@group(0) @binding(5) var<storage, read> overlap: array<f32>;
@group(0) @binding(6) var<storage, read> transport: array<f32>;
@group(0) @binding(7) var<storage, read> scalars: array<f32>;
@group(0) @binding(8) var<storage, read> coefficients: array<f32>;
@group(0) @binding(9) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(10) var<storage, read_write> partials: array<f32>;

// W made symmetric.
fn symmetric(row: u32, column: u32) -> f32 {
    return 0.5 * (transport[row * params.channels + column] + transport[column * params.channels + row]);
}

fn put(index: u32, value: f32) {
    var sum = coefficients[2u * params.loss + 1u] * value / f32(params.channels);
    if ACCUMULATE {
        sum += gradient[index];
    }
    gradient[index] = sum;
}

@compute @workgroup_size(256)
fn wasserstein_matrix(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    let values = params.channels * params.channels;
    var sum = 0.0;
    for (var index = number * 256u + lane; index < values; index += launch.groups * 256u) {
        let row = index / params.channels;
        let column = index % params.channels;
        sum -= 2.0 * polar[index] * overlap[index];
        put(index, select(0.0, 1.0, row == column) - symmetric(row, column));
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total / f32(params.channels);
    }
}

@compute @workgroup_size(256)
fn wasserstein_mean(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var channel = lane; channel < params.channels; channel += 256u) {
        let difference = mean[channel] - target_mean[channel];
        sum += difference * difference + covariance[channel * params.channels + channel];
        var along_mean = mean[channel];
        for (var other = 0u; other < params.channels; other++) {
            along_mean -= symmetric(channel, other) * mean[other];
        }
        put(channel, difference - along_mean);
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[params.parts] = (total + scalars[4]) / f32(params.channels);
    }
}
