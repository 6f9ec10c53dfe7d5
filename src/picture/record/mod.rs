//! What a picture remembers of how it was made: a text in its file.

mod find;
mod xmp;

pub use find::{Marks, marks, recorded, recorded_in};
pub(super) use xmp::{insert_into_jpeg, packet};

use std::path::Path;

use super::PictureError;

/// By which the text is found in a PNG.
pub(super) const KEYWORD: &str = "impasto";

/// The longest record, in bytes, with what its format needs around it: a segment of a JPEG holds no more.
const LONGEST: usize = 65_000;

/// Whether a record is short enough to be written, see [`super::Encoding::record`].
pub fn record_fits(text: &str) -> bool {
    packet(text).len() <= LONGEST
}

/// [`record_fits`], as an error.
pub(super) fn check(path: &Path, record: Option<&str>) -> Result<(), PictureError> {
    let length = record.map_or(0, |text| packet(text).len());
    if length > LONGEST {
        return Err(PictureError::RecordTooLong { path: path.into(), length, limit: LONGEST });
    }
    Ok(())
}
