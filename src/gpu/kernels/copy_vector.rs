//! `copy_vector.wgsl`.

use super::{Dispatch, params::params};
use crate::plan::CopyVector;

params! {
    struct Params {
        count: u32,
    }
}

pub(super) fn copy_vector(step: &CopyVector) -> Dispatch {
    let params = Params { count: step.count as u32 };
    Dispatch::new("copy_vector", "copy_vector", &params, step.count.div_ceil(64)).slot(1, step.from).slot(2, step.to)
}
