//! Total variation of the picture and its gradient.

use super::content_loss::scales;
use crate::backend::BackendError;
use crate::host_memory::HostMemory;
use crate::plan::TotalVariation;
use rayon::prelude::*;

pub(super) fn total_variation(step: &TotalVariation, memory: &mut HostMemory) -> Result<(), BackendError> {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let line = 3 * width;
    // One over the number of differences; zero where there are none.
    let share = |differences: usize| if differences == 0 { 0.0 } else { 1.0 / differences as f64 };
    let (right, below) = step.differences();
    let (across, down) = (share(3 * right), share(3 * below));
    let (along_row, along_column) = [across, down].map(|share| (2.0 * f64::from(gradient_scale) * share) as f32).into();
    let mut sums: Vec<f64> = Vec::with_capacity(height);
    memory.in_rows([step.image_gradient, step.image], line, height, |[rows, seen], gradient, image| {
        let row = |y: usize| &image[(y - seen.start) * line..][..line];
        let of_row = |(y, gradient): (usize, &mut [f32])| {
            let here = row(y);
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
                for (i, &below) in row((y + 1) % height).iter().enumerate() {
                    let difference = below - here[i];
                    down_sum += f64::from(difference * difference);
                    gradient[i] -= along_column * difference;
                }
            }
            if y > 0 || step.wraps {
                for (i, &above) in row((y + height - 1) % height).iter().enumerate() {
                    gradient[i] += along_column * (here[i] - above);
                }
            }
            let finite = gradient.iter().all(|value| value.is_finite());
            if finite { right_sum * across + down_sum * down } else { f64::INFINITY }
        };
        let (first, rows) = (rows.start, gradient.par_chunks_mut(line).enumerate());
        sums.par_extend(rows.map(|(row, gradient)| of_row((first + row, gradient))));
    })?;
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * sums.iter().sum::<f64>()) as f32;
    Ok(())
}
