enable f16;

// How feature maps, their gradients and filters are stored: as f16; all arithmetic is f32. Placed first;
// storage_f32.wgsl is its twin.

alias Stored4 = vec4<f16>;
alias Stored4x4 = mat4x4<f16>;

fn load(stored: Stored4) -> vec4<f32> {
    return vec4<f32>(stored);
}

fn load4x4(stored: Stored4x4) -> mat4x4<f32> {
    return mat4x4<f32>(stored);
}

// What f16 cannot hold (above 65504) becomes infinity whatever the device's rounding, so that it is seen, and so does NaN,
// which a maximum might lose.
fn store(value: vec4<f32>) -> Stored4 {
    let bits = bitcast<vec4<u32>>(value);
    let magnitude = bits & vec4<u32>(0x7fffffffu);
    let is_nan = magnitude > vec4<u32>(0x7f800000u);
    let infinite = select(bits & vec4<u32>(0x80000000u), vec4<u32>(0u), is_nan) | vec4<u32>(0x7f800000u);
    return vec4<f16>(bitcast<vec4<f32>>(select(bits, infinite, magnitude > vec4<u32>(0x477fe000u))));
}
