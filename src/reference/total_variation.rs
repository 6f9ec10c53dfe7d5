//! Total variation of the picture and its gradient.

use super::content_loss::scales;
use crate::backend::BackendError;
use crate::host_memory::HostMemory;
use crate::plan::TotalVariation;

pub(super) fn total_variation(step: &TotalVariation, memory: &mut HostMemory) -> Result<(), BackendError> {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let (right, down) = step.differences();
    let mut value = 0.0;
    memory.in_rows([step.image_gradient, step.image], 3 * width, height, |[rows, seen], sums, image| {
        let place = |x: usize, y: usize, channel: usize| ((y - seen.start) * width + x) * 3 + channel;
        for y in rows.clone() {
            for x in 0..width {
                for channel in 0..3 {
                    let here = f64::from(image[place(x, y, channel)]);
                    let to = |x: usize, y: usize| f64::from(image[place(x, y, channel)]) - here;
                    let mut slope = 0.0;
                    if x + 1 < width || step.wraps {
                        let difference = to((x + 1) % width, y);
                        value += difference * difference / (3 * right) as f64;
                        slope -= difference / (3 * right) as f64;
                    }
                    if x > 0 || step.wraps {
                        slope -= to((x + width - 1) % width, y) / (3 * right) as f64;
                    }
                    if y + 1 < height || step.wraps {
                        let difference = to(x, (y + 1) % height);
                        value += difference * difference / (3 * down) as f64;
                        slope -= difference / (3 * down) as f64;
                    }
                    if y > 0 || step.wraps {
                        slope -= to(x, (y + height - 1) % height) / (3 * down) as f64;
                    }
                    let sum = &mut sums[((y - rows.start) * width + x) * 3 + channel];
                    *sum = (f64::from(*sum) + 2.0 * gradient_scale * slope) as f32;
                    if !sum.is_finite() {
                        value = f64::INFINITY;
                    }
                }
            }
        }
    })?;
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
    Ok(())
}
