//! What went wrong on a device since it was opened. wgpu tells it through callbacks, which leave it here.

use crate::BackendError;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Debug)]
enum Failure {
    Lost(String),
    OutOfMemory,
    Refused(String),
}

/// The first failure of a device, if there was one.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureLog(Arc<Mutex<Option<Failure>>>);

impl FailureLog {
    /// Registers the callbacks.
    pub fn watch(device: &wgpu::Device) -> FailureLog {
        let log = FailureLog::default();
        let lost = log.clone();
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                lost.record(Failure::Lost(one_line(&message)));
            }
        });
        let errors = log.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            errors.record(match error {
                wgpu::Error::OutOfMemory { .. } => Failure::OutOfMemory,
                other => Failure::Refused(one_line(&other.to_string())),
            });
        }));
        log
    }

    fn record(&self, failure: Failure) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A lost device also fails everything that follows: it is the cause worth telling.
        if first.is_none() || matches!(failure, Failure::Lost(_)) {
            *first = Some(failure);
        }
    }

    /// Ok as long as nothing failed. `needed` is what the session holds, in bytes.
    pub fn check(&self, device: &str, needed: u64) -> Result<(), BackendError> {
        let device = device.to_owned();
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            None => Ok(()),
            Some(Failure::Lost(reason)) => Err(BackendError::DeviceLost { device, reason }),
            Some(Failure::OutOfMemory) => Err(BackendError::OutOfMemory { device, needed: needed >> 20 }),
            Some(Failure::Refused(reason)) => Err(BackendError::Refused { device, reason }),
        }
    }

    /// Forgets a lack of memory, so that something smaller may be tried on the same device.
    pub fn forgive_out_of_memory(&self) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*first, Some(Failure::OutOfMemory)) {
            *first = None;
        }
    }

    /// Forgets what was refused, so that something else may be tried on the same device.
    pub fn forgive_all_but_loss(&self) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*first, Some(Failure::Lost(_))) {
            *first = None;
        }
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
