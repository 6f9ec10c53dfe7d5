//! 2x2 max pooling and its gradient.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{MaxPool, MaxPoolBackward};

pub(super) fn max_pool(step: &MaxPool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut words = memory.take(step.output.slot);
    let output = numbers(&mut words);
    let mut winners = step.winners.map(|slot| (slot, memory.take(slot)));
    let input = memory.values(step.input.slot);
    for pixel in step.rows.first_pixel(pooled)..step.rows.first_pixel(pooled) + step.rows.pixels(pooled) {
        for channel in 0..channels {
            let value = |place: usize| {
                let from = pooled.unpooled(shape, pixel, place) - step.input.first_pixel(shape);
                input[from * channels + channel]
            };
            let halo = pooled.is_halo(pixel);
            // A comparison would lose a NaN.
            let wins = |place, best| value(place) > value(best) || value(place).is_nan();
            let best = |best, place| if wins(place, best) { place } else { best };
            let winner = if halo { 0 } else { (1..4).fold(0, best) };
            let to = (pixel - step.output.first_pixel(pooled)) * channels + channel;
            output[to] = if halo { 0.0 } else { value(winner) };
            if let Some((_, winners)) = &mut winners {
                let (word, bit) = pooled.winner_bit(pixel, channel);
                winners[word] = winners[word] & !(3 << bit) | (winner as u32) << bit;
            }
        }
    }
    memory.put(step.output.slot, words);
    if let Some((slot, words)) = winners {
        memory.put(slot, words);
    }
}

pub(super) fn max_pool_backward(step: &MaxPoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let (gradient, winners) = (memory.values(step.gradient.slot), memory.words(step.winners));
    let first = step.rows.first_pixel(shape);
    let mut new = vec![0.0; step.rows.pixels(shape) * channels];
    for (index, new) in new.iter_mut().enumerate() {
        let channel = index % channels;
        let Some((from, place)) = shape.pooled_pixel(first + index / channels) else { continue };
        let (word, bit) = pooled.winner_bit(from, channel);
        if (winners[word] >> bit & 3) as usize == place {
            *new = f64::from(gradient[(from - step.gradient.first_pixel(pooled)) * channels + channel]);
        }
    }
    destination::store(step.into, shape, step.rows, &new, memory);
}
