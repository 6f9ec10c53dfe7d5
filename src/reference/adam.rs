//! One step of Adam on the picture.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::Adam;

pub(super) fn adam(step: &Adam, memory: &mut HostMemory) {
    if memory.words(step.state)[1] != 0 {
        return;
    }
    let [b1, b2] = step.betas;
    let powers = &mut memory.values_mut(step.state)[2..5];
    for (power, base) in powers.iter_mut().zip([b1, b2, step.decay]) {
        *power *= base;
    }
    let (correction1, correction2) = (1.0 - f64::from(powers[0]), 1.0 - f64::from(powers[1]));
    let [b1, b2, decay] = [b1, b2, step.decay].map(f64::from);
    let [mut image_words, mut mean_words, mut square_words, mut average_words] =
        [step.image, step.mean, step.square, step.average].map(|slot| memory.take(slot));
    let (image, average) = (numbers(&mut image_words), numbers(&mut average_words));
    let (mean, square) = (numbers(&mut mean_words), numbers(&mut square_words));
    let gradient = memory.values(step.gradient);
    for i in 0..step.count {
        let g = f64::from(gradient[i]);
        let m = b1 * f64::from(mean[i]) + (1.0 - b1) * g;
        let v = b2 * f64::from(square[i]) + (1.0 - b2) * g * g;
        let change =
            f64::from(step.learning_rate) / correction1 * m / (v.sqrt() / correction2.sqrt() + f64::from(step.epsilon));
        let x = (f64::from(image[i]) - change).clamp(0.0, 1.0);
        average[i] = (decay * f64::from(average[i]) + (1.0 - decay) * x) as f32;
        (mean[i], square[i], image[i]) = (m as f32, v as f32, x as f32);
    }
    memory.put(step.image, image_words);
    memory.put(step.mean, mean_words);
    memory.put(step.square, square_words);
    memory.put(step.average, average_words);
}
