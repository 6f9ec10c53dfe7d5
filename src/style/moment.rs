//! Where an optimiser stands between two iterations of a scale: everything needed to continue in another session.

use super::optimizer::{Device, SavedOptimizer};
use crate::{
    BackendError, Contents,
    plan::{IterationState, Tensor},
};

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    /// Iterations done.
    pub iteration: u32,
    /// Evaluations done.
    pub evaluations: u32,
    /// Time that the scale has taken.
    pub seconds: f64,
    /// Power of two that gradients are multiplied by in f16.
    pub gradient_exponent: Option<i32>,
    /// What the optimiser keeps on the host.
    pub optimizer: SavedOptimizer,
    /// Contents of the slots that the optimiser keeps between iterations.
    pub contents: Vec<(Tensor, Contents)>,
}

/// Writes the contents, and lets go of each as soon as it is written. The session's ring of losses is empty, so evaluations are
/// counted anew, and nothing is halted.
pub(super) fn restore(contents: Vec<(Tensor, Contents)>, device: &mut Device) -> Result<(), BackendError> {
    for (tensor, contents) in contents {
        if tensor == Tensor::State {
            let saved: IterationState = bytemuck::pod_read_unaligned(&contents.bytes()?);
            let state = IterationState { evaluations: 0, halted: 0, ..saved };
            device.write(tensor, bytemuck::bytes_of(&state))?;
        } else {
            device.restore(tensor, &contents)?;
        }
    }
    Ok(())
}
