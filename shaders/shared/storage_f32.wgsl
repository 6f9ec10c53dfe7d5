// How feature maps, their gradients and filters are stored: as f32. Placed first; storage_f16.wgsl is its twin.

alias Stored4 = vec4<f32>;
alias Stored4x4 = mat4x4<f32>;

fn load(stored: Stored4) -> vec4<f32> {
    return stored;
}

fn load4x4(stored: Stored4x4) -> mat4x4<f32> {
    return stored;
}

fn store(value: vec4<f32>) -> Stored4 {
    return value;
}
