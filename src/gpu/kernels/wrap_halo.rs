//! `wrap_halo.wgsl`.

use super::{Dispatch, params::params};
use crate::plan::WrapHalo;

params! {
    struct Params {
        width: u32,
        height: u32,
        channels4: u32,
    }
}

pub(super) fn wrap_halo(step: &WrapHalo) -> Dispatch {
    let shape = step.shape;
    let channels4 = shape.channels / 4;
    let halo = 2 * shape.padded_width() + 2 * shape.height as usize;
    let params = Params { width: shape.width, height: shape.height, channels4 };
    Dispatch::new("wrap_halo", "wrap_halo", &params, (halo * channels4 as usize).div_ceil(64)).slot(1, step.map)
}
