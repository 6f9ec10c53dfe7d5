//! The shaders' texts.

/// A WGSL module.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// File name without `.wgsl`.
    pub name: &'static str,
    /// The shared parts it uses, then its own text.
    pub source: &'static str,
}

macro_rules! shader {
    ($name:literal $(, $shared:literal)*) => {
        Shader {
            name: $name,
            source: concat!(
                $(include_str!(concat!("../../../shaders/shared/", $shared, ".wgsl")),)*
                include_str!(concat!("../../../shaders/", $name, ".wgsl"))
            ),
        }
    };
}

/// Every shader there is, with the shared parts it uses.
pub const SHADERS: &[Shader] = &[
    shader!("adam"),
    shader!("average_pool", "feature_map"),
    shader!("content_loss", "feature_map", "workgroup_sum"),
    shader!("conv3x3_blocked", "feature_map"),
    shader!("conv3x3_plain", "feature_map"),
    shader!("copy_vector"),
    shader!("gram"),
    shader!("gram_backward", "feature_map"),
    shader!("lbfgs_dots"),
    shader!("lbfgs_scalars"),
    shader!("lbfgs_vectors"),
    shader!("max_pool", "feature_map"),
    shader!("network_input", "feature_map"),
    shader!("probe_arithmetic"),
    shader!("probe_bandwidth"),
    shader!("record_losses"),
    shader!("reduce_loss", "workgroup_sum"),
    shader!("style_loss", "workgroup_sum"),
    shader!("total_variation", "workgroup_sum"),
];
