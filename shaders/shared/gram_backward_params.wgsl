// Shared by the kernels of the Gram product's gradient; placed before their own text: their parameters, and what is done
// with a pixel's sum.

struct Params {
    channels4: u32,
    // Padded pixels that are written.
    first_pixel: u32,
    end_pixel: u32,
    // Padded pixels that stand first in the arrays.
    features_start: u32,
    output_start: u32,
    width: u32,
    height: u32,
}

override WITH_MASK: bool = false;
override ACCUMULATE: bool = false;
override WITH_MEAN: bool = false;
override WITH_WEIGHTS: bool = false;

@group(0) @binding(5) var<storage, read> mean_gradient: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> weights: array<f32>;

// w (sum + c) for four channels of a padded pixel, zero in the halo.
fn weighted(sum: vec4<f32>, pixel: u32, channel4: u32) -> vec4<f32> {
    var value = sum;
    if WITH_MEAN {
        value += mean_gradient[channel4];
    }
    if WITH_WEIGHTS {
        value *= weights[pixel];
    } else if WITH_MEAN {
        value = select(value, vec4<f32>(0.0), is_halo(pixel, params.width, params.height));
    }
    return value;
}
