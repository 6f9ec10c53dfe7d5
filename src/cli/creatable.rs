//! Files other than pictures: checked before the work, and written whole or not at all.

use super::CliError;
use impasto::replace_file::temporary_file_beside;
use std::{
    io::{self, ErrorKind, Write},
    path::Path,
};
use tempfile::NamedTempFile;

/// Checks, before the work, that a file can be written to a path; leaves nothing behind.
pub(crate) fn check_creatable(path: &Path) -> Result<(), CliError> {
    temporary_file(path).map(drop).map_err(|source| CliError::Write { path: path.to_owned(), source })
}

/// Writes a file under a temporary name first, so that a partial one never appears under its own.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let mut file = temporary_file(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn temporary_file(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if path.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "a write-protected file of that name exists"));
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let reason = format!("there is no directory {}", directory.display());
        return Err(io::Error::new(ErrorKind::NotFound, reason));
    }
    temporary_file_beside(path)
}
