//! Files other than pictures: checked before the work, and written whole or not at all.

use super::CliError;
use impasto::replace_file::{check_replaceable, replace_file};
use std::{io, io::Write, path::Path};

/// Checks, before the work, that a file can be written to a path; leaves nothing behind.
pub(crate) fn check_creatable(path: &Path) -> Result<(), CliError> {
    check_replaceable(path).map_err(write_error(path))
}

/// Writes a file under a temporary name first, so that a partial one never appears under its own.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    replace_file(path, |file| file.write_all(bytes)).map_err(write_error(path))
}

/// The error of a file that cannot be written.
pub(crate) fn write_error(path: &Path) -> impl Fn(io::Error) -> CliError {
    move |source| CliError::Write { path: path.to_owned(), source }
}
