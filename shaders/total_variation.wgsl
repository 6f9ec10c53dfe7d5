// Total variation of the picture x: partial sums of r (x[right] - x)^2 + d (x[down] - x)^2, r = 1 / (3 (W-1) H),
// d = 1 / (3 W (H-1)), with WRAPS also across opposite edges and r = d = 1 / (3 W H); b times the gradient is added to the picture's, b = coefficients[2 loss + 1]. A picture's gradient
// that is not finite anywhere makes the sum infinite: a loss that is not finite stops the optimiser.
//
// With FROM_NETWORK the picture's gradient does not exist yet: network_input_backward is done here too, by its formula
// in network_input.wgsl, so that the gradient is written once and not read.
//
// bindings  1 image [H][W][3]   2 image_gradient [H][W][3]   3 coefficients   4 partials [workgroups]
//           5 gradient of the network input, haloed, C = 4   6 inverse_scale, one number; both read with FROM_NETWORK
// dispatch  up to 256 workgroups of 256; each strides over the values; reduce_loss.wgsl adds the partial sums

struct Params {
    // These two as in network_input.wgsl; read with FROM_NETWORK.
    inverse_deviation: vec4<f32>,
    replicate: u32,
    width: u32,
    height: u32,
    loss: u32,
    right_scale: f32,
    down_scale: f32,
}

override FROM_NETWORK: bool = false;
override WRAPS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read_write> image_gradient: array<f32>;
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read> gradient: array<Stored4>;
@group(0) @binding(6) var<storage, read> inverse_scale: array<f32>;

// What network_input_backward computes for a value of the picture.
fn network_gradient(pixel: u32, channel: u32) -> f32 {
    let columns = padded_copies(pixel % params.width, params.width, params.replicate != 0u);
    let rows = padded_copies(pixel / params.width, params.height, params.replicate != 0u);
    var sum = vec4<f32>(0.0);
    for (var row = rows.x; row <= rows.y; row++) {
        for (var column = columns.x; column <= columns.y; column++) {
            sum += load(gradient[row * (params.width + 2u) + column]);
        }
    }
    sum *= params.inverse_deviation * inverse_scale[0];
    return sum[channel];
}

@compute @workgroup_size(256)
fn total_variation(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let scale = 2.0 * coefficients[2u * params.loss + 1u];
    let row = 3u * params.width;
    let number = group_number(group);
    var sum = 0.0;
    for (var index = number * 256u + lane; index < row * params.height; index += launch.groups * 256u) {
        let x = index % row;
        let y = index / row;
        let own = image[index];
        var variation = 0.0;
        // Neighbours across an edge are at the opposite one.
        let last_row = y + 1u == params.height;
        if x + 3u < row || WRAPS {
            let difference = image[select(index + 3u, index + 3u - row, x + 3u >= row)] - own;
            sum += params.right_scale * difference * difference;
            variation -= params.right_scale * difference;
        }
        if x >= 3u || WRAPS {
            variation += params.right_scale * (own - image[select(index - 3u, index + row - 3u, x < 3u)]);
        }
        if !last_row || WRAPS {
            let difference = image[select(index + row, x, last_row)] - own;
            sum += params.down_scale * difference * difference;
            variation -= params.down_scale * difference;
        }
        if y >= 1u || WRAPS {
            variation += params.down_scale * (own - image[select(index - row, row * (params.height - 1u) + x, y == 0u)]);
        }
        var whole: f32;
        if FROM_NETWORK {
            whole = network_gradient(index / 3u, index % 3u);
        } else {
            whole = image_gradient[index];
        }
        whole += scale * variation;
        image_gradient[index] = whole;
        // Compared as bits: a compiler may assume that a float is finite.
        let exponent = bitcast<u32>(whole) & 0x7f800000u;
        if exponent == 0x7f800000u {
            sum = bitcast<f32>(exponent);
        }
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}
