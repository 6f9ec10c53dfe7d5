//! Total variation of the picture and its gradient.

use super::content_loss::scales;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::TotalVariation;
use rayon::prelude::*;

pub(super) fn total_variation(step: &TotalVariation, memory: &mut HostMemory) {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let line = 3 * width;
    let mut words = memory.take(step.image_gradient);
    let gradient = &mut numbers(&mut words)[..line * height];
    let image = &memory.values(step.image)[..line * height];
    // One over the number of differences; zero where there are none.
    let share = |differences: usize| if differences == 0 { 0.0 } else { 1.0 / differences as f64 };
    let (right, below) = step.differences();
    let (across, down) = (share(3 * right), share(3 * below));
    let (along_row, along_column) = [across, down].map(|share| (2.0 * f64::from(gradient_scale) * share) as f32).into();
    let rows: Vec<f64> = gradient
        .par_chunks_mut(line)
        .enumerate()
        .map(|(y, gradient)| {
            let here = &image[y * line..][..line];
            let mut right_sum = 0.0;
            for (i, (&left, &right)) in here.iter().zip(&here[3..]).enumerate() {
                let difference = right - left;
                right_sum += f64::from(difference * difference);
                gradient[i] -= along_row * difference;
                gradient[i + 3] += along_row * difference;
            }
            if step.wraps {
                for channel in 0..3 {
                    let (first, last) = (channel, line - 3 + channel);
                    let difference = here[first] - here[last];
                    right_sum += f64::from(difference * difference);
                    gradient[last] -= along_row * difference;
                    gradient[first] += along_row * difference;
                }
            }
            let mut down_sum = 0.0;
            if y + 1 < height || step.wraps {
                for (i, &below) in image[(y + 1) % height * line..][..line].iter().enumerate() {
                    let difference = below - here[i];
                    down_sum += f64::from(difference * difference);
                    gradient[i] -= along_column * difference;
                }
            }
            if y > 0 || step.wraps {
                for (i, &above) in image[(y + height - 1) % height * line..][..line].iter().enumerate() {
                    gradient[i] += along_column * (here[i] - above);
                }
            }
            let finite = gradient.iter().all(|value| value.is_finite());
            if finite { right_sum * across + down_sum * down } else { f64::INFINITY }
        })
        .collect();
    memory.put(step.image_gradient, words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * rows.iter().sum::<f64>()) as f32;
}
