//! Pictures that a command reads: from files or, by the name `-`, from standard input.

use super::{CliError, console::Console};
use impasto::picture::Picture;
use std::path::Path;

/// Whether a path means standard input or output.
pub(crate) fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Checks that at most one of some paths means standard input.
pub(crate) fn at_most_one_from_standard_input<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), CliError> {
    if paths.into_iter().filter(|path| is_standard_stream(path)).count() > 1 {
        return Err(CliError::Usage(
            "- is standard input, which can be only one of the pictures: name files for the others".to_owned(),
        ));
    }
    Ok(())
}

/// Reads a picture.
pub(crate) fn read_picture(path: &Path, _console: &Console) -> Result<Picture, CliError> {
    Ok(Picture::open(path)?)
}
