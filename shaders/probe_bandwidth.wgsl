// Peak bandwidth: a copy in pieces of 16 bytes, four of them in flight in each invocation.
//
//   to[i] = from[i]
//
// bindings  1 from [count], 16 bytes each   2 to [count]
// tile      a workgroup of 256 copies 1024 neighbours
// dispatch  ceil(count / 1024) workgroups

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> from_array: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> to_array: array<vec4<u32>>;

@compute @workgroup_size(256)
fn probe_bandwidth(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = group_number(group) * 1024u + lane;
    if index + 768u < params.count {
        let a = from_array[index];
        let b = from_array[index + 256u];
        let c = from_array[index + 512u];
        let d = from_array[index + 768u];
        to_array[index] = a;
        to_array[index + 256u] = b;
        to_array[index + 512u] = c;
        to_array[index + 768u] = d;
        return;
    }
    for (var i = index; i < params.count; i += 256u) {
        to_array[i] = from_array[i];
    }
}
