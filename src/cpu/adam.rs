//! One step of Adam on the picture.

use super::simd::vectorised;
use super::sums::RUN;
use crate::backend::BackendError;
use crate::host_memory::HostMemory;
use crate::plan::{Adam, AdamRates, IterationState};
use rayon::prelude::*;

pub(super) fn adam(step: &Adam, memory: &mut HostMemory) -> Result<(), BackendError> {
    let mut state: IterationState = memory.structure(step.state);
    if state.halted != 0 {
        return Ok(());
    }
    let ([b1, b2], decay) = (step.betas, step.decay);
    state.mean_power *= b1;
    state.square_power *= b2;
    state.average_power *= decay;
    memory.put_structure(step.state, state);
    let AdamRates { learning_rate, epsilon } = memory.structure(step.rates);
    let learning_rate = learning_rate * step.nearness(memory.values(step.rates), memory.values(step.losses));
    let rate = learning_rate / (1.0 - state.mean_power);
    let root = (1.0 - state.square_power).sqrt().recip();
    let changed = [step.image, step.mean, step.square, step.average];
    memory.in_pieces(changed, [step.gradient], step.count, |[image, mean, square, average], [gradient]| {
        image
            .par_chunks_mut(RUN)
            .zip(mean.par_chunks_mut(RUN).zip(square.par_chunks_mut(RUN)))
            .zip(average.par_chunks_mut(RUN).zip(gradient.par_chunks(RUN)))
            .for_each(|((image, (mean, square)), (average, gradient))| {
                vectorised(
                    #[inline(always)]
                    || {
                        let moments = mean.iter_mut().zip(square);
                        let values = image.iter_mut().zip(average);
                        for ((g, (m, v)), (x, average)) in gradient.iter().zip(moments).zip(values) {
                            *m = b1 * *m + (1.0 - b1) * g;
                            *v = b2 * *v + (1.0 - b2) * g * g;
                            *x = (*x - rate * *m / (v.sqrt() * root + epsilon)).clamp(0.0, 1.0);
                            *average = decay * *average + (1.0 - decay) * *x;
                        }
                    },
                );
            });
    })
}
