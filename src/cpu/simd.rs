//! Loops compiled for the widest vectors that the processor has.

use pulp::{Arch, Simd, WithSimd};

struct Loop<F>(F);

impl<F: FnOnce() -> R, R> WithSimd for Loop<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> R {
        (self.0)()
    }
}

/// Calls a closure whose loops the compiler may vectorise with all that the processor has. The closure and whatever it
/// calls must be `#[inline(always)]`.
#[inline]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(Loop(work))
}

/// A comparison's results as bits, the first in the lowest.
#[inline(always)]
pub(super) fn bits<S: Simd>(simd: S, mask: S::m32s) -> u32 {
    if let &[low, high] = bytemuck::bytes_of(&mask) {
        // AVX-512 masks have this form already.
        return u32::from(u16::from_ne_bytes([low, high]));
    }
    let ones = simd.select_u32s(mask, simd.splat_u32s(1), simd.splat_u32s(0));
    let lanes: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&ones));
    lanes.iter().enumerate().fold(0, |bits, (lane, one)| bits | one << lane)
}
