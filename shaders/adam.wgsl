// Adam with clamping to [0, 1], and the running average of the iterates:
//
//   advance  b1^t, b2^t and d^t of the new step t
//   adam     m = b1 m + (1 - b1) g     v = b2 v + (1 - b2) g^2
//            x = clamp(x - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon), 0, 1)
//            average = d average + (1 - d) x
//
// Both leave everything as it is once the state says halted.
//
// bindings  1 state: evaluations, halted, b1^t, b2^t, d^t   2 image x   3 gradient g   4 mean m   5 square v   6 average
// dispatch  one invocation; then one per value, workgroups of 64

struct Params {
    count: u32,
    rate: f32,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> image: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> square: array<f32>;
@group(0) @binding(6) var<storage, read_write> average: array<f32>;

@compute @workgroup_size(1)
fn advance() {
    if state[1] != 0u {
        return;
    }
    state[2] = bitcast<u32>(bitcast<f32>(state[2]) * params.beta1);
    state[3] = bitcast<u32>(bitcast<f32>(state[3]) * params.beta2);
    state[4] = bitcast<u32>(bitcast<f32>(state[4]) * params.decay);
}

@compute @workgroup_size(64)
fn adam(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.count || state[1] != 0u {
        return;
    }
    let g = gradient[index];
    let m = params.beta1 * mean[index] + (1.0 - params.beta1) * g;
    let v = params.beta2 * square[index] + (1.0 - params.beta2) * g * g;
    mean[index] = m;
    square[index] = v;
    let rate = params.rate / (1.0 - bitcast<f32>(state[2]));
    let deviation = sqrt(v) / sqrt(1.0 - bitcast<f32>(state[3])) + params.epsilon;
    let x = clamp(image[index] - rate * m / deviation, 0.0, 1.0);
    image[index] = x;
    average[index] = params.decay * average[index] + (1.0 - params.decay) * x;
}
