// Gradient of the pixels that may move: image_gradient[p] *= freedom[p].
//
// bindings  1 image_gradient [pixel][3]   2 freedom [pixel]
// dispatch  one invocation per value, workgroups of 64

struct Params {
    values: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> image_gradient: array<f32>;
@group(0) @binding(2) var<storage, read> freedom: array<f32>;

@compute @workgroup_size(64)
fn freeze_pixels(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index < params.values {
        image_gradient[index] *= freedom[index / 3u];
    }
}
