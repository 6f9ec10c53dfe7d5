//! Learning that a device is done with something.

use super::Gpu;
use crate::BackendError;
use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use web_time::Instant;

/// How long a wait polls without sleeping: a device is often done by then, and a sleep takes some tenths of that.
const ALERT: Duration = Duration::from_millis(1);
/// A sleep between two polls, as a fraction of the time waited so far.
const DOZE: u32 = 40;

impl Gpu {
    /// Runs the callbacks of what is done by now, without waiting. `held` is as for
    /// [`super::failure::FailureLog::check`].
    ///
    /// # Errors
    /// If the device has failed.
    pub(super) fn look(&self, held: u64) -> Result<(), BackendError> {
        // Device::poll panics if the device is lost. A submission, even an empty one, polls too, and tells the failure
        // log instead.
        self.queue.submit([]);
        self.failures.check(&self.name, held)
    }

    /// Waits until `done`, which a callback makes true.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn wait_until(&self, held: u64, mut done: impl FnMut() -> bool) -> Result<(), BackendError> {
        let start = Instant::now();
        loop {
            self.look(held)?;
            if done() {
                return Ok(());
            }
            let waited = start.elapsed();
            if waited < ALERT { thread::yield_now() } else { thread::sleep(waited / DOZE) }
        }
    }

    /// Waits for everything that was submitted.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn finish(&self, held: u64) -> Result<(), BackendError> {
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        self.queue.on_submitted_work_done(move || told.store(true, Ordering::Release));
        self.wait_until(held, || done.load(Ordering::Acquire))
    }

    /// The work of one submission at most, as far as the device's speed is known.
    pub(super) fn submission_work(&self) -> f64 {
        self.speed.lock().unwrap_or_else(PoisonError::into_inner).submission_work()
    }

    /// Submits commands of this much work, and learns from them how fast the device is.
    pub(super) fn submit(&self, commands: wgpu::CommandBuffer, work: f64) {
        let speed = self.speed.clone();
        speed.lock().unwrap_or_else(PoisonError::into_inner).submitted(Instant::now());
        self.queue.submit([commands]);
        self.queue.on_submitted_work_done(move || {
            speed.lock().unwrap_or_else(PoisonError::into_inner).completed(work, Instant::now());
        });
    }
}
