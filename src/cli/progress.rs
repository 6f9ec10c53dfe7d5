//! Progress on a terminal: a bar per scale. Silent if stderr is not a terminal.

use super::paint::Watcher;
use impasto::style::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// At most so many redraws a second.
const REDRAWS: u8 = 10;

/// The bar of the current scale.
#[derive(Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match *event {
            Event::Scale { number, count, size, iterations, .. } => {
                self.finish();
                let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
                let bar = ProgressBar::with_draw_target(Some(u64::from(iterations)), target);
                let style = ProgressStyle::with_template(
                    "{prefix} {wide_bar:.cyan/blue} {pos}/{len} {msg} {per_sec} {eta} left",
                );
                bar.set_style(style.expect("the template is constant and well formed"));
                bar.set_prefix(format!("{number}/{count} {size}"));
                bar.enable_steady_tick(Duration::from_millis(500));
                self.bar = Some(bar);
            }
            Event::Iteration { iteration, loss, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_position(u64::from(iteration));
                    bar.set_message(format!(
                        "loss {:.4} (content {:.4} style {:.4} tv {:.5})",
                        loss.total, loss.content, loss.style, loss.tv
                    ));
                }
            }
            _ => {}
        }
    }

    /// Leaves the last bar as it is.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }

    /// Prints something of interest only to someone who watches.
    pub fn note(&self, line: &str) {
        if std::io::stderr().is_terminal() {
            self.say(line);
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("impasto: {line}")),
            None => eprintln!("impasto: {line}"),
        }
    }
}

impl Watcher for Progress {
    fn see(&mut self, event: &Event) {
        self.show(event);
    }

    fn say(&self, line: &str) {
        Progress::say(self, line);
    }

    fn finish(&mut self) {
        Progress::finish(self);
    }
}
