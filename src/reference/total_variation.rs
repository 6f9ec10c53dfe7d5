//! Total variation of the picture and its gradient.

use super::content_loss::scales;
use crate::host_memory::HostMemory;
use crate::plan::TotalVariation;

pub(super) fn total_variation(step: &TotalVariation, memory: &mut HostMemory) {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let (right, down) = step.differences();
    let image = memory.values(step.image);
    let mut value = 0.0;
    let mut gradient = vec![0.0; 3 * width * height];
    let mut pair = |from: usize, to: usize, differences: usize| {
        let difference = f64::from(image[to]) - f64::from(image[from]);
        value += difference * difference / differences as f64;
        gradient[to] += 2.0 * difference / differences as f64;
        gradient[from] -= 2.0 * difference / differences as f64;
    };
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let here = (y * width + x) * 3 + channel;
                if x + 1 < width || step.wraps {
                    pair(here, (y * width + (x + 1) % width) * 3 + channel, 3 * right);
                }
                if y + 1 < height || step.wraps {
                    pair(here, ((y + 1) % height * width + x) * 3 + channel, 3 * down);
                }
            }
        }
    }
    let sums = memory.values_mut(step.image_gradient);
    for (sum, new) in sums.iter_mut().zip(&gradient) {
        *sum = (f64::from(*sum) + gradient_scale * new) as f32;
        if !sum.is_finite() {
            value = f64::INFINITY;
        }
    }
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
}
