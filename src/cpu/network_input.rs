//! From the picture to what the first convolution reads, and the gradient back.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{Border, NetworkInput, NetworkInputBackward};
use rayon::prelude::*;

pub(super) fn network_input(step: &NetworkInput, memory: &mut HostMemory) {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let mut words = memory.take(step.output);
    let output = &mut numbers(&mut words)[..4 * (width + 2) * (height + 2)];
    let image = memory.values(step.image);
    let (mean, deviation) = (step.normalisation.mean, step.normalisation.deviation);
    output.par_chunks_mut(4 * (width + 2)).enumerate().for_each(|(row, output)| {
        let y = match step.border {
            Border::Zero | Border::Replicate => row.clamp(1, height) - 1,
            Border::Wrap => (row + height - 1) % height,
        };
        if step.border == Border::Zero && y + 1 != row {
            output.fill(0.0);
            return;
        }
        let pixels = output.as_chunks_mut::<4>().0;
        let image = image[y * width * 3..][..width * 3].as_chunks::<3>().0;
        for (pixel, value) in pixels[1..].iter_mut().zip(image) {
            let channel = |c: usize| (value[c] - mean[c]) / deviation[c];
            *pixel = [channel(0), channel(1), channel(2), 0.0];
        }
        let (left, right) = match step.border {
            Border::Zero => ([0.0; 4], [0.0; 4]),
            Border::Replicate => (pixels[1], pixels[width]),
            Border::Wrap => (pixels[width], pixels[1]),
        };
        (pixels[0], pixels[width + 1]) = (left, right);
    });
    memory.put(step.output, words);
}

pub(super) fn network_input_backward(step: &NetworkInputBackward, memory: &mut HostMemory) {
    let (width, height) = (step.size.width as usize, step.size.height as usize);
    let mut words = memory.take(step.image_gradient);
    let output = &mut numbers(&mut words)[..3 * width * height];
    let gradient = memory.values(step.gradient);
    let inverse_scale = memory.values(step.inverse_scale)[0];
    let deviation = step.normalisation.deviation;
    // Along an edge that replicates, the halo's pixel counts too.
    let sources = |place: usize, last: usize| {
        let replicates = step.border == Border::Replicate;
        place + usize::from(place > 0 || !replicates)..place + 2 + usize::from(place == last && replicates)
    };
    output.par_chunks_mut(3 * width).enumerate().for_each(|(y, output)| {
        for (x, pixel) in output.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let mut sum = [0.0; 3];
            for row in sources(y, height - 1) {
                for column in sources(x, width - 1) {
                    let value = &gradient[4 * (row * (width + 2) + column)..][..3];
                    sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
                }
            }
            *pixel = [0, 1, 2].map(|channel| inverse_scale * sum[channel] / deviation[channel]);
        }
    });
    memory.put(step.image_gradient, words);
}
