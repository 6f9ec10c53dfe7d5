//! The shaders' texts.

use crate::plan::Precision;

/// A WGSL module.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// File name without `.wgsl`.
    pub name: &'static str,
    /// The shared parts it uses, then its own text; for f32 if it works on stored maps.
    f32: &'static str,
    /// The same for f16; none if it does not work on stored maps.
    f16: Option<&'static str>,
}

impl Shader {
    /// The precisions there are texts for: both if it works on stored maps, else f32 stands for all.
    pub fn precisions(&self) -> &'static [Precision] {
        if self.f16.is_some() { &[Precision::F32, Precision::F16] } else { &[Precision::F32] }
    }

    /// The text for maps that are stored in a precision.
    pub fn source(&self, precision: Precision) -> &'static str {
        match precision {
            Precision::F32 => self.f32,
            Precision::F16 => self.f16.unwrap_or(self.f32),
        }
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
        Shader { name: $name, f32: text!($name $(, $shared)*), f16: None }
    };
}

/// A kernel on stored maps.
macro_rules! map_shader {
    ($name:literal $(, $shared:literal)*) => {
        Shader {
            name: $name,
            f32: text!($name, "storage_f32", "feature_map" $(, $shared)*),
            f16: Some(text!($name, "storage_f16", "feature_map" $(, $shared)*)),
        }
    };
}

/// Every shader there is, with the shared parts it uses.
pub const SHADERS: &[Shader] = &[
    shader!("adam"),
    map_shader!("average_pool"),
    map_shader!("content_loss", "workgroup_sum"),
    map_shader!("conv3x3_blocked"),
    map_shader!("conv3x3_plain"),
    shader!("copy_vector"),
    map_shader!("gram"),
    map_shader!("gram_backward"),
    shader!("lbfgs_dots"),
    shader!("lbfgs_scalars"),
    shader!("lbfgs_vectors"),
    map_shader!("max_pool"),
    map_shader!("network_input"),
    shader!("record_losses"),
    shader!("reduce_loss", "workgroup_sum"),
    shader!("style_loss", "workgroup_sum"),
    shader!("total_variation", "workgroup_sum"),
];
