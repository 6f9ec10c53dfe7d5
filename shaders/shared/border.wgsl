// Shared by the kernels that bring a gradient from the network input to the picture; placed before their own text.

// First and last padded column (or row) made from a picture's: its own and, at an edge that is replicated, the halo's.
fn padded_copies(column: u32, width: u32, replicate: bool) -> vec2<u32> {
    let first = select(column + 1u, 0u, replicate && column == 0u);
    let last = select(column + 1u, column + 2u, replicate && column + 1u == width);
    return vec2<u32>(first, last);
}
