//! ReLU masks. Where channels are a multiple of 32, word `i` belongs to values `32 i` to `32 i + 31`, halo included.

use super::simd::{bits, vectorised};
use pulp::{Arch, Simd, WithSimd};

const BITS: usize = 32;

/// The mask of values.
pub(super) fn keep(values: &[f32], mask: &mut [u32]) {
    Arch::new().dispatch(Keep { values, mask });
}

struct Keep<'a> {
    values: &'a [f32],
    mask: &'a mut [u32],
}

impl WithSimd for Keep<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let (values, _) = S::as_simd_f32s(self.values);
        for (word, values) in self.mask.iter_mut().zip(values.chunks_exact(BITS / S::F32_LANES)) {
            *word = 0;
            for (part, &values) in values.iter().enumerate() {
                *word |= bits(simd, simd.greater_than_f32s(values, zero)) << (part * S::F32_LANES);
            }
        }
    }
}

/// Zeroes the values that the mask stops.
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
