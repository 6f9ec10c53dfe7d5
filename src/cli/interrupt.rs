//! Ctrl-C and the request to terminate: the first is noted, so that the work can end in order, the second ends the
//! process at once.

use super::CliError;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// A request of the user or the system that the process end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupt(i32);

impl Interrupt {
    /// The exit code that shells expect of a process that a signal ended.
    pub fn exit_code(self) -> u8 {
        (128 + self.0) as u8
    }

    /// The signal in words.
    pub fn name(self) -> &'static str {
        if self.0 == SIGINT { "Ctrl-C" } else { "the request to terminate" }
    }
}

/// See the module.
pub(crate) struct Interrupts {
    /// The last signal, zero before the first.
    signal: Arc<AtomicUsize>,
    came: Arc<AtomicBool>,
}

impl Interrupts {
    /// Starts to note signals.
    pub fn watch() -> Result<Interrupts, CliError> {
        let signal = Arc::new(AtomicUsize::new(0));
        let came = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            let exit_code = i32::from(Interrupt(number).exit_code());
            // In this order, so that the first signal does not see its own note and end the process.
            flag::register_conditional_shutdown(number, exit_code, came.clone())
                .and_then(|_| flag::register(number, came.clone()))
                .and_then(|_| flag::register_usize(number, signal.clone(), number as usize))
                .map_err(|error| CliError::Failed(format!("cannot watch for Ctrl-C: {error}")))?;
        }
        Ok(Interrupts { signal, came })
    }

    /// True once a signal has come.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.came.clone()
    }

    /// The signal that came, if one did.
    pub fn last(&self) -> Option<Interrupt> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            number => Some(Interrupt(number as i32)),
        }
    }
}
