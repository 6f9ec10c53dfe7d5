//! 2x2 max pooling and its gradient.

use super::destination::in_bands;
use super::maps::{self, place};
use super::simd::vectorised;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{FeatureShape, MaxPool, MaxPoolBackward, Rows};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Channels whose winners share a word.
const GROUP: usize = 16;

pub(super) fn max_pool(step: &MaxPool, memory: &mut HostMemory) {
    let (shape, pooled) = (step.shape, step.shape.pooled());
    let channels = shape.channels as usize;
    let mut output_words = memory.take(step.output.slot);
    let mut winner_words = step.winners.map(|slot| (slot, memory.take(slot)));
    let output = &mut numbers(&mut output_words)[place(step.output, step.rows, pooled)];
    let row = pooled.padded_width() * channels;
    let mut winners: Vec<Option<&mut [u32]>> = Vec::new();
    if let Some((_, words)) = &mut winner_words {
        let row_winners = row / GROUP;
        let made = step.rows.first as usize * row_winners..step.rows.end as usize * row_winners;
        winners.extend(words[made].chunks_mut(row_winners).map(Some));
    }
    winners.resize_with(step.rows.count(), || None);
    let input = memory.values(step.input.slot);
    let above = step.input.first_row as usize;
    output.par_chunks_mut(row).zip(winners).zip(step.rows.range()).for_each(|((output, winners), row)| {
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
                || pool_row(input, shape, 2 * row - 1 - above, output, winners),
            );
        }
    });
    memory.put(step.output.slot, output_words);
    if let Some((slot, words)) = winner_words {
        memory.put(slot, words);
    }
}

/// One padded row of the pooled map, and its winners, from rows `first` and `first + 1` of some padded rows.
#[inline(always)]
fn pool_row(input: &[f32], shape: FeatureShape, first: usize, output: &mut [f32], winners: &mut [u32]) {
    let channels = shape.channels as usize;
    let groups = channels / GROUP;
    for x in 0..shape.width as usize / 2 {
        let [upper, lower] =
            [0, 1].map(|dy| &input[((first + dy) * shape.padded_width() + 2 * x + 1) * channels..][..2 * channels]);
        let [upper, lower] = [upper, lower].map(|values| values.as_chunks::<GROUP>().0);
        let output = &mut output[(x + 1) * channels..][..channels].as_chunks_mut::<GROUP>().0;
        let winners = &mut winners[(x + 1) * groups..][..groups];
        for group in 0..groups {
            let candidates = [&upper[group], &upper[groups + group], &lower[group], &lower[groups + group]];
            let mut best = *candidates[0];
            let mut places = [0_u32; GROUP];
            for (place, candidate) in candidates.iter().enumerate().skip(1) {
                for channel in 0..GROUP {
                    // A comparison alone would lose a NaN.
                    let wins = candidate[channel] > best[channel] || candidate[channel].is_nan();
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
    let row = pooled.padded_width() * channels;
    in_bands(step.into, shape, step.rows, 1, memory, |padded_row, output, memory| {
        let y = padded_row - 1;
        if y / 2 >= pooled.height as usize {
            if !step.into.accumulate {
                output.fill(0.0);
            }
            return;
        }
        let above = y as u32 / 2 + 1;
        let gradient = maps::rows(step.gradient, Rows { first: above, end: above + 1 }, pooled, memory);
        let gradient = &gradient[channels..row - channels];
        let winners = &memory.words(step.winners)[(y / 2 + 1) * row / GROUP..][channels / GROUP..];
        let (paired, unpaired) = output[channels..].split_at_mut(2 * gradient.len());
        if !step.into.accumulate {
            unpaired.fill(0.0);
        }
        Arch::new().dispatch(HandBack {
            output: paired,
            accumulate: step.into.accumulate,
            gradient,
            winners: &winners[..gradient.len() / GROUP],
            groups: channels / GROUP,
            first_place: (y % 2 * 2) as u32,
        });
    });
}

/// One row of gradients to one row of pairs of pixels.
struct HandBack<'a> {
    output: &'a mut [f32],
    accumulate: bool,
    gradient: &'a [f32],
    winners: &'a [u32],
    /// Groups of channels in a pixel.
    groups: usize,
    /// Place of the first pixel of a pair in its block.
    first_place: u32,
}

/// The bits that say whether a channel's winner is other than place 0.
const LOSES: [u32; GROUP] = {
    let mut bits = [0; GROUP];
    let mut channel = 0;
    while channel < GROUP {
        bits[channel] = 3 << (2 * channel);
        channel += 1;
    }
    bits
};
/// Place 1 in all channels.
const ONES: u32 = 0x5555_5555;

impl WithSimd for HandBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = GROUP / S::F32_LANES;
        let (loses, _) = S::as_simd_u32s(&LOSES);
        let (zero, none) = (simd.splat_f32s(0.0), simd.splat_u32s(0));
        let (output, _) = S::as_mut_simd_f32s(self.output);
        let (gradient, _) = S::as_simd_f32s(self.gradient);
        for (pixel, output) in output.chunks_exact_mut(self.groups * vectors).enumerate() {
            let place = self.first_place + pixel as u32 % 2;
            let winners = &self.winners[pixel / 2 * self.groups..][..self.groups];
            let gradient = &gradient[pixel / 2 * self.groups * vectors..][..self.groups * vectors];
            let groups = output.chunks_exact_mut(vectors).zip(gradient.chunks_exact(vectors));
            for ((output, gradient), word) in groups.zip(winners) {
                // Now this place is place 0.
                let word = simd.splat_u32s(word ^ (place * ONES));
                for ((output, &gradient), &loses) in output.iter_mut().zip(gradient).zip(loses) {
                    let wins = simd.equal_u32s(simd.and_u32s(word, loses), none);
                    let new = simd.select_f32s(wins, gradient, zero);
                    *output = if self.accumulate { simd.add_f32s(*output, new) } else { new };
                }
            }
        }
    }
}
