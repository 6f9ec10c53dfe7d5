//! Panics inside decoders.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Sets a panic hook that says nothing of a decoder's panic, which ends in a [`super::super::PictureError`] anyway, and
/// hands all others to the hook that was set before.
///
/// For programs; a library leaves the hook to its program.
pub fn silence_decoder_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !DECODING.get() {
            others(panic);
        }
    }));
}

/// Marks this thread as decoding while `work` runs.
pub(super) fn marked<T>(work: impl FnOnce() -> T) -> T {
    /// Takes the mark away however the work ends.
    struct Mark(bool);
    impl Drop for Mark {
        fn drop(&mut self) {
            DECODING.set(self.0);
        }
    }
    let _mark = Mark(DECODING.replace(true));
    work()
}

/// What `work` returns, or None if it panicked.
///
/// Nothing that it changed may be used after a panic.
pub(in crate::picture) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(|| marked(work))).ok()
}
