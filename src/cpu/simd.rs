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

/// Calls a closure whose loops the compiler may vectorise with all that the processor has; mark the closure
/// `#[inline(always)]`, and whatever it calls.
#[inline]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(Loop(work))
}
