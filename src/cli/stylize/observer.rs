//! What is done with events: the bar, the log, the snapshots.

use super::log::{Log, LogLine};
use crate::cli::{paint::Watcher, progress::Progress};
use impasto::style::Event;
use std::path::{Path, PathBuf};

/// See the module.
pub(crate) struct Observer<'a> {
    pub output: &'a Path,
    pub progress: Progress,
    pub log: Option<Log>,
}

impl Watcher for Observer<'_> {
    fn see(&mut self, event: &Event) {
        self.progress.show(event);
        match event {
            Event::Iteration { size, iteration, loss, seconds, .. } => {
                if let Some(log) = &mut self.log {
                    log.write(&LogLine {
                        scale: size.width.max(size.height),
                        width: size.width,
                        height: size.height,
                        iteration: *iteration,
                        total: loss.total,
                        content: loss.content,
                        style: loss.style,
                        tv: loss.tv,
                        seconds: *seconds,
                    });
                }
            }
            Event::Snapshot { iteration, picture } => {
                let scale = picture.size().width.max(picture.size().height);
                // A snapshot that cannot be written is no reason to stop painting.
                if let Err(error) = picture.save(snapshot_path(self.output, scale, *iteration)) {
                    self.progress.say(&error.to_string());
                }
            }
            Event::OutOfRange { iteration } => {
                self.progress
                    .say(&format!("a value left the range of f16 after {iteration} iterations: going on in f32"));
            }
            Event::Converged { iteration } => {
                self.progress.note(&format!("nothing better was found after {iteration} iterations at this size"));
            }
            _ => {}
        }
    }

    fn say(&self, line: &str) {
        self.progress.say(line);
    }

    fn finish(&mut self) {
        self.progress.finish();
    }
}

/// `OUTPUT-<size>-<iteration>.png` beside the output.
fn snapshot_path(output: &Path, scale: u32, iteration: u32) -> PathBuf {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!("{stem}-{scale}-{iteration}.png"))
}
