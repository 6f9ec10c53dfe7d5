// Shared by all kernels; placed before their own text.
//
// A dispatch of many workgroups may be launched in pieces. A workgroup's place in the dispatch is therefore
// given here; the built-in workgroup_id counts from the beginning of the piece.

struct Launch {
    // Workgroup of the dispatch with which the piece begins.
    first_group: u32,
    // Workgroups of the whole dispatch.
    groups: u32,
}

@group(1) @binding(0) var<uniform> launch: Launch;

// The number of a workgroup in its dispatch; `group` is the built-in workgroup_id.
fn group_number(group: vec3<u32>) -> u32 {
    return launch.first_group + group.x;
}
