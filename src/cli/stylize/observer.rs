//! What is done with events: the bar, the log, the snapshots.

use super::log::{Log, LogLine};
use crate::cli::{
    overwrite::{Input, Output, refuse_overwriting_inputs},
    paint::Watcher,
    progress::Progress,
};
use impasto::{
    picture::{Encoding, Picture},
    style::Event,
};
use std::path::{Path, PathBuf};

/// See the module.
pub(crate) struct Observer<'a> {
    /// The result, beside which snapshots go.
    pub output: &'a Path,
    /// How they are written.
    pub encoding: &'a Encoding,
    /// What must not be overwritten by a snapshot.
    pub inputs: Vec<Input>,
    pub progress: Progress,
    pub log: Option<Log>,
    /// Whether the last snapshot failed: a full disk fails again each time, which is said once.
    pub failing: bool,
}

impl Observer<'_> {
    /// A snapshot that cannot be written is no reason to stop painting.
    fn snapshot(&mut self, iteration: u32, picture: &Picture) {
        let path = snapshot_path(self.output, picture.size().long_side(), iteration);
        let output = Output { option: "--save-every", path: &path };
        let saved =
            refuse_overwriting_inputs(&self.inputs, output).and_then(|()| Ok(picture.save_as(&path, self.encoding)?));
        let failed_before = std::mem::replace(&mut self.failing, saved.is_err());
        if let Err(error) = saved
            && !failed_before
        {
            self.progress.console().say(&format!("{error}; it is tried again, and not mentioned, for later pictures"));
        }
    }
}

impl Watcher for Observer<'_> {
    fn see(&mut self, event: &Event) {
        self.progress.show(event);
        match event {
            Event::Iteration { size, iteration, loss, seconds, .. } => {
                if let Some(log) = &mut self.log {
                    log.write(&LogLine {
                        scale: size.long_side(),
                        width: size.width,
                        height: size.height,
                        iteration: *iteration,
                        total: loss.total,
                        content: loss.content,
                        style: loss.style,
                        tv: loss.tv,
                        edges: loss.edges,
                        seconds: *seconds,
                    });
                }
            }
            Event::Snapshot { iteration, picture } => self.snapshot(*iteration, picture),
            Event::OutOfRange { iteration } => {
                let line = format!("a value left the range of f16 after {iteration} iterations: going on in f32");
                self.progress.console().say(&line);
            }
            Event::Converged { iteration } => {
                let line = format!("nothing better was found after {iteration} iterations at this size");
                self.progress.console().note(&line);
            }
            _ => {}
        }
    }

    fn say(&mut self, line: &str) {
        self.progress.console().say(line);
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
