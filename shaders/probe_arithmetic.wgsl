// Peak arithmetic: eight independent chains of multiply-adds in registers, and nothing else that takes time.
//
//   sums[i] = sum over chains j = 0..7 of a_j, where a_j starts at vec4(0, 1, 2, 3) + i % 16 + j
//             and becomes a_j * factor + addend for 8 * rounds times: 512 floating-point operations a round
//
// The numbers come from a buffer, so that no compiler knows them; all sums are written, so that none omits work.
//
// bindings  1 sums [count], four numbers each
// dispatch  one invocation per sum, workgroups of 256

struct Params {
    count: u32,
    rounds: u32,
    factor: f32,
    addend: f32,
}

struct Chains {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    h: vec4<f32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>;

fn multiply_add(x: Chains, factor: vec4<f32>, addend: vec4<f32>) -> Chains {
    return Chains(
        fma(x.a, factor, addend),
        fma(x.b, factor, addend),
        fma(x.c, factor, addend),
        fma(x.d, factor, addend),
        fma(x.e, factor, addend),
        fma(x.f, factor, addend),
        fma(x.g, factor, addend),
        fma(x.h, factor, addend),
    );
}

@compute @workgroup_size(256)
fn probe_arithmetic(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 256u + lane;
    if index >= params.count {
        return;
    }
    let factor = vec4(params.factor);
    let addend = vec4(params.addend);
    let start = vec4(0.0, 1.0, 2.0, 3.0) + f32(index % 16u);
    var x = Chains(start, start + 1.0, start + 2.0, start + 3.0, start + 4.0, start + 5.0, start + 6.0, start + 7.0);
    for (var round = 0u; round < params.rounds; round++) {
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
        x = multiply_add(x, factor, addend);
    }
    sums[index] = x.a + x.b + x.c + x.d + x.e + x.f + x.g + x.h;
}
