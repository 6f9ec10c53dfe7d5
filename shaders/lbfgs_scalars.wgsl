// The scalars that the line search of L-BFGS needs of gradient g and direction d.
//
//   lbfgs_scalars         partials[0..3][part] = g . d, sum |g|, max |d| over the part's values
//   lbfgs_scalars_reduce  results[0..3] = the same over all parts
//
// Magnitudes are compared as bits, in which a NaN is larger than everything else.
//
// bindings  1 gradient [count]   2 direction [count]   3 partials [3][parts]   4 results [3]
// dispatch  `parts` workgroups of 256; then one workgroup of 256; parts at most 256

struct Params {
    count: u32,
    parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> direction: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;

var<workgroup> sums: array<vec2<f32>, 256>;
var<workgroup> largest: array<u32, 256>;

fn combine(lane: u32, sum: vec2<f32>, magnitude: u32) {
    sums[lane] = sum;
    largest[lane] = magnitude;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if lane < half {
            sums[lane] += sums[lane + half];
            largest[lane] = max(largest[lane], largest[lane + half]);
        }
        workgroupBarrier();
    }
}

@compute @workgroup_size(256)
fn lbfgs_scalars(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    var sum = vec2<f32>(0.0);
    var magnitude = 0u;
    for (var i = number * 256u + lane; i < params.count; i += launch.groups * 256u) {
        let g = gradient[i];
        let d = direction[i];
        sum += vec2<f32>(g * d, abs(g));
        magnitude = max(magnitude, bitcast<u32>(d) & 0x7fffffffu);
    }
    combine(lane, sum, magnitude);
    if lane == 0u {
        partials[number] = sums[0].x;
        partials[params.parts + number] = sums[0].y;
        partials[2u * params.parts + number] = bitcast<f32>(largest[0]);
    }
}

@compute @workgroup_size(256)
fn lbfgs_scalars_reduce(@builtin(local_invocation_index) lane: u32) {
    var sum = vec2<f32>(0.0);
    var magnitude = 0u;
    if lane < params.parts {
        sum = vec2<f32>(partials[lane], partials[params.parts + lane]);
        magnitude = bitcast<u32>(partials[2u * params.parts + lane]);
    }
    combine(lane, sum, magnitude);
    if lane == 0u {
        results[0] = sums[0].x;
        results[1] = sums[0].y;
        results[2] = bitcast<f32>(largest[0]);
    }
}
