//! Files that appear whole or not at all: written under a temporary name first, then renamed.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};
use tempfile::NamedTempFile;

/// A temporary file in the directory of `path`, to be renamed to it, with the permissions that any new file gets.
///
/// # Errors
/// If no file can be created there; the message omits the temporary file's name, which would only puzzle.
pub fn temporary_file_beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Temporary files are private unless told otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".impasto-").tempfile_in(directory).map_err(|error| error.kind().into())
}

/// Lets `write` fill a temporary file beside `path` and then gives it that name; if anything fails, nothing is left
/// behind.
pub(crate) fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = temporary_file_beside(path)?;
    let mut writer = BufWriter::new(file.as_file_mut());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
