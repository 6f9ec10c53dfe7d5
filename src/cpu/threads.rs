//! The threads of the back end, and memory that each keeps to itself.

use crate::{BackendError, host_memory::numbers, words::Words};
use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Threads that share the work. In a browser, which starts none, the calling thread does all of it.
#[derive(Debug)]
pub(super) struct Pool {
    #[cfg(not(target_family = "wasm"))]
    threads: rayon::ThreadPool,
}

#[cfg(not(target_family = "wasm"))]
impl Pool {
    /// `threads` threads, or as many as there are cores.
    pub(super) fn new(threads: Option<NonZeroUsize>) -> Result<Pool, BackendError> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.map_or(0, NonZeroUsize::get))
            .thread_name(|index| format!("impasto-{index}"))
            .build()
            .map_err(|error| BackendError::Threads { reason: error.to_string() })?;
        Ok(Pool { threads })
    }

    /// How many threads there are.
    pub(super) fn count(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Runs something whose parallel parts run on these threads.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.install(work)
    }
}

#[cfg(target_family = "wasm")]
impl Pool {
    /// No further threads.
    pub(super) fn new(_threads: Option<NonZeroUsize>) -> Result<Pool, BackendError> {
        Ok(Pool {})
    }

    /// The calling thread.
    pub(super) fn count(&self) -> usize {
        1
    }

    /// Runs something here.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }
}

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

    /// Bytes of all.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        let all =
            self.own.iter().chain([&self.shared]).map(|scratch| scratch.lock().unwrap_or_else(PoisonError::into_inner));
        all.map(|scratch| 4 * (scratch.first.len() + scratch.second.len()) as u64).sum()
    }

    /// The pool's.
    pub(super) fn shared(&self) -> MutexGuard<'_, Scratch> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
