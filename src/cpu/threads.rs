//! Memory that each thread of the pool keeps to itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Room for intermediate values; grows to the largest use and stays.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Scratch {
    /// Two arrays with any contents.
    pub(super) fn two(&mut self, first: usize, second: usize) -> (&mut [f32], &mut [f32]) {
        for (room, needed) in [(&mut self.first, first), (&mut self.second, second)] {
            if room.len() < needed {
                room.resize(needed, 0.0);
            }
        }
        (&mut self.first[..first], &mut self.second[..second])
    }
}

/// One [`Scratch`] for each thread of a pool.
#[derive(Debug)]
pub(super) struct Scratches(Vec<Mutex<Scratch>>);

impl Scratches {
    pub(super) fn new(threads: usize) -> Scratches {
        Scratches((0..threads).map(|_| Mutex::default()).collect())
    }

    /// That of the thread that asks, which is one of the pool's.
    pub(super) fn of_this_thread(&self) -> MutexGuard<'_, Scratch> {
        let index = rayon::current_thread_index().unwrap_or(0);
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
