// Shared by the kernels that work on feature maps; placed before their own text.
//
// A feature map of C channels over width x height pixels is stored pixel by pixel inside a halo of one pixel:
// (height + 2) x (width + 2) x C/4 Stored4. Pixels are numbered along the padded rows. An array may hold only some of the
// padded rows: its `..._start` in Params is the number of its first pixel.

// Whether a padded pixel belongs to the halo.
fn is_halo(pixel: u32, width: u32, height: u32) -> bool {
    let x = pixel % (width + 2u);
    let y = pixel / (width + 2u);
    return x == 0u || y == 0u || x == width + 1u || y == height + 1u;
}

// value where the four bits of word from `shift` on are set, zero elsewhere.
fn keep_where_set(value: vec4<f32>, word: u32, shift: u32) -> vec4<f32> {
    let bits = (vec4<u32>(word) >> (vec4<u32>(shift) + vec4<u32>(0u, 1u, 2u, 3u))) & vec4<u32>(1u);
    return select(vec4<f32>(0.0), value, bits == vec4<u32>(1u));
}

// Four bits: which components are above zero.
fn positive_bits(value: vec4<f32>) -> u32 {
    let bits = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), value > vec4<f32>(0.0));
    return bits.x | bits.y | bits.z | bits.w;
}

// max(0, value); infinity and NaN stay, because a maximum may lose a NaN. Tested by the bits: a compiler may
// assume that a float is finite.
fn relu(value: vec4<f32>) -> vec4<f32> {
    let finite = (bitcast<vec4<u32>>(value) & vec4<u32>(0x7f800000u)) != vec4<u32>(0x7f800000u);
    return select(value, max(vec4<f32>(0.0), value), finite);
}

// Where value replaces best in a maximum: where it is larger, or NaN, which no comparison lets through.
fn wins_over(value: vec4<f32>, best: vec4<f32>) -> vec4<bool> {
    let is_nan = (bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
    return (value > best) | is_nan;
}
