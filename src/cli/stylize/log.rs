//! `--log`: a line of JSON for every iteration.

use crate::cli::CliError;
use serde::Serialize;
use std::{
    fs::File,
    io::{LineWriter, Write},
    path::{Path, PathBuf},
};

#[derive(Serialize)]
pub(super) struct LogLine {
    pub scale: u32,
    pub width: u32,
    pub height: u32,
    pub iteration: u32,
    pub total: f64,
    pub content: f64,
    pub style: f64,
    pub tv: f64,
    pub seconds: f64,
}

/// A file of JSON lines; the first error is kept for the end.
pub(crate) struct Log {
    path: PathBuf,
    file: LineWriter<File>,
    failure: Option<std::io::Error>,
}

impl Log {
    /// A new file, or the end of the old one if a painting is resumed.
    pub fn open(path: &Path, goes_on: bool) -> Result<Log, CliError> {
        let mut options = File::options();
        options.create(true).append(goes_on).write(true).truncate(!goes_on);
        match options.open(path) {
            Ok(file) => Ok(Log { path: path.to_owned(), file: LineWriter::new(file), failure: None }),
            Err(source) => Err(CliError::Write { path: path.to_owned(), source }),
        }
    }

    pub(super) fn write(&mut self, line: &LogLine) {
        if self.failure.is_none() {
            let written = serde_json::to_writer(&mut self.file, line).map_err(std::io::Error::from);
            self.failure = written.and_then(|()| self.file.write_all(b"\n")).err();
        }
    }

    pub fn finish(mut self) -> Result<(), CliError> {
        let flushed = self.file.flush().err();
        match self.failure.or(flushed) {
            None => Ok(()),
            Some(source) => Err(CliError::Write { path: self.path, source }),
        }
    }
}
