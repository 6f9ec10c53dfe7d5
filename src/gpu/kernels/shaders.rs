//! The shaders' texts.

use crate::plan::Precision;

/// A WGSL module.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// File name without `.wgsl`.
    pub name: &'static str,
    texts: Texts,
}

/// The shared parts that a shader uses, then its own text.
#[derive(Clone, Copy, Debug)]
enum Texts {
    /// It does not work on stored maps.
    One(&'static str),
    /// For f32 and for f16.
    Stored([&'static str; 2]),
    /// Only for f16.
    F16(&'static str),
}

impl Shader {
    /// The precisions that have texts; f32 if it does not work on stored maps.
    pub fn precisions(&self) -> &'static [Precision] {
        match self.texts {
            Texts::One(_) => &[Precision::F32],
            Texts::Stored(_) => &[Precision::F32, Precision::F16],
            Texts::F16(_) => &[Precision::F16],
        }
    }

    /// The text for maps that are stored in a precision, or the only text.
    pub fn source(&self, precision: Precision) -> &'static str {
        match (self.texts, precision) {
            (Texts::One(text) | Texts::F16(text), _) => text,
            (Texts::Stored([text, _]), Precision::F32) | (Texts::Stored([_, text]), Precision::F16) => text,
        }
    }

    /// Whether it works on cooperative matrices, which naga writes for Vulkan only.
    pub fn is_cooperative(&self) -> bool {
        matches!(self.texts, Texts::F16(_))
    }
}

macro_rules! text {
    ($name:literal $(, $shared:literal)*) => {
        concat!(
            $(include_str!(concat!("../../../shaders/shared/", $shared, ".wgsl")),)*
            include_str!(concat!("../../../shaders/", $name, ".wgsl"))
        )
    };
}

/// A kernel on pictures, matrices and numbers.
macro_rules! shader {
    ($name:literal $(, $shared:literal)*) => {
        Shader { name: $name, texts: Texts::One(text!($name, "launch" $(, $shared)*)) }
    };
}

/// A kernel on stored maps.
macro_rules! map_shader {
    ($name:literal $(, $shared:literal)*) => {
        Shader {
            name: $name,
            texts: Texts::Stored([
                text!($name, "storage_f32", "feature_map", "launch" $(, $shared)*),
                text!($name, "storage_f16", "feature_map", "launch" $(, $shared)*),
            ]),
        }
    };
}

/// A kernel on maps stored as f16 and on cooperative matrices.
macro_rules! cooperative_shader {
    ($name:literal $(, $shared:literal)*) => {
        Shader {
            name: $name,
            texts: Texts::F16(text!($name, "cooperative_matrix", "storage_f16", "feature_map", "launch" $(, $shared)*)),
        }
    };
}

/// Every shader there is, with the shared parts it uses.
pub const SHADERS: &[Shader] = &[
    shader!("adam", "iteration_state"),
    map_shader!("average_pool", "pool_params"),
    map_shader!("channel_mean", "gram_params"),
    shader!("cholesky"),
    map_shader!("content_loss", "workgroup_sum"),
    map_shader!("conv3x3_blocked", "conv3x3_params"),
    cooperative_shader!("conv3x3_cooperative", "conv3x3_params"),
    map_shader!("conv3x3_plain", "conv3x3_params"),
    map_shader!("conv3x3_tiled", "conv3x3_params"),
    map_shader!("conv3x3_winograd2", "conv3x3_params"),
    map_shader!("conv3x3_winograd4", "conv3x3_params"),
    shader!("copy_vector"),
    shader!("covariance", "workgroup_sum"),
    shader!("edge_loss", "workgroup_sum"),
    shader!("freeze_pixels"),
    map_shader!("gram", "gram_params"),
    map_shader!("gram_backward", "gram_backward_params"),
    cooperative_shader!("gram_backward_cooperative", "gram_backward_params"),
    map_shader!("gram_backward_tiled", "gram_backward_params"),
    cooperative_shader!("gram_cooperative", "gram_params"),
    shader!("gram_loss", "workgroup_sum"),
    map_shader!("gram_tiled", "gram_params"),
    shader!("lbfgs_dots", "lbfgs_control"),
    shader!("lbfgs_scalars"),
    shader!("lbfgs_vectors", "lbfgs_control"),
    shader!("matrix_product"),
    map_shader!("max_pool", "pool_params"),
    shader!("moments_loss", "workgroup_sum"),
    map_shader!("network_input", "border"),
    shader!("polar_factors"),
    shader!("probe_arithmetic"),
    shader!("probe_bandwidth"),
    cooperative_shader!("probe_cooperative"),
    shader!("record_losses", "iteration_state"),
    shader!("reduce_loss", "workgroup_sum"),
    map_shader!("sum_of_squares", "workgroup_sum"),
    map_shader!("total_variation", "border", "workgroup_sum"),
    shader!("wasserstein_loss", "workgroup_sum"),
    map_shader!("wrap_halo"),
];
