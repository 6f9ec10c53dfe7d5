//! Waiting for what a process does while it runs.

use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Long enough for the slowest machine; only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits until something holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{what} never came");
        std::thread::yield_now();
    }
}

/// Lines of a log so far.
pub fn lines(path: &Path) -> usize {
    std::fs::read(path).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
}
