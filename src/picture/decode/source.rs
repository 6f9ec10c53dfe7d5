//! Where a picture's bytes come from, and how many are read at most.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Take};
use std::path::Path;

use image::ImageFormat;

use super::super::{Format, PictureError};
use super::{Detail, MOST_PIXELS, count, format_of, jpeg};
use crate::plan::Size;

/// The longest file that is opened in a format that is not read row by row. A picture of the most pixels that are held,
/// without compression and with 64 bits for each, takes 2 GiB.
const LONGEST_FILE: u64 = 4 << 30;

/// The most that is read from what is no file, such as a pipe, and has to be held in memory.
const LONGEST_STREAM: u64 = 512 << 20;

/// So many bytes begin every format that is read.
const SIGNATURE: u64 = 16;

/// The bytes of a picture, from its first.
pub(in crate::picture) enum Source {
    /// A file, up to the length that it had.
    File {
        reader: BufReader<Take<File>>,
        length: u64,
    },
    Held(Cursor<Vec<u8>>),
}

impl Source {
    /// A file that begins like a picture.
    pub(in crate::picture) fn open(path: &Path, detail: Detail) -> Result<(&'static Format, Source), PictureError> {
        if path.is_dir() {
            return Err(PictureError::Directory { path: path.into() });
        }
        let failed = |reason| PictureError::Read { path: path.into(), reason };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let length = metadata.len();
        // Some files of Linux say that they are empty and are not.
        if !metadata.is_file() || length == 0 {
            return Source::hold(path, file, detail);
        }
        let mut signature = Vec::new();
        file.by_ref().take(SIGNATURE).read_to_end(&mut signature).map_err(failed)?;
        let format = format_of(path, &signature)?;
        let in_rows = matches!(format.format, ImageFormat::Png | ImageFormat::Tiff);
        if length > LONGEST_FILE && !in_rows {
            return Err(PictureError::TooManyBytes { path: path.into(), limit: LONGEST_FILE >> 20 });
        }
        file.rewind().map_err(failed)?;
        Ok((format, Source::File { reader: BufReader::new(file.take(length)), length }))
    }

    /// All of a stream. What is no picture, or too large a one, is refused when its first bytes say so.
    pub(in crate::picture) fn hold(
        path: &Path,
        mut stream: impl Read,
        detail: Detail,
    ) -> Result<(&'static Format, Source), PictureError> {
        let failed = |reason| PictureError::Read { path: path.into(), reason };
        let mut bytes = Vec::new();
        stream.by_ref().take(SIGNATURE).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            return Err(PictureError::Empty { path: path.into() });
        }
        let format = format_of(path, &bytes)?;
        let mut wanted = 1 << 16;
        while stream.by_ref().take(wanted).read_to_end(&mut bytes).map_err(failed)? as u64 == wanted {
            if let Some(size) = claimed_size(format, &bytes)
                && count(if is_in_rows(format, &bytes) { detail.reduced(size) } else { size }) > MOST_PIXELS
            {
                return Err(PictureError::TooManyPixels { path: path.into(), size, limit: MOST_PIXELS / 1_000_000 });
            }
            let length = bytes.len() as u64;
            if length > LONGEST_STREAM {
                return Err(PictureError::TooManyBytes { path: path.into(), limit: LONGEST_STREAM >> 20 });
            }
            wanted = length.min(LONGEST_STREAM + 1 - length).max(1);
        }
        Ok((format, Source::Held(Cursor::new(bytes))))
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        match self {
            Source::File { length, .. } => *length,
            Source::Held(bytes) => bytes.get_ref().len() as u64,
        }
    }

    /// How many of them are in memory.
    pub(super) fn held(&self) -> u64 {
        match self {
            Source::File { .. } => 0,
            Source::Held(bytes) => bytes.get_ref().len() as u64,
        }
    }
}

/// The size in a header whose place is known from a file's first bytes; None if it is not among them, or elsewhere.
fn claimed_size(format: &Format, bytes: &[u8]) -> Option<Size> {
    let field = |at: usize| bytes.get(at..at + 4)?.try_into().ok();
    let (width, height) = match format.format {
        ImageFormat::Png => (u32::from_be_bytes(field(16)?), u32::from_be_bytes(field(20)?)),
        ImageFormat::Bmp => (u32::from_le_bytes(field(18)?), i32::from_le_bytes(field(22)?).unsigned_abs()),
        ImageFormat::Jpeg => {
            let size = jpeg::Scan::of(&mut &bytes[..]).ok()?.size;
            (size.width, size.height)
        }
        _ => return None,
    };
    Some(Size { width, height })
}

/// Whether the header is that of a PNG without interlacing.
fn is_in_rows(format: &Format, bytes: &[u8]) -> bool {
    format.format == ImageFormat::Png && bytes.get(28) == Some(&0)
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::File { reader, .. } => reader.read(buffer),
            Source::Held(bytes) => bytes.read(buffer),
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Source::File { reader, .. } => reader.fill_buf(),
            Source::Held(bytes) => bytes.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Source::File { reader, .. } => reader.consume(count),
            Source::Held(bytes) => bytes.consume(count),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Source::File { reader, .. } => reader.seek(to),
            Source::Held(bytes) => bytes.seek(to),
        }
    }

    // The default for a BufReader throws its buffer away.
    fn seek_relative(&mut self, offset: i64) -> io::Result<()> {
        match self {
            Source::File { reader, .. } => reader.seek_relative(offset),
            Source::Held(bytes) => bytes.seek_relative(offset),
        }
    }
}
