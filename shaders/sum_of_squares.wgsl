// The sum of an array's squares.
//
//   sum_of_squares         partials[workgroup] = sum of values[i]^2 over the workgroup's values
//   sum_of_squares_reduce  sums[index] = sum of partials
//
// bindings  1 values, by fours   2 partials [workgroups]   3 sums
// dispatch  up to 256 workgroups of 256, each strides over the values; then one workgroup of 256

struct Params {
    values4: u32,
    parts: u32,
    index: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(256)
fn sum_of_squares(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    var sum = 0.0;
    for (var index = number * 256u + lane; index < params.values4; index += launch.groups * 256u) {
        let value = load(values[index]);
        sum += dot(value, value);
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}

@compute @workgroup_size(256)
fn sum_of_squares_reduce(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    if lane < params.parts {
        sum = partials[lane];
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        sums[params.index] = total;
    }
}
