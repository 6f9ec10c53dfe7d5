// Content loss of one layer: partial sums of w (F - T)^2 and output = keep(mask, old + b (F - T)), b = coefficients[2 loss + 1].
// The zero halos of F and T add nothing. Values are counted by fours along the whole map.
//
// bindings  1 features F, haloed   2 target T, haloed   3 output, haloed   4 mask, C/32 words per padded pixel
//           5 coefficients   6 partials [workgroups]   7 weights w, one per padded pixel, read with WITH_WEIGHTS
// dispatch  up to 256 workgroups of 256; each strides over the values to write; reduce_loss.wgsl adds the partial sums

struct Params {
    // Values that are written.
    first: u32,
    end: u32,
    // Values, among those, that are summed.
    first_summed: u32,
    end_summed: u32,
    // Values that stand first in the arrays.
    features_start: u32,
    output_start: u32,
    loss: u32,
    channels4: u32,
}

override WITH_MASK: bool = false;
override ACCUMULATE: bool = false;
override WITH_WEIGHTS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> features: array<Stored4>;
@group(0) @binding(2) var<storage, read> content_target: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(4) var<storage, read> mask: array<u32>;
@group(0) @binding(5) var<storage, read> coefficients: array<f32>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;

@compute @workgroup_size(256)
fn content_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let scale = coefficients[2u * params.loss + 1u];
    let number = group_number(group);
    var sum = 0.0;
    for (var index = params.first + number * 256u + lane; index < params.end; index += launch.groups * 256u) {
        let difference = load(features[index - params.features_start]) - load(content_target[index]);
        if index >= params.first_summed && index < params.end_summed {
            var weight = 1.0;
            if WITH_WEIGHTS {
                weight = weights[index / params.channels4];
            }
            sum += weight * dot(difference, difference);
        }
        var value = scale * difference;
        if ACCUMULATE {
            value += load(output[index - params.output_start]);
        }
        if WITH_MASK {
            value = keep_where_set(value, mask[index / 8u], 4u * (index % 8u));
        }
        output[index - params.output_start] = store(value);
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}
