//! What is said while the work goes on: on stderr, as much as is asked for, in text that cannot steer a terminal.

use clap::Args;
use impasto::printable::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
};

/// At most so many redraws of bars a second.
const REDRAWS: u8 = 10;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ConsoleOptions {
    /// Say nothing but errors
    #[arg(long, short, global = true, overrides_with = "verbose")]
    quiet: bool,

    /// Say more: device, filters, sizes, memory, times
    #[arg(long, short, global = true, overrides_with = "quiet")]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Loudness {
    Quiet,
    Normal,
    Verbose,
}

/// See the module. Lines and bars do not disturb each other.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    loudness: Loudness,
    terminal: bool,
    bars: MultiProgress,
    /// What is said, where it is kept instead of printed.
    kept: Option<Arc<Mutex<Vec<String>>>>,
}

impl Console {
    pub fn new(options: ConsoleOptions) -> Console {
        let loudness = match options {
            ConsoleOptions { quiet: true, .. } => Loudness::Quiet,
            ConsoleOptions { verbose: true, .. } => Loudness::Verbose,
            _ => Loudness::Normal,
        };
        let terminal = std::io::stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(if terminal && loudness > Loudness::Quiet {
            ProgressDrawTarget::stderr_with_hz(REDRAWS)
        } else {
            ProgressDrawTarget::hidden()
        });
        Console { loudness, terminal, bars, kept: None }
    }

    /// Prints nothing, and keeps what the user should know.
    #[cfg(feature = "studio")]
    pub fn collecting() -> Console {
        Console {
            loudness: Loudness::Normal,
            terminal: false,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            kept: Some(Arc::default()),
        }
    }

    /// What was said, if it was kept.
    #[cfg(feature = "studio")]
    pub fn said(&self) -> Vec<String> {
        let lines = self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone());
        lines.unwrap_or_default()
    }

    /// Something that the user should know.
    pub fn say(&self, line: &str) {
        if self.loudness > Loudness::Quiet {
            self.print(line);
        }
    }

    /// Something of interest only to someone who watches.
    pub fn note(&self, line: &str) {
        if self.terminal {
            self.say(line);
        } else {
            self.detail(line);
        }
    }

    /// Something that is said only if more is asked for.
    pub fn detail(&self, line: &str) {
        if self.shows_details() {
            self.print(line);
        }
    }

    /// Whether [`Self::detail`] prints: some details take work to find.
    pub fn shows_details(&self) -> bool {
        self.loudness == Loudness::Verbose
    }

    /// Whether bars are seen.
    pub fn has_bars(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// A bar that appears only on a terminal.
    pub fn bar(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    fn print(&self, line: &str) {
        match &self.kept {
            Some(kept) => kept.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned()),
            None => self.bars.suspend(|| eprintln!("impasto: {}", printable(line))),
        }
    }
}
