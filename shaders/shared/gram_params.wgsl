// Shared by the kernels that sum over pixels; placed before their own text: their parameters and the pixels' weights.

struct Params {
    channels4: u32,
    // Pixels of the array that are summed: the first, and how many.
    first_pixel: u32,
    pixels: u32,
    splits: u32,
    // Padded pixel that stands first in the array.
    features_start: u32,
    inverse_pixels: f32,
}

override WITH_WEIGHTS: bool = false;

@group(0) @binding(4) var<storage, read> weights: array<f32>;

// How much a pixel of the array counts.
fn weight(pixel: u32) -> f32 {
    if WITH_WEIGHTS {
        return weights[params.features_start + pixel];
    }
    return 1.0;
}
