//! Memory that each thread of the pool keeps to itself.

use crate::host_memory::{Words, numbers};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Room for intermediate values; grows to the largest use and stays.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    first: Words,
    second: Words,
}

impl Scratch {
    /// Two arrays with any contents.
    pub(super) fn two(&mut self, first: usize, second: usize) -> (&mut [f32], &mut [f32]) {
        self.first.grow(first);
        self.second.grow(second);
        (&mut numbers(&mut self.first)[..first], &mut numbers(&mut self.second)[..second])
    }
}

/// One [`Scratch`] for each thread of a pool, and one for all of them.
#[derive(Debug)]
pub(super) struct Scratches {
    own: Vec<Mutex<Scratch>>,
    shared: Mutex<Scratch>,
}

impl Scratches {
    pub(super) fn new(threads: usize) -> Scratches {
        Scratches { own: (0..threads).map(|_| Mutex::default()).collect(), shared: Mutex::default() }
    }

    /// The calling thread's, which must be one of the pool's.
    pub(super) fn of_this_thread(&self) -> MutexGuard<'_, Scratch> {
        let index = rayon::current_thread_index().unwrap_or(0);
        self.own[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool's.
    pub(super) fn shared(&self) -> MutexGuard<'_, Scratch> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
