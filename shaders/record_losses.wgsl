// Closes an evaluation: counts it, writes its number and loss values to the next row of the ring, and notes a loss that
// is not finite.
//
// bindings  1 losses [count]   2 state   3 ring [rows][1 + count]
// dispatch  one invocation

struct Params {
    count: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> losses: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: IterationState;
@group(0) @binding(3) var<storage, read_write> ring: array<u32>;

@compute @workgroup_size(1)
fn record_losses() {
    let row = state.evaluations % params.rows * (params.count + 1u);
    state.evaluations += 1u;
    ring[row] = state.evaluations;
    for (var loss = 0u; loss < params.count; loss++) {
        let bits = bitcast<u32>(losses[loss]);
        ring[row + 1u + loss] = bits;
        // Compared as bits: a compiler may assume that a float is finite.
        if (bits & 0x7f800000u) == 0x7f800000u {
            state.halted = 1u;
        }
    }
}
