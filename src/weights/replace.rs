//! Files that appear whole or not at all.

use crate::files::temporary_file_beside;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// Lets `write` fill a temporary file beside `path` and then gives it that name; if anything fails, nothing is left.
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
