//! 2x2 max pooling and its gradient.

use super::destination::in_bands;
use super::simd::vectorised;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{FeatureShape, MaxPool, MaxPoolBackward};
use rayon::prelude::*;

/// Channels whose winners share a word.
const GROUP: usize = 16;

pub(super) fn max_pool(step: &MaxPool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut output_words = memory.take(step.output);
    let mut winner_words = step.winners.map(|slot| (slot, memory.take(slot)));
    let output = &mut numbers(&mut output_words)[..pooled.values()];
    let row = pooled.padded_width() * channels;
    let mut winners: Vec<Option<&mut [u32]>> = Vec::new();
    if let Some((_, words)) = &mut winner_words {
        winners.extend(words[..pooled.winner_words()].chunks_mut(row / GROUP).map(Some));
    }
    winners.resize_with(pooled.height as usize + 2, || None);
    let input = memory.values(step.input);
    output.par_chunks_mut(row).zip(winners).enumerate().for_each(|(row, (output, winners))| {
        let mut unused = Vec::new();
        let winners = winners.unwrap_or_else(|| {
            unused.resize(output.len() / GROUP, 0);
            &mut unused
        });
        output.fill(0.0);
        winners.fill(0);
        if (1..=pooled.height as usize).contains(&row) {
            vectorised(
                #[inline(always)]
                || pool_row(input, shape, row - 1, output, winners),
            );
        }
    });
    memory.put(step.output, output_words);
    if let Some((slot, words)) = winner_words {
        memory.put(slot, words);
    }
}

/// One padded row of the pooled map, and its winners.
#[inline(always)]
fn pool_row(input: &[f32], shape: FeatureShape, y: usize, output: &mut [f32], winners: &mut [u32]) {
    let channels = shape.channels as usize;
    let groups = channels / GROUP;
    for x in 0..shape.width as usize / 2 {
        let [upper, lower] =
            [0, 1].map(|dy| input[shape.pixel(2 * x, 2 * y + dy) * channels..][..2 * channels].as_chunks::<GROUP>().0);
        let output = &mut output[(x + 1) * channels..][..channels].as_chunks_mut::<GROUP>().0;
        let winners = &mut winners[(x + 1) * groups..][..groups];
        for group in 0..groups {
            let candidates = [&upper[group], &upper[groups + group], &lower[group], &lower[groups + group]];
            let mut best = *candidates[0];
            let mut places = [0_u32; GROUP];
            for (place, candidate) in candidates.iter().enumerate().skip(1) {
                for channel in 0..GROUP {
                    let wins = candidate[channel] > best[channel];
                    best[channel] = if wins { candidate[channel] } else { best[channel] };
                    places[channel] = if wins { place as u32 } else { places[channel] };
                }
            }
            output[group] = best;
            for (channel, place) in places.iter_mut().enumerate() {
                *place <<= 2 * channel;
            }
            winners[group] = places.iter().fold(0, |word, place| word | place);
        }
    }
}

pub(super) fn max_pool_backward(step: &MaxPoolBackward, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let groups = channels / GROUP;
    in_bands(step.into, shape, 1, memory, |y, row, memory| {
        let (gradient, winners) = (memory.values(step.gradient), memory.words(step.winners));
        vectorised(
            #[inline(always)]
            || {
                for x in 0..shape.width as usize {
                    let output = &mut row[(x + 1) * channels..][..channels];
                    if x / 2 >= pooled.width as usize || y / 2 >= pooled.height as usize {
                        if !step.into.accumulate {
                            output.fill(0.0);
                        }
                        continue;
                    }
                    let pixel = pooled.pixel(x / 2, y / 2);
                    let place = (y % 2 * 2 + x % 2) as u32;
                    let gradient = &gradient[pixel * channels..][..channels].as_chunks::<GROUP>().0;
                    let winners = &winners[pixel * groups..][..groups];
                    for (group, output) in output.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
                        for channel in 0..GROUP {
                            let wins = winners[group] >> (2 * channel) & 3 == place;
                            let new = if wins { gradient[group][channel] } else { 0.0 };
                            output[channel] = if step.into.accumulate { output[channel] + new } else { new };
                        }
                    }
                }
            },
        );
    });
}
