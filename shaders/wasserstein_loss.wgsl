// Squared Wasserstein distance, per channel, between Gaussians of mean m, m* and covariance S, S*, from the root Y sqrt(n)
// and R Z R with the inverse root Z / sqrt(n) of R S R, R = S*^(1/2) (root_factors.wgsl), and its gradients;
// a = coefficients[2 loss], b = coefficients[2 loss + 1]; old with ACCUMULATE.
//
//   wasserstein_matrix  Q = old + b (I - R Z R / sqrt(n)) / C
//   wasserstein_mean    c = old + b ((m - m*) / C - Q m), Q without old and b
//   wasserstein_value   losses[loss] = a (sum (m - m*)^2 + tr(S) + tr(S*) - 2 sqrt(n) tr(Y)) / C
//
// bindings  1 mean m [C]   2 target mean m* [C]   3 covariance S [C][C]   4 root Y [C][C]   5 product R Z R [C][C]
//           6 factors   7 scalars, the fifth tr(S*)   8 coefficients   9 Q [C][C] or c [C]   10 losses
// dispatch  C * C / 64 workgroups of 64; C / 64 workgroups of 64; one workgroup of 256

struct Params {
    channels: u32,
    loss: u32,
    // Numbers of the factors sqrt(n) and 1 / sqrt(n) in their array.
    root_factor: u32,
    inverse_root_factor: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> target_mean: array<f32>;
@group(0) @binding(3) var<storage, read> covariance: array<f32>;
@group(0) @binding(4) var<storage, read> root: array<f32>;
@group(0) @binding(5) var<storage, read> product: array<f32>;
@group(0) @binding(6) var<storage, read> factors: array<f32>;
@group(0) @binding(7) var<storage, read> scalars: array<f32>;
@group(0) @binding(8) var<storage, read> coefficients: array<f32>;
@group(0) @binding(9) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(10) var<storage, read_write> losses: array<f32>;

fn put(index: u32, value: f32) {
    var sum = coefficients[2u * params.loss + 1u] * value / f32(params.channels);
    if ACCUMULATE {
        sum += gradient[index];
    }
    gradient[index] = sum;
}

@compute @workgroup_size(64)
fn wasserstein_matrix(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.channels * params.channels {
        return;
    }
    let unit = select(0.0, 1.0, index / params.channels == index % params.channels);
    put(index, unit - factors[params.inverse_root_factor] * product[index]);
}

@compute @workgroup_size(64)
fn wasserstein_mean(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let channel = group_number(group) * 64u + lane;
    if channel >= params.channels {
        return;
    }
    var along_mean = 0.0;
    // The product is symmetric: its column is its row, and neighbouring invocations read neighbouring values.
    for (var other = 0u; other < params.channels; other++) {
        along_mean += product[other * params.channels + channel] * mean[other];
    }
    along_mean *= factors[params.inverse_root_factor];
    put(channel, mean[channel] - target_mean[channel] - (mean[channel] - along_mean));
}

@compute @workgroup_size(256)
fn wasserstein_value(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var channel = lane; channel < params.channels; channel += 256u) {
        let difference = mean[channel] - target_mean[channel];
        let diagonal = channel * params.channels + channel;
        sum += difference * difference + covariance[diagonal] - 2.0 * factors[params.root_factor] * root[diagonal];
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        losses[params.loss] = coefficients[2u * params.loss] * (total + scalars[4]) / f32(params.channels);
    }
}
