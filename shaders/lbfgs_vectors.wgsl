// The vector operations of L-BFGS that produce new vectors; h is the history of 2m + 1 rows of `count` values.
//
//   lbfgs_update     h[step_row] = image - base; h[difference_row] = gradient - h[2m]; h[2m] = gradient;
//                    base = image (no pair where a row is at 2m + 1 or above)
//   lbfgs_direction  direction = sum over k of coefficients[k] h[k]; rows with coefficient zero are not read
//   lbfgs_trial      image = base + distance direction
//
// bindings  1 control   2 history   3 image   4 gradient   5 base   6 direction
// dispatch  one invocation per value, workgroups of 64

struct Params {
    count: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: LbfgsControl;
@group(0) @binding(2) var<storage, read_write> history: array<f32>;
@group(0) @binding(3) var<storage, read_write> image: array<f32>;
@group(0) @binding(4) var<storage, read> gradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> base: array<f32>;
@group(0) @binding(6) var<storage, read_write> direction: array<f32>;

@compute @workgroup_size(64)
fn lbfgs_update(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.count {
        return;
    }
    let newest = (params.rows - 1u) * params.count + index;
    if control.step_row < params.rows {
        history[control.step_row * params.count + index] = image[index] - base[index];
    }
    if control.difference_row < params.rows {
        history[control.difference_row * params.count + index] = gradient[index] - history[newest];
    }
    history[newest] = gradient[index];
    base[index] = image[index];
}

@compute @workgroup_size(64)
fn lbfgs_direction(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.count {
        return;
    }
    var sum = 0.0;
    for (var row = 0u; row < params.rows; row++) {
        let coefficient = control.coefficients[row];
        if coefficient != 0.0 {
            sum += coefficient * history[row * params.count + index];
        }
    }
    direction[index] = sum;
}

@compute @workgroup_size(64)
fn lbfgs_trial(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 64u + lane;
    if index >= params.count {
        return;
    }
    image[index] = base[index] + control.distance * direction[index];
}
