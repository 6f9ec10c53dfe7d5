//! What can go wrong with a picture.

use std::path::PathBuf;

use crate::plan::Size;

/// Why a picture cannot be read, made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// A picture without pixels.
    #[error("a picture of {size} has no pixels: both sides must be at least 1")]
    NoPixels {
        /// The size asked for.
        size: Size,
    },
    /// Size and number of values disagree.
    #[error("a picture of {size} takes {} values, three for each pixel, but {found} were given", 3 * size.pixels())]
    WrongLength {
        /// The size asked for.
        size: Size,
        /// Values given.
        found: usize,
    },
    /// Size and number of a mask's values disagree.
    #[error("a mask of {size} takes {} values, one for each pixel, but {found} were given", size.pixels())]
    WrongMaskLength {
        /// The size asked for.
        size: Size,
        /// Values given.
        found: usize,
    },
    /// A mask's values are not all in [0, 1].
    #[error("a mask takes values from 0 to 1, but {count} of {total} are not: clamp them first")]
    NoShares {
        /// Values beyond, or that are no numbers.
        count: usize,
        /// All values.
        total: usize,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {reason}; check the path and its permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// A directory where a picture was expected.
    #[error("{path} is a directory: name a picture file in it")]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// A file without a byte in it.
    #[error("{path} is empty: copy or download it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The content is in no supported format.
    #[error(
        "{path} is {found}, but pictures are read from PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF and PNM files: save it in one of these formats"
    )]
    UnknownContent {
        /// The file.
        path: PathBuf,
        /// What the content looks like.
        found: String,
    },
    /// A known format in an unsupported variant.
    #[error("{path} is a kind of {format} file that is not read ({reason}): save it again as a PNG of 8 or 16 bits")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// The content breaks the rules of its format, or ends early.
    #[error("{path} is a damaged or incomplete {format} file ({reason}): copy, download or export it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// More pixels than are accepted.
    #[error(
        "{path} claims to be {size}, but in its format and for its use pictures are read up to {limit} million pixels: shrink it first"
    )]
    TooManyPixels {
        /// The file.
        path: PathBuf,
        /// The size in the file's header.
        size: Size,
        /// The most that is accepted, in millions.
        limit: u64,
    },
    /// Reading the picture would take more memory than is accepted.
    #[error(
        "reading {path} ({format}, {size}) takes {needed} MiB of memory, more than the {limit} MiB that are accepted: shrink it first, or save it again as a PNG that is not interlaced"
    )]
    TooMuchMemory {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// The size in the file's header.
        size: Size,
        /// What it takes, in MiB.
        needed: u64,
        /// The most that is accepted, in MiB.
        limit: u64,
    },
    /// More bytes than are read.
    #[error(
        "{path} goes on after {limit} MiB, the most that is read: check that it is one picture, shrink it, or give a file and not a pipe"
    )]
    TooManyBytes {
        /// The file.
        path: PathBuf,
        /// The most that is read, in MiB.
        limit: u64,
    },
    /// A file of floating-point values with NaN or infinity among them.
    #[error(
        "{path} holds {count} values that are not finite, out of {total}: export it again as a PNG of 8 or 16 bits"
    )]
    NotFiniteInFile {
        /// The file.
        path: PathBuf,
        /// NaNs and infinities.
        count: usize,
        /// All values.
        total: usize,
    },
    /// A picture with NaN or infinity in it is not written.
    #[error(
        "{path} was not written, because {count} of {total} values of the picture are not finite: lower the learning rate or the loss weights"
    )]
    NotFinite {
        /// The file to be written.
        path: PathBuf,
        /// NaNs and infinities.
        count: usize,
        /// All values.
        total: usize,
    },
    /// The name does not say which format to write.
    #[error("{path} does not end in a known extension: use .png, .jpg, .jpeg, .webp, .tif, .tiff or .bmp")]
    UnknownExtension {
        /// The file to be written.
        path: PathBuf,
    },
    /// A directory stands where the picture should go.
    #[error("cannot write {path}, because it is a directory: name a file in it")]
    OutputIsDirectory {
        /// The file to be written.
        path: PathBuf,
    },
    /// The directory that the picture should go to is not there.
    #[error("cannot write {path}, because there is no directory {directory}: create it, or write elsewhere")]
    NoDirectory {
        /// The file to be written.
        path: PathBuf,
        /// The directory that is missing.
        directory: PathBuf,
    },
    /// A file that must not be replaced.
    #[error("cannot write {path}, because a write-protected file of that name exists: remove it, or use another name")]
    WriteProtected {
        /// The file to be written.
        path: PathBuf,
    },
    /// A side is too long for the format.
    #[error(
        "cannot write {path}: a {format} file holds sides up to {limit}, but the picture is {size}; use .png, .tiff or .bmp"
    )]
    SideTooLong {
        /// The file to be written.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// The longest side.
        limit: u32,
        /// Size of the picture.
        size: Size,
    },
    /// A file of the format would be longer than it can be.
    #[error(
        "cannot write {path}: a {format} file has at most 4 GiB, but the picture of {size} takes {mebibytes} MiB; use .png or .tiff"
    )]
    FileTooLong {
        /// The file to be written.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// What the pixels take.
        mebibytes: u64,
        /// Size of the picture.
        size: Size,
    },
    /// More bits were asked for than the format holds.
    #[error("cannot write {path} with 16 bits, because {format} files are written with 8: use .png or .tiff")]
    EightBitsOnly {
        /// The file to be written.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
    },
    /// The record is too long.
    #[error(
        "cannot write {path}, because the record of how it was made takes {length} bytes, more than {limit}: leave the record out"
    )]
    RecordTooLong {
        /// The file to be written.
        path: PathBuf,
        /// What it takes.
        length: usize,
        /// The most that a file holds.
        limit: usize,
    },
    /// The encoder failed.
    #[error("cannot encode {path} as {format} ({reason}): try .png")]
    Encode {
        /// The file to be written.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
        /// The encoder's words.
        reason: String,
    },
    /// The system refused to create or to write the file.
    #[error("cannot write {path}: {reason}; check permissions and free space, or write elsewhere")]
    Write {
        /// The file to be written.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
}
