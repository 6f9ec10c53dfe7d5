//! `copy_vector.wgsl`.

use super::Dispatch;
use crate::plan::CopyVector;

pub(super) fn copy_vector(step: &CopyVector) -> Dispatch {
    Dispatch::new("copy_vector", "copy_vector", vec![step.count as u32], step.count.div_ceil(64))
        .slot(1, step.from)
        .slot(2, step.to)
}
