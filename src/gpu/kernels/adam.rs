//! `adam.wgsl`.

use super::Dispatch;
use crate::plan::Adam;

pub(super) fn adam(step: &Adam) -> Vec<Dispatch> {
    let numbers = [step.learning_rate, step.betas[0], step.betas[1], step.epsilon, step.decay];
    let mut params = vec![step.count as u32];
    params.extend(numbers.map(f32::to_bits));
    vec![
        Dispatch::new("adam", "advance", params.clone(), 1).slot(1, step.state),
        Dispatch::new("adam", "adam", params, step.count.div_ceil(64))
            .slot(1, step.state)
            .slot(2, step.image)
            .slot(3, step.gradient)
            .slot(4, step.mean)
            .slot(5, step.square)
            .slot(6, step.average),
    ]
}
