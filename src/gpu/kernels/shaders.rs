//! The shaders' texts.

/// A WGSL module.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// File name without `.wgsl`.
    pub name: &'static str,
    /// Its text, after what feature-map kernels share.
    pub source: &'static str,
}

macro_rules! shaders {
    ($($name:literal),* $(,)?) => {
        &[$(Shader {
            name: $name,
            source: concat!(include_str!("../../../shaders/feature_map.wgsl"), include_str!(concat!("../../../shaders/", $name, ".wgsl"))),
        }),*]
    };
}

/// Every shader there is.
pub const SHADERS: &[Shader] = shaders![
    "adam",
    "average_pool",
    "content_loss",
    "conv3x3_blocked",
    "conv3x3_plain",
    "copy_vector",
    "gram",
    "gram_backward",
    "lbfgs_dots",
    "lbfgs_scalars",
    "lbfgs_vectors",
    "max_pool",
    "network_input",
    "record_losses",
    "reduce_loss",
    "style_loss",
    "total_variation",
];
