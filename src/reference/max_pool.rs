//! 2x2 max pooling and its gradient.

use super::destination;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{MaxPool, MaxPoolBackward};

pub(super) fn max_pool(step: &MaxPool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut output_words = memory.take(step.output);
    let output = &mut numbers(&mut output_words)[..pooled.values()];
    let mut winners = step.winners.map(|slot| (slot, memory.take(slot)));
    output.fill(0.0);
    if let Some((_, winners)) = &mut winners {
        winners[..pooled.winner_words()].fill(0);
    }
    let input = memory.values(step.input);
    for y in 0..pooled.height as usize {
        for x in 0..pooled.width as usize {
            let pixel = pooled.pixel(x, y);
            for channel in 0..channels {
                let value =
                    |place: usize| input[shape.pixel(2 * x + place % 2, 2 * y + place / 2) * channels + channel];
                let winner = (1..4).fold(0, |best, place| if value(place) > value(best) { place } else { best });
                output[pixel * channels + channel] = value(winner);
                if let Some((_, winners)) = &mut winners {
                    let (word, bit) = pooled.winner_bit(pixel, channel);
                    winners[word] |= (winner as u32) << bit;
                }
            }
        }
    }
    memory.put(step.output, output_words);
    if let Some((slot, words)) = winners {
        memory.put(slot, words);
    }
}

pub(super) fn max_pool_backward(step: &MaxPoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let (gradient, winners) = (memory.values(step.gradient), memory.words(step.winners));
    let mut new = vec![0.0; shape.values()];
    for y in 0..pooled.height as usize {
        for x in 0..pooled.width as usize {
            let pixel = pooled.pixel(x, y);
            for channel in 0..channels {
                let (word, bit) = pooled.winner_bit(pixel, channel);
                let place = (winners[word] >> bit & 3) as usize;
                let winner = shape.pixel(2 * x + place % 2, 2 * y + place / 2);
                new[winner * channels + channel] = f64::from(gradient[pixel * channels + channel]);
            }
        }
    }
    destination::store(step.into, shape, &new, memory);
}
