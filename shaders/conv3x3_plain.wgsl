// 3x3 convolution, stride 1, the readable truth: no blocking, every index checked.
//
//   conv3x3           output[p][o] = max(0, bias[o] + sum over taps t and inputs i of input[p + t][i] * weights[t][i][o])
//                     mask bit (p, o) = output[p][o] > 0
//   conv3x3_backward  output[p][o] = keep(mask, old + sum over t, i of input[p + t][i] * weights[t][i][o]),
//                     the weights being those of the transposed convolution
//
// bindings  0 see shared/conv3x3_params.wgsl   1 input, haloed   2 weights [9][inputs][outputs]   3 bias [outputs]
//           4 output, haloed   5 mask, outputs/32 words per padded pixel
// tile      one invocation computes up to 32 outputs of one padded pixel, four at a time
// dispatch  padded pixels of the rows to write x ceil(outputs / 32) invocations, workgroups of 64

// The halo gets values instead of zeros: what a replicated border hands back to the picture.
override WITH_HALO: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> mask: array<u32>;

fn convolve(pixel: u32, output4: u32) -> vec4<f32> {
    let padded_width = params.width + 2u;
    let padded_height = params.height + 2u;
    let x = pixel % padded_width;
    let y = pixel / padded_width;
    var sum = vec4<f32>(0.0);
    for (var tap = 0u; tap < 9u; tap++) {
        // Unsigned: one left of column 0 is far right of the last.
        let source_x = x + tap % 3u - 1u;
        let source_y = y + tap / 3u - 1u;
        if source_x >= padded_width || source_y >= padded_height {
            continue;
        }
        let source = (source_y * padded_width + source_x - params.input_start) * params.inputs4;
        for (var i = 0u; i < params.inputs4; i++) {
            let value = load(input[source + i]);
            let row = ((tap * params.inputs4 + i) * 4u) * params.outputs4 + output4;
            sum += value.x * load(weights[row]);
            sum += value.y * load(weights[row + params.outputs4]);
            sum += value.z * load(weights[row + 2u * params.outputs4]);
            sum += value.w * load(weights[row + 3u * params.outputs4]);
        }
    }
    return sum;
}

struct Place {
    inside: bool,
    pixel: u32,
    first4: u32,
    end4: u32,
    mask_word: u32,
}

fn place(group: u32, lane: u32) -> Place {
    let index = group * 64u + lane;
    let blocks = (params.outputs4 + 7u) / 8u;
    let pixel = params.first_row * (params.width + 2u) + index / blocks;
    let first4 = (index % blocks) * 8u;
    let inside = pixel < params.end_row * (params.width + 2u);
    return Place(inside, pixel, first4, min(first4 + 8u, params.outputs4), pixel * blocks + index % blocks);
}

@compute @workgroup_size(64)
fn conv3x3(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = place(group_number(group), lane);
    if !at.inside {
        return;
    }
    let halo = is_halo(at.pixel, params.width, params.height);
    var word = 0u;
    for (var output4 = at.first4; output4 < at.end4; output4++) {
        var value = vec4<f32>(0.0);
        if !halo {
            value = relu(convolve(at.pixel, output4) + bias[output4]);
        }
        let stored = store(value);
        output[(at.pixel - params.output_start) * params.outputs4 + output4] = stored;
        word |= positive_bits(load(stored)) << (4u * (output4 - at.first4));
    }
    if WITH_MASK {
        mask[at.mask_word] = word;
    }
}

@compute @workgroup_size(64)
fn conv3x3_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = place(group_number(group), lane);
    if !at.inside {
        return;
    }
    let zero = !WITH_HALO && is_halo(at.pixel, params.width, params.height);
    for (var output4 = at.first4; output4 < at.end4; output4++) {
        let place = (at.pixel - params.output_start) * params.outputs4 + output4;
        var value = vec4<f32>(0.0);
        if !zero {
            value = convolve(at.pixel, output4);
            if ACCUMULATE {
                value += load(output[place]);
            }
            if WITH_MASK {
                value = keep_where_set(value, mask[at.mask_word], 4u * (output4 - at.first4));
            }
        }
        output[place] = store(value);
    }
}
