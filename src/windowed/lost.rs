//! Devices that failed while others go on.

use crate::backend::BackendError;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A device that failed while others went on with its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostDevice {
    /// Its name.
    pub device: String,
    /// What happened to it.
    pub reason: String,
    /// Names of the devices that go on.
    pub left: Vec<String>,
}

impl fmt::Display for LostDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} with its windows", self.device, self.reason, going_on(&self.left))
    }
}

fn going_on(left: &[String]) -> String {
    format!("{} {} on", left.join(" and "), if left.len() == 1 { "goes" } else { "go" })
}

/// All that were lost, shared by an engine and its sessions: a device that is lost is asked for nothing any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct LostDevices(Arc<Mutex<Vec<(usize, LostDevice)>>>);

impl LostDevices {
    fn list(&self) -> MutexGuard<'_, Vec<(usize, LostDevice)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a device, counted from 0, is among them.
    pub(crate) fn has(&self, device: usize) -> bool {
        self.list().iter().any(|(lost, _)| *lost == device)
    }

    /// In the order in which they were lost.
    pub(crate) fn all(&self) -> Vec<LostDevice> {
        self.list().iter().map(|(_, lost)| lost.clone()).collect()
    }

    pub(crate) fn add(&self, device: usize, lost: LostDevice) {
        self.list().push((device, lost));
    }
}

/// What happened to a device that does not work any more; none where the cause is not the device.
pub(crate) fn what_happened(error: &BackendError) -> Option<String> {
    match error {
        BackendError::DeviceLost { reason, .. } => Some(format!("stopped working ({reason})")),
        BackendError::Refused { reason, .. } => Some(format!("refused a command ({reason})")),
        BackendError::CannotStart { reason, .. } => Some(format!("cannot start ({reason})")),
        BackendError::OutOfMemory { .. } => Some("is out of memory".to_owned()),
        _ => None,
    }
}
