// Picture to network input.
//
//   network_input           output[q][c] = (image[p][c] - mean[c]) / deviation[c], channel 3 zero; q runs over the padded
//                           pixels, p is the pixel at q or, in the halo, the nearest one (border 1) or the one at the
//                           opposite edge (2); with border 0 output is zero there
//   network_input_backward  image_gradient[p][c] = u * sum over the q made from p of gradient[q][c] / deviation[c],
//                           u = inverse_scale[0], which undoes the scale that keeps gradients within f16; with border 2 only
//                           the q within the picture count
//
// bindings  1 image or image_gradient [height][width][3]   2 output or gradient, haloed, C = 4   3 inverse_scale, one number
// dispatch  one invocation per padded pixel / per picture pixel, workgroups of 64

struct Params {
    mean: vec4<f32>,
    inverse_deviation: vec4<f32>,
    width: u32,
    height: u32,
    // 0 zero, 1 replicate, 2 wrap.
    border: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> image: array<f32>;
@group(0) @binding(2) var<storage, read_write> input: array<Stored4>;
@group(0) @binding(3) var<storage, read> inverse_scale: array<f32>;

@compute @workgroup_size(64)
fn network_input(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let pixel = group_number(group) * 64u + lane;
    let padded_width = params.width + 2u;
    if pixel >= padded_width * (params.height + 2u) {
        return;
    }
    if params.border == 0u && is_halo(pixel, params.width, params.height) {
        input[pixel] = store(vec4<f32>(0.0));
        return;
    }
    let column = pixel % padded_width;
    let row = pixel / padded_width;
    let wrap = params.border == 2u;
    let x = select(clamp(column, 1u, params.width) - 1u, (column + params.width - 1u) % params.width, wrap);
    let y = select(clamp(row, 1u, params.height) - 1u, (row + params.height - 1u) % params.height, wrap);
    let source = 3u * (y * params.width + x);
    let colour = vec4<f32>(image[source], image[source + 1u], image[source + 2u], 0.0);
    input[pixel] = store((colour - params.mean) * params.inverse_deviation);
}

@compute @workgroup_size(64)
fn network_input_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let pixel = group_number(group) * 64u + lane;
    if pixel >= params.width * params.height {
        return;
    }
    let columns = padded_copies(pixel % params.width, params.width, params.border == 1u);
    let rows = padded_copies(pixel / params.width, params.height, params.border == 1u);
    var sum = vec4<f32>(0.0);
    for (var row = rows.x; row <= rows.y; row++) {
        for (var column = columns.x; column <= columns.y; column++) {
            sum += load(input[row * (params.width + 2u) + column]);
        }
    }
    sum *= params.inverse_deviation * inverse_scale[0];
    image[3u * pixel] = sum.x;
    image[3u * pixel + 1u] = sum.y;
    image[3u * pixel + 2u] = sum.z;
}
