//! `--log`: a line of JSON for every iteration.

use crate::cli::{CliError, creatable::write_error};
use impasto::replace_file::begin_file;
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Write},
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
    pub edges: f64,
    pub seconds: f64,
}

/// A file of JSON lines; the first error is kept for the end.
pub(crate) struct Log {
    path: PathBuf,
    /// None before the first line: until then an earlier file of that name stays.
    file: Option<File>,
    failure: Option<io::Error>,
}

impl Log {
    /// A log that replaces an earlier one, or continues it if a painting is resumed.
    pub fn new(path: &Path, goes_on: bool) -> Result<Log, CliError> {
        let earlier = goes_on.then(|| File::options().append(true).open(path));
        let file = match earlier {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => None,
            earlier => earlier.transpose().map_err(write_error(path))?,
        };
        Ok(Log { path: path.to_owned(), file, failure: None })
    }

    pub(super) fn write(&mut self, line: &LogLine) {
        if self.failure.is_none() {
            self.failure = self.append(line).err();
        }
    }

    fn append(&mut self, line: &LogLine) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        match &mut self.file {
            Some(file) => file.write_all(&bytes),
            None => begin_file(&self.path, &bytes).map(|file| self.file = Some(file)),
        }
    }

    pub fn finish(self) -> Result<(), CliError> {
        match self.failure {
            None => Ok(()),
            Some(source) => Err(write_error(&self.path)(source)),
        }
    }
}
