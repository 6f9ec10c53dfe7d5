//! Pictures that a command reads: from files or, by the name `-`, from standard input.

use super::{CliError, console::Console};
use impasto::picture::{Detail, Frames, Mask, Opened, Picture};
use std::{io, path::Path};

/// What errors call standard input.
const STANDARD_INPUT: &str = "standard input";

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

/// Reads a mask.
pub(crate) fn read_mask(path: &Path, detail: Detail) -> Result<Mask, CliError> {
    Ok(if is_standard_stream(path) {
        Mask::read_for(Path::new(STANDARD_INPUT), io::stdin().lock(), detail)?
    } else {
        Mask::open(path, detail)?
    })
}

/// Reads a picture.
pub(crate) fn read_picture(path: &Path, detail: Detail, console: &Console) -> Result<Opened, CliError> {
    let opened = if is_standard_stream(path) {
        Picture::read_for(Path::new(STANDARD_INPUT), io::stdin().lock(), detail)?
    } else {
        Picture::open_for(path, detail)?
    };
    let name = if is_standard_stream(path) { STANDARD_INPUT.into() } else { path.to_string_lossy() };
    if opened.frames == Frames::Animated {
        console.say(&format!("{name} is an animation, of which the first frame is used"));
    }
    let (own, size) = (opened.size, opened.picture.size());
    if own != size {
        console.detail(&format!("{name} of {own} is read at {size}, which is enough for its use"));
    }
    Ok(opened)
}
