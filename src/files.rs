//! Files that appear whole or not at all: written under a temporary name first, then renamed.

use std::{io, path::Path};
use tempfile::NamedTempFile;

/// A temporary file in the directory of `path`, to be renamed to it, with the permissions that any new file gets.
///
/// # Errors
/// If no file can be created there; the message does not name the temporary file, which would only puzzle.
pub fn temporary_file_beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Temporary files are private unless told otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".impasto-").tempfile_in(directory).map_err(|error| error.kind().into())
}
