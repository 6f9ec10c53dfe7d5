// Shared by the kernels of the Gram product's gradient; placed before their own text: their parameters.

struct Params {
    channels4: u32,
    // Padded pixels that are written.
    first_pixel: u32,
    end_pixel: u32,
    // Padded pixels that stand first in the arrays.
    features_start: u32,
    output_start: u32,
}

override WITH_MASK: bool = false;
override ACCUMULATE: bool = false;
