// The halo of a map on a torus: each halo pixel becomes the pixel of the opposite edge.
//
// bindings  1 map, haloed
// dispatch  2 (width + 2) + 2 height halo pixels x C/4 invocations, channels fastest, workgroups of 64

struct Params {
    width: u32,
    height: u32,
    channels4: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> map: array<Stored4>;

@compute @workgroup_size(64)
fn wrap_halo(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let channel4 = index % params.channels4;
    let number = index / params.channels4;
    let padded_width = params.width + 2u;
    let across = 2u * padded_width;
    if number >= across + 2u * params.height {
        return;
    }
    // First the upper and the lower row, then the rest of the left and the right column.
    var x = number % padded_width;
    var y = number / padded_width * (params.height + 1u);
    if number >= across {
        x = (number - across) % 2u * (params.width + 1u);
        y = (number - across) / 2u + 1u;
    }
    let source_x = (x + params.width - 1u) % params.width + 1u;
    let source_y = (y + params.height - 1u) % params.height + 1u;
    map[(y * padded_width + x) * params.channels4 + channel4] =
        map[(source_y * padded_width + source_x) * params.channels4 + channel4];
}
