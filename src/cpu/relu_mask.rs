//! ReLU masks. Where channels are a multiple of 32, word `i` belongs to values `32 i` to `32 i + 31`, halo included.

use super::simd::vectorised;

const BITS: usize = 32;

/// The mask of values.
pub(super) fn keep(values: &[f32], mask: &mut [u32]) {
    vectorised(
        #[inline(always)]
        || {
            for (word, values) in mask.iter_mut().zip(values.as_chunks::<BITS>().0) {
                let mut bits = [0; BITS];
                for (index, (bit, &value)) in bits.iter_mut().zip(values).enumerate() {
                    *bit = u32::from(value > 0.0) << index;
                }
                *word = bits.iter().fold(0, |word, bit| word | bit);
            }
        },
    );
}

/// Makes zero of the values that the mask stops.
pub(super) fn apply(mask: &[u32], values: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (&word, values) in mask.iter().zip(values.as_chunks_mut::<BITS>().0) {
                for (index, value) in values.iter_mut().enumerate() {
                    *value = if word & 1 << index == 0 { 0.0 } else { *value };
                }
            }
        },
    );
}
