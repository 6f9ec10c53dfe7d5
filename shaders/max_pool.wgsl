// 2x2 max pooling, stride 2; an odd last row or column is left out.
//
//   max_pool           output[q][c] = max of the four inputs under q; winner 0 to 3 in reading order, the first of equals
//   max_pool_backward  output[p][c] = keep(mask, old + (gradient[q][c] if p won under q, else 0))
//
// bindings  1 input (backward: gradient of the output), haloed   2 output (backward: gradient of the input), haloed
//           3 winners, two bits per value, 16 channels to a word, C/16 words per padded pixel of the pooled map
//           4 mask of the input, C/32 words per padded pixel
// tile      16 channels of one padded pixel of what is written
// dispatch  padded pixels of the rows to write x C/16 invocations, workgroups of 64

override WITH_WINNERS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> winners: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;

// Two bits for each of four channels.
fn pack_winners(winner: vec4<u32>) -> u32 {
    return winner.x | (winner.y << 2u) | (winner.z << 4u) | (winner.w << 6u);
}

@compute @workgroup_size(64)
fn max_pool(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let pixel = params.first_pixel + index / params.blocks;
    let block = index % params.blocks;
    let width = params.width / 2u;
    let height = params.height / 2u;
    if pixel >= params.end_pixel {
        return;
    }
    let halo = is_halo(pixel, width, height);
    let x = 2u * (pixel % (width + 2u)) - 1u;
    let y = 2u * (pixel / (width + 2u)) - 1u;
    let row = 4u * params.blocks;
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        var best = vec4<f32>(0.0);
        var winner = vec4<u32>(0u);
        if !halo {
            let first = (y * (params.width + 2u) + x - params.input_start) * row + 4u * block + i;
            best = load(input[first]);
            for (var candidate = 1u; candidate < 4u; candidate++) {
                let value = load(input[first + (candidate / 2u * (params.width + 2u) + candidate % 2u) * row]);
                let wins = wins_over(value, best);
                winner = select(winner, vec4<u32>(candidate), wins);
                best = select(best, value, wins);
            }
        }
        output[(pixel - params.output_start) * row + 4u * block + i] = store(best);
        word |= pack_winners(winner) << (8u * i);
    }
    if WITH_WINNERS {
        winners[pixel * params.blocks + block] = word;
    }
}

@compute @workgroup_size(64)
fn max_pool_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    let pixel = params.first_pixel + index / params.blocks;
    let block = index % params.blocks;
    if pixel >= params.end_pixel {
        return;
    }
    let row = 4u * params.blocks;
    let x = pixel % (params.width + 2u);
    let y = pixel / (params.width + 2u);
    let pooled_width = params.width / 2u;
    // The odd last row or column and the halo receive no gradient.
    let inside = x >= 1u && y >= 1u && x <= 2u * pooled_width && y <= params.height / 2u * 2u;
    let own = 2u * ((y + 1u) % 2u) + (x + 1u) % 2u;
    let pooled = (y + 1u) / 2u * (pooled_width + 2u) + (x + 1u) / 2u;
    for (var i = 0u; i < 4u; i++) {
        let place = (pixel - params.output_start) * row + 4u * block + i;
        var value = vec4<f32>(0.0);
        if inside {
            let word = winners[pooled * params.blocks + block] >> (8u * i);
            let winner = (vec4<u32>(word) >> vec4<u32>(0u, 2u, 4u, 6u)) & vec4<u32>(3u);
            let gradient = load(input[(pooled - params.input_start) * row + 4u * block + i]);
            value = select(value, gradient, winner == vec4<u32>(own));
        }
        if ACCUMULATE {
            value += load(output[place]);
        }
        if WITH_MASK {
            value = keep_where_set(value, mask[(pixel * params.blocks + block) / 2u], 16u * (block % 2u) + 4u * i);
        }
        output[place] = store(value);
    }
}
