// to = from.
//
// bindings  1 from [count]   2 to [count]
// dispatch  one invocation per value, workgroups of 64

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> from_vector: array<f32>;
@group(0) @binding(2) var<storage, read_write> to_vector: array<f32>;

@compute @workgroup_size(64)
fn copy_vector(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index < params.count {
        to_vector[index] = from_vector[index];
    }
}
