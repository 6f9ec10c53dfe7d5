//! How far the painting is: a bar on a terminal, and a line now and then elsewhere.

mod reports;
mod words;

pub(crate) use words::about;

use super::{console::Console, paint::Watcher};
use impasto::{
    plan::Size,
    style::{Estimate, Event, Loss, Recipe},
};
use indicatif::{ProgressBar, ProgressStyle};
use reports::Reports;
use std::time::{Duration, Instant};
use words::clock;

/// Steps of a bar.
const STEPS: f64 = 10_000.0;
/// Columns of a terminal that has room for each loss.
const WIDE: u16 = 120;

/// See the module.
pub(crate) struct Progress {
    console: Console,
    bar: ProgressBar,
    estimate: Estimate,
    reports: Reports,
    start: Instant,
}

impl Progress {
    /// For a painting that grows through these sizes.
    pub fn new(console: &Console, recipe: &Recipe, sizes: &[Size]) -> Progress {
        let bar = console.bar(ProgressBar::new(STEPS as u64));
        let style = ProgressStyle::with_template("{prefix} {wide_bar:.cyan/blue} {msg}");
        bar.set_style(style.expect("the template is constant and well formed"));
        Progress {
            console: console.clone(),
            bar,
            estimate: Estimate::of(recipe, sizes),
            reports: Reports::default(),
            start: Instant::now(),
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Scale { number, styles, iterations, .. } => {
                self.estimate.begin(*number - 1);
                let stage = self.stage();
                self.bar.set_prefix(stage.clone());
                self.bar.tick();
                let seen: Vec<String> = styles.iter().map(ToString::to_string).collect();
                let seen = seen.join(", ");
                self.console.detail(&format!("{stage}: {iterations} iterations, the painting seen at {seen}"));
            }
            Event::DeviceLost(lost) => self.console.say(&lost.to_string()),
            &Event::Iteration { iteration, loss, seconds, .. } => {
                self.estimate.advance(iteration, seconds);
                if self.console.has_bars() {
                    self.bar.set_message(self.state(loss, terminal_width() >= WIDE));
                    self.bar.set_position((STEPS * self.estimate.part()) as u64);
                } else if self.reports.is_due(self.start.elapsed()) {
                    self.console.say(&self.line(loss));
                }
            }
            _ => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }

    pub fn console(&self) -> &Console {
        &self.console
    }

    /// `3/5 256x192`.
    fn stage(&self) -> String {
        let (number, count) = self.estimate.number();
        let size = self.estimate.present().map_or(String::new(), |stage| stage.size.to_string());
        format!("{number}/{count} {size}")
    }

    /// `42 %, loss 0.1234, 1:05 left`.
    fn state(&self, loss: Loss, in_full: bool) -> String {
        let percent = (100.0 * self.estimate.part()).floor();
        let [total, content, style, tv] = [loss.total, loss.content, loss.style, loss.tv].map(shown);
        let parts = if in_full { format!(" (content {content} style {style} tv {tv})") } else { String::new() };
        let left = self.estimate.left().map_or(String::new(), |left: Duration| format!(", {} left", clock(left)));
        format!("{percent:3} %, loss {total}{parts}{left}")
    }

    fn line(&self, loss: Loss) -> String {
        let of = self.estimate.present().map_or(0, |stage| stage.iterations);
        let state = self.state(loss, false);
        format!("{}, iteration {} of {of}, {}", self.stage(), self.estimate.iteration(), state.trim_start())
    }
}

/// A loss in few digits: those of mean squared errors may be of any size.
fn shown(loss: f64) -> String {
    if loss == 0.0 || (1e-3..1e5).contains(&loss) { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

fn terminal_width() -> u16 {
    ::console::Term::stderr().size().1
}

impl Watcher for Progress {
    fn see(&mut self, event: &Event) {
        self.show(event);
    }

    fn say(&mut self, line: &str) {
        self.console.say(line);
    }

    fn finish(&mut self) {
        Progress::finish(self);
    }
}
