//! From the picture to what the first convolution reads, and the gradient back.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Border, NetworkInput, NetworkInputBackward, Size};

/// Every padded pixel of the network input with the pixel of the picture that it is made from.
fn sources(size: Size, border: Border) -> Vec<(usize, usize)> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut pairs = Vec::new();
    for row in 0..height + 2 {
        for column in 0..width + 2 {
            let (x, y) = match border {
                Border::Zero | Border::Replicate => (column.clamp(1, width) - 1, row.clamp(1, height) - 1),
                Border::Wrap => ((column + width - 1) % width, (row + height - 1) % height),
            };
            let inside = (x + 1, y + 1) == (column, row);
            if inside || border != Border::Zero {
                pairs.push((row * (width + 2) + column, y * width + x));
            }
        }
    }
    pairs
}

pub(super) fn network_input(step: &NetworkInput, memory: &mut HostMemory) {
    let mut words = memory.take(step.output);
    let output = numbers(&mut words);
    let image = memory.values(step.image);
    let padded = (step.size.width as usize + 2) * (step.size.height as usize + 2);
    output[..4 * padded].fill(0.0);
    for (to, from) in sources(step.size, step.border) {
        for channel in 0..3 {
            let value = f64::from(image[3 * from + channel]) - f64::from(step.normalisation.mean[channel]);
            output[4 * to + channel] = (value / f64::from(step.normalisation.deviation[channel])) as f32;
        }
    }
    memory.put(step.output, words);
}

pub(super) fn network_input_backward(step: &NetworkInputBackward, memory: &mut HostMemory) {
    let gradient = memory.values(step.gradient);
    let mut sums = vec![0.0; 3 * step.size.pixels()];
    // On a torus every layer's gradient already comes from both sides of an edge.
    let border = if step.border == Border::Wrap { Border::Zero } else { step.border };
    for (from, to) in sources(step.size, border) {
        for channel in 0..3 {
            let value = f64::from(gradient[4 * from + channel]);
            sums[3 * to + channel] += value / f64::from(step.normalisation.deviation[channel]);
        }
    }
    let inverse_scale = f64::from(memory.values(step.inverse_scale)[0]);
    let output = memory.values_mut(step.image_gradient);
    output.iter_mut().zip(&sums).for_each(|(output, &sum)| *output = (inverse_scale * sum) as f32);
}
