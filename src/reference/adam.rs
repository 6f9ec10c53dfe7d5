//! One step of Adam on the picture.

use crate::backend::BackendError;
use crate::host_memory::HostMemory;
use crate::plan::{Adam, AdamRates, IterationState};

pub(super) fn adam(step: &Adam, memory: &mut HostMemory) -> Result<(), BackendError> {
    let mut state: IterationState = memory.structure(step.state);
    if state.halted != 0 {
        return Ok(());
    }
    let [b1, b2] = step.betas;
    state.mean_power *= b1;
    state.square_power *= b2;
    state.average_power *= step.decay;
    memory.put_structure(step.state, state);
    let AdamRates { learning_rate, epsilon } = memory.structure(step.rates);
    let learning_rate = learning_rate * step.nearness(memory.values(step.rates), memory.values(step.losses));
    let (correction1, correction2) = (1.0 - f64::from(state.mean_power), 1.0 - f64::from(state.square_power));
    let [b1, b2, decay] = [b1, b2, step.decay].map(f64::from);
    let changed = [step.image, step.mean, step.square, step.average];
    memory.in_pieces(changed, [step.gradient], step.count, |[image, mean, square, average], [gradient]| {
        for i in 0..gradient.len() {
            let g = f64::from(gradient[i]);
            let m = b1 * f64::from(mean[i]) + (1.0 - b1) * g;
            let v = b2 * f64::from(square[i]) + (1.0 - b2) * g * g;
            let rate = f64::from(learning_rate) / correction1;
            let change = rate * m / (v.sqrt() / correction2.sqrt() + f64::from(epsilon));
            let x = (f64::from(image[i]) - change).clamp(0.0, 1.0);
            average[i] = (decay * f64::from(average[i]) + (1.0 - decay) * x) as f32;
            (mean[i], square[i], image[i]) = (m as f32, v as f32, x as f32);
        }
    })
}
