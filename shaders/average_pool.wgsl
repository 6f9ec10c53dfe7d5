// 2x2 average pooling, stride 2; an odd last row or column is left out.
//
//   average_pool           output[q][c] = mean of the four inputs under q
//   average_pool_backward  output[p][c] = keep(mask, old + gradient[q][c] / 4)
//
// bindings  1 input (backward: gradient of the output), haloed   2 output (backward: gradient of the input), haloed
//           3 mask of the input, C/32 words per padded pixel
// tile      four channels of one padded pixel of what is written
// dispatch  padded pixels of the rows to write x C/4 invocations, workgroups of 64

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;

@compute @workgroup_size(64)
fn average_pool(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let pixel = params.first_pixel + index / params.blocks;
    let width = params.width / 2u;
    let height = params.height / 2u;
    if pixel >= params.end_pixel {
        return;
    }
    let place = (pixel - params.output_start) * params.blocks + index % params.blocks;
    if is_halo(pixel, width, height) {
        output[place] = store(vec4<f32>(0.0));
        return;
    }
    let x = 2u * (pixel % (width + 2u)) - 1u;
    let y = 2u * (pixel / (width + 2u)) - 1u;
    let source = y * (params.width + 2u) + x - params.input_start;
    let first = source * params.blocks + index % params.blocks;
    let below = first + (params.width + 2u) * params.blocks;
    let upper = load(input[first]) + load(input[first + params.blocks]);
    let lower = load(input[below]) + load(input[below + params.blocks]);
    output[place] = store(0.25 * (upper + lower));
}

@compute @workgroup_size(64)
fn average_pool_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let pixel = params.first_pixel + index / params.blocks;
    if pixel >= params.end_pixel {
        return;
    }
    let place = (pixel - params.output_start) * params.blocks + index % params.blocks;
    let x = pixel % (params.width + 2u);
    let y = pixel / (params.width + 2u);
    let pooled_width = params.width / 2u;
    // The odd last row or column and the halo receive no gradient.
    let inside = x >= 1u && y >= 1u && x <= 2u * pooled_width && y <= params.height / 2u * 2u;
    var value = vec4<f32>(0.0);
    if inside {
        let pooled = (y + 1u) / 2u * (pooled_width + 2u) + (x + 1u) / 2u - params.input_start;
        value = 0.25 * load(input[pooled * params.blocks + index % params.blocks]);
    }
    if ACCUMULATE {
        value += load(output[place]);
    }
    if WITH_MASK {
        let bit = pixel * params.blocks + index % params.blocks;
        value = keep_where_set(value, mask[bit / 8u], 4u * (bit % 8u));
    }
    output[place] = store(value);
}
