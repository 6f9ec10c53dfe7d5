// Shared by the kernels of the Gram product; placed before their own text: their parameters.

struct Params {
    channels4: u32,
    // Pixels of the array that are summed: the first, and how many.
    first_pixel: u32,
    pixels: u32,
    splits: u32,
    inverse_pixels: f32,
}
