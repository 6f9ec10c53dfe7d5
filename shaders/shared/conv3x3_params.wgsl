// Shared by the convolutions; placed before their own text: their parameters.

struct Params {
    // Of the layer, without the halo.
    width: u32,
    height: u32,
    inputs4: u32,
    outputs4: u32,
    // Padded rows that are written.
    first_row: u32,
    end_row: u32,
    // Padded pixels that stand first in the arrays.
    input_start: u32,
    output_start: u32,
}

override WITH_MASK: bool = false;
override ACCUMULATE: bool = false;
