// Adam with clamping to [0, 1], and the running average of the iterates:
//
//   advance  b1^t, b2^t and d^t of the new step t
//   adam     m = b1 m + (1 - b1) g     v = b2 v + (1 - b2) g^2
//            rate = learning_rate min(1, sqrt(sum shares losses)), learning_rate where the sum is zero
//            x = clamp(x - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon), 0, 1)
//            average = d average + (1 - d) x
//
// Both leave everything as it is once the state says halted.
//
// bindings  1 state   2 image x   3 gradient g   4 mean m   5 square v   6 average   7 rates
//           8 losses [terms]
// dispatch  one invocation; then one per value, workgroups of 64

struct Params {
    count: u32,
    beta1: f32,
    beta2: f32,
    decay: f32,
    terms: u32,
}

struct Rates {
    learning_rate: f32,
    epsilon: f32,
    shares: array<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> state: IterationState;
@group(0) @binding(2) var<storage, read_write> image: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> square: array<f32>;
@group(0) @binding(6) var<storage, read_write> average: array<f32>;
@group(0) @binding(7) var<storage, read> rates: Rates;
@group(0) @binding(8) var<storage, read> losses: array<f32>;

@compute @workgroup_size(1)
fn advance() {
    if state.halted != 0u {
        return;
    }
    state.mean_power *= params.beta1;
    state.square_power *= params.beta2;
    state.average_power *= params.decay;
}

@compute @workgroup_size(64)
fn adam(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.count || state.halted != 0u {
        return;
    }
    let g = gradient[index];
    let m = params.beta1 * mean[index] + (1.0 - params.beta1) * g;
    let v = params.beta2 * square[index] + (1.0 - params.beta2) * g * g;
    mean[index] = m;
    square[index] = v;
    var sum = 0.0;
    for (var term = 0u; term < params.terms; term++) {
        sum += rates.shares[term] * losses[term];
    }
    let nearness = select(1.0, min(1.0, sqrt(sum)), sum > 0.0);
    let rate = rates.learning_rate * nearness / (1.0 - state.mean_power);
    let deviation = sqrt(v) / sqrt(1.0 - state.square_power) + rates.epsilon;
    let x = clamp(image[index] - rate * m / deviation, 0.0, 1.0);
    image[index] = x;
    average[index] = params.decay * average[index] + (1.0 - params.decay) * x;
}
