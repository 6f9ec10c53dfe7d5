// Shared by the poolings; placed before their own text: their parameters.

struct Params {
    // Of the pooling's input.
    width: u32,
    height: u32,
    // Blocks of channels; an invocation takes one.
    blocks: u32,
    // Padded pixels that are written.
    first_pixel: u32,
    end_pixel: u32,
    // Padded pixels that stand first in the arrays.
    input_start: u32,
    output_start: u32,
}

override WITH_MASK: bool = false;
override ACCUMULATE: bool = false;
