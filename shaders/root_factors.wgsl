// The numbers for a matrix root or polar factor by scaled Newton-Schulz steps, from the matrix's Frobenius norm n and a
// lower bound of its least eigenvalue: (1 / n, 0), then (-a^3 / 2, 3 a / 2) for each step; the last two are (sqrt n, 0) and
// (1 / sqrt n, 0). plan::RootFactors has the formula of a.
//
//   root_factors         partials[workgroup] = sum of squares over the workgroup's values
//   root_factors_finish  the pairs
//
// bindings  1 matrix [C][C]   2 partials [workgroups]   3 scalars, the first e   4 factors
// dispatch  up to 256 workgroups of 256, each strides over the vec4 values; then one workgroup of 256

struct Params {
    values4: u32,
    parts: u32,
    steps: u32,
    // Of a polar factor, 1, or a root, 0.
    polar: u32,
    // Pairs in the table.
    pairs: u32,
    // Least value of the bound.
    floor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read_write> factors: array<f32>;

@compute @workgroup_size(256)
fn root_factors(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group_number(group);
    var sum = 0.0;
    for (var index = number * 256u + lane; index < params.values4; index += launch.groups * 256u) {
        let value = matrix[index];
        sum += dot(value, value);
    }
    let total = workgroup_sum(lane, sum);
    if lane == 0u {
        partials[number] = total;
    }
}

@compute @workgroup_size(256)
fn root_factors_finish(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    if lane < params.parts {
        sum = partials[lane];
    }
    let total = workgroup_sum(lane, sum);
    if lane != 0u {
        return;
    }
    let norm = max(sqrt(total), 1e-30);
    let root = sqrt(norm);
    let bound = select(sqrt(scalars[0] / norm), scalars[0] / norm, params.polar == 1u);
    var least = clamp(bound, params.floor, 1.0);
    factors[0] = 1.0 / norm;
    factors[1] = 0.0;
    for (var step = 1u; step <= params.steps; step++) {
        let scale = select(sqrt(3.0 / (1.0 + least + least * least)), 1.0, least > 0.999);
        factors[2u * step] = -0.5 * scale * scale * scale;
        factors[2u * step + 1u] = 1.5 * scale;
        let scaled = scale * least;
        least = scaled * (3.0 - scaled * scaled) / 2.0;
    }
    let end = 2u * (params.pairs - 2u);
    factors[end] = root;
    factors[end + 1u] = 0.0;
    factors[end + 2u] = 1.0 / root;
    factors[end + 3u] = 0.0;
}
