// Inner products of three rows of the L-BFGS history h (2m + 1 rows of `count` values) with all of its rows: the rows
// step_row, difference_row and 2m; a row at 2m + 1 or above gives zeros.
//
//   lbfgs_dots         partials[i * rows + k][part] = h[row_i] . h[k] over the part's values
//   lbfgs_dots_reduce  results[i * rows + k] = sum over parts
//
// bindings  1 control   2 history   3 partials [3 rows][parts]   4 results [3 rows]
// dispatch  3 * rows * parts workgroups of 64, parts fastest; then 3 * rows workgroups of 64

struct Params {
    count: u32,
    rows: u32,
    parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: LbfgsControl;
@group(0) @binding(2) var<storage, read> history: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;

var<workgroup> sums: array<f32, 64>;

fn add_up(lane: u32, sum: f32) -> f32 {
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if lane < half {
            sums[lane] += sums[lane + half];
        }
        workgroupBarrier();
    }
    return sums[0];
}

@compute @workgroup_size(64)
fn lbfgs_dots(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group);
    let part = index % params.parts;
    let pair = index / params.parts;
    let k = pair % params.rows;
    var row = params.rows - 1u;
    if pair < params.rows {
        row = control.step_row;
    } else if pair < 2u * params.rows {
        row = control.difference_row;
    }
    var sum = 0.0;
    if row < params.rows {
        for (var i = part * 64u + lane; i < params.count; i += params.parts * 64u) {
            sum += history[row * params.count + i] * history[k * params.count + i];
        }
    }
    let total = add_up(lane, sum);
    if lane == 0u {
        partials[index] = total;
    }
}

@compute @workgroup_size(64)
fn lbfgs_dots_reduce(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let pair = group_number(group);
    var sum = 0.0;
    for (var part = lane; part < params.parts; part += 64u) {
        sum += partials[pair * params.parts + part];
    }
    let total = add_up(lane, sum);
    if lane == 0u {
        results[pair] = total;
    }
}
