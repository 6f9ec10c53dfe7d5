//! Files to pixels.

#[cfg(not(target_family = "wasm"))]
mod avif;
mod canvas;
mod code_points;
#[cfg(not(target_family = "wasm"))]
mod container;
mod gif;
mod jpeg;
mod panics;
mod png;
mod source;
mod tiff;
mod webp;
mod whole;

pub use panics::silence_decoder_panics;

use std::fmt::Display;
use std::io::{Read, Seek};
use std::path::Path;

use image::{ImageFormat, metadata::Orientation};

use super::{FORMATS, Format, Mask, Picture, PictureError, colour::Colours, exif, fit_long_side};
use crate::plan::Size;
use canvas::{Canvas, Layout, upright};
pub(super) use panics::caught;
pub(super) use source::Source;

/// The most pixels that are held. A square of side 16384: beyond it, the picture and its copies no longer fit in an
/// ordinary machine's memory.
const MOST_PIXELS: u64 = 1 << 28;

/// The most pixels of a picture that is read row by row for a smaller use. A square of side 131072, which takes minutes
/// and no memory; a damaged or hostile file can claim any number.
const MOST_PASSING: u64 = 1 << 34;

/// The memory for reading a picture: the result, and what is needed on the way to it.
const BUDGET_MIB: u64 = 3 << 10;

/// The part of the budget for what is needed on the way: bytes held, the decoder's arrays and its samples. A file found
/// damaged has taken no more than this and the rows of the result that it gave.
const WORK_MIB: u64 = 1 << 10;

/// Bytes that the colours of a pixel take.
const COLOURS: u64 = 3 * size_of::<f32>() as u64;

/// Bytes that its alpha takes: a value, and a third of four for the smaller pictures by which what is hidden is filled.
const ALPHA: u64 = 10;

/// Bytes that a column of a picture takes that is read row by row: its parts of averages, and its values in rows.
const COLUMN: u64 = 64;

/// How much longer than its picture's use needs the long side of a reduced picture is at least. The resizing that
/// follows averages over more than a pixel, so that what the reduction did to the finest detail does not show.
const OVERSAMPLING: u32 = 2;

/// The most characters of a decoder's words that are shown.
const LONGEST_REASON: usize = 200;

/// How much of a picture its use needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Every pixel.
    Full,
    /// The use will shrink it to at most so many pixels on its long side. The picture may be smaller than its file
    /// says, by the same factor in both directions, but is at least twice as large as the use needs.
    LongSide(u32),
}

impl Detail {
    /// By how much a picture may be shrunk: 1 or more.
    fn factor(self, own: Size) -> u32 {
        match self {
            Detail::Full => 1,
            Detail::LongSide(long) => (own.long_side() / long.max(1).saturating_mul(OVERSAMPLING)).max(1),
        }
    }

    /// The size at which a picture is held.
    fn reduced(self, own: Size) -> Size {
        let factor = self.factor(own);
        let reduced = Size { width: (own.width / factor).max(1), height: (own.height / factor).max(1) };
        match self {
            // As small as it may be, where whole factors leave too much.
            Detail::LongSide(long) if count(reduced) > MOST_PIXELS => {
                fit_long_side(own, reduced.long_side().min(long.saturating_mul(OVERSAMPLING)))
            }
            _ => reduced,
        }
    }
}

/// Pixels in all, which a file can claim to be more than a `usize` holds.
fn count(size: Size) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}

/// Whether a file holds one picture or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// One picture.
    Single,
    /// An animation, of which the first frame was used.
    Animated,
}

/// A picture from a file, and what the file says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The picture, upright.
    pub picture: Picture,
    /// The size in the file, upright: larger than the picture's if that was reduced, see [`Detail`].
    pub size: Size,
    /// Whether the file holds more than this picture.
    pub frames: Frames,
    /// How opaque the picture is at each of its pixels; none if all of it is.
    pub alpha: Option<Mask>,
    /// What a PNG, JPEG or WebP file says in EXIF of the camera, the moment and the place, as it is right for an upright
    /// picture, and without a thumbnail.
    pub exif: Option<Vec<u8>>,
}

impl Picture {
    /// Reads a PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or PNM file, whatever its name.
    ///
    /// The picture is turned upright as its EXIF, TIFF or AVIF orientation says, and converted to sRGB if it carries a
    /// colour profile; a profile that is broken, longer than 4 MiB or of another kind than the pixels is ignored. Grey
    /// and palette pictures become RGB; CMYK is converted without a profile. Values of floating-point files are taken
    /// as sRGB-coded and clamped to [0, 1]. Of an animation, the first frame is read.
    ///
    /// Of pictures that are not opaque everywhere, this gives the colours, which nothing behind the picture has been
    /// mixed into, and [`Picture::open_for`] also how opaque they are; [`Picture::over_white`] composites both. The colour
    /// under full transparency is arbitrary, often black or the remains of what was erased, and would be painted as if it
    /// belonged to the picture: there, the colours around are continued smoothly, and a picture of which nothing is to be
    /// seen is white.
    ///
    /// # Errors
    /// If the file cannot be read, is not a picture in one of these formats, is damaged or incomplete, has more than
    /// 2^28 pixels (found from its header, before anything is decoded), takes more memory to read than 3 GiB, is longer
    /// than 4 GiB and neither PNG nor TIFF, or holds values that are not finite.
    pub fn open(path: impl AsRef<Path>) -> Result<Picture, PictureError> {
        Ok(Picture::open_for(path, Detail::Full)?.picture)
    }

    /// Reads a file as [`Picture::open`] does, but only as much detail as its use needs, in less memory. Where a format is
    /// read row by row, PNG without interlacing and TIFF in strips, 2^28 pixels limit the picture that comes of it, and the
    /// file may have 2^34.
    ///
    /// # Errors
    /// As [`Picture::open`].
    pub fn open_for(path: impl AsRef<Path>, detail: Detail) -> Result<Opened, PictureError> {
        let path = path.as_ref();
        let (format, source) = Source::open(path, detail)?;
        decode(path, format, source, detail, Profiles::Obeyed)
    }

    /// Reads a picture as [`Picture::open_for`] does, from bytes or a stream, which errors call `name`.
    ///
    /// The stream is read to its end and held in memory, unless what comes first is refused.
    ///
    /// # Errors
    /// As [`Picture::open`]; a stream may be up to 512 MiB long.
    pub fn read_for(name: &Path, source: impl Read, detail: Detail) -> Result<Opened, PictureError> {
        let (format, source) = Source::hold(name, source, detail)?;
        decode(name, format, source, detail, Profiles::Obeyed)
    }
}

/// See [`Mask::open`].
pub(super) fn open_mask(path: &Path, detail: Detail) -> Result<Mask, PictureError> {
    let (format, source) = Source::open(path, detail)?;
    Ok(decode(path, format, source, detail, Profiles::Ignored)?.into_mask())
}

/// See [`Mask::read_for`].
pub(super) fn read_mask(name: &Path, source: impl Read, detail: Detail) -> Result<Mask, PictureError> {
    let (format, source) = Source::hold(name, source, detail)?;
    Ok(decode(name, format, source, detail, Profiles::Ignored)?.into_mask())
}

impl Opened {
    fn into_mask(self) -> Mask {
        Mask::of_pixels(self.picture.size, &self.picture.pixels, self.alpha.as_ref())
    }
}

/// The format that a file's first bytes belong to.
fn format_of(path: &Path, signature: &[u8]) -> Result<&'static Format, PictureError> {
    let guess = match signature {
        // AVIF files need not name that brand first.
        [_, _, _, _, b'f', b't', b'y', b'p', ..]
            if [b"avis", b"mif1", b"msf1", b"miaf"].iter().any(|brand| signature[8..].starts_with(*brand)) =>
        {
            Some(ImageFormat::Avif)
        }
        // BigTIFF, which counts in 64 bits.
        [b'I', b'I', 43, 0, ..] | [b'M', b'M', 0, 43, ..] => Some(ImageFormat::Tiff),
        _ => image::guess_format(signature).ok(),
    };
    FORMATS.iter().find(|format| Some(format.format) == guess).ok_or_else(|| {
        let found = match guess {
            Some(other) => format!("a file of type {}", other.to_mime_type()),
            None => "no picture in a format known here".into(),
        };
        PictureError::UnknownContent { path: path.into(), found }
    })
}

/// Why a decoder did not finish.
enum Failure {
    Picture(PictureError),
    /// The colour profile gives values that are not finite: to be tried without.
    Profile,
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Failure {
        Failure::Picture(error)
    }
}

/// What is done with a file's colour profile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profiles {
    Obeyed,
    Ignored,
}

fn decode(
    path: &Path,
    format: &'static Format,
    source: Source,
    detail: Detail,
    profiles: Profiles,
) -> Result<Opened, PictureError> {
    let mut job = Job { path, format, detail, profiles };
    let mut source = source;
    loop {
        let decoder = match format.format {
            ImageFormat::Png => png::decode,
            ImageFormat::Jpeg => jpeg::decode,
            ImageFormat::WebP => webp::decode,
            ImageFormat::Gif => gif::decode,
            #[cfg(not(target_family = "wasm"))]
            ImageFormat::Avif => avif::decode,
            #[cfg(target_family = "wasm")]
            ImageFormat::Avif => not_here,
            ImageFormat::Tiff => tiff::decode,
            _ => whole::decode,
        };
        return match caught(|| decoder(&mut source, &job)) {
            Some(Ok(opened)) => Ok(opened),
            Some(Err(Failure::Picture(error))) => Err(error),
            Some(Err(Failure::Profile)) if job.profiles == Profiles::Obeyed => {
                source.rewind().map_err(|reason| PictureError::Read { path: path.into(), reason })?;
                job.profiles = Profiles::Ignored;
                continue;
            }
            Some(Err(Failure::Profile)) => Err(job.damaged("its colours cannot be converted")),
            None => Err(job.damaged("its parts contradict each other")),
        };
    }
}

/// The AV1 decoder does not build for browsers, which have one of their own.
#[cfg(target_family = "wasm")]
fn not_here(_: &mut Source, job: &Job) -> Result<Opened, Failure> {
    Err(job.unsupported("here is no decoder for AV1").into())
}

/// What is decoded, and how much of it is needed.
struct Job<'a> {
    path: &'a Path,
    format: &'static Format,
    detail: Detail,
    profiles: Profiles,
}

impl Job<'_> {
    fn damaged(&self, reason: impl Display) -> PictureError {
        PictureError::Damaged { path: self.path.into(), format: self.format.name, reason: one_line(reason) }
    }

    fn unsupported(&self, reason: impl Display) -> PictureError {
        PictureError::Unsupported { path: self.path.into(), format: self.format.name, reason: one_line(reason) }
    }

    /// The error for what reading the bytes or decoding them says.
    fn failed(&self, reason: std::io::Error) -> PictureError {
        match reason.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged("it ends in the middle of the picture"),
            // Decoders wrap their own findings in such errors.
            _ if reason.raw_os_error().is_none() => self.damaged(reason),
            _ => PictureError::Read { path: self.path.into(), reason },
        }
    }

    /// Refuses a picture whose size, or the memory that reading it takes, is more than is accepted.
    ///
    /// `work` is what is needed on the way to the result, in bytes. An even number of `channels` has alpha among them.
    fn admit(&self, own: Size, channels: usize, work: u64) -> Result<(), PictureError> {
        self.admit_held(own, own, channels, work)
    }

    /// [`Job::admit`] for a picture of which only rows are held, and what it is reduced to.
    fn admit_rows(&self, own: Size, channels: usize, work: u64) -> Result<(), PictureError> {
        if count(own) > MOST_PASSING {
            return Err(self.too_many_pixels(own, MOST_PASSING));
        }
        self.admit_held(own, self.detail.reduced(own), channels, work + COLUMN * u64::from(own.width))
    }

    fn admit_held(&self, own: Size, held: Size, channels: usize, work: u64) -> Result<(), PictureError> {
        let result = if channels.is_multiple_of(2) { COLOURS + ALPHA } else { COLOURS };
        if count(own) == 0 {
            return Err(self.damaged(format_args!("its header says {own}")));
        }
        if count(held) > MOST_PIXELS {
            return Err(self.too_many_pixels(own, MOST_PIXELS));
        }
        let result = result * count(self.detail.reduced(own));
        let (work, result) = (work.div_ceil(1 << 20), result.div_ceil(1 << 20));
        // Where the work takes too much, the error names that part of the budget, because shrinking would not help.
        let (needed, limit) = if work > WORK_MIB { (work, WORK_MIB) } else { (work + result, BUDGET_MIB) };
        if needed > limit {
            let (path, format) = (self.path.into(), self.format.name);
            return Err(PictureError::TooMuchMemory { path, format, size: own, needed, limit });
        }
        Ok(())
    }

    fn too_many_pixels(&self, size: Size, most: u64) -> PictureError {
        PictureError::TooManyPixels { path: self.path.into(), size, limit: most / 1_000_000 }
    }

    /// Where decoded rows go. A decoded pixel stands for `step` pixels of the picture in both directions.
    fn canvas(&self, own: Size, step: u32, channels: usize, traits: &Traits) -> Canvas {
        let layout = Layout { own, step, reduced: self.detail.reduced(own), orientation: traits.orientation };
        let profile = traits.profile.as_deref().filter(|_| self.profiles == Profiles::Obeyed);
        Canvas::new(&layout, Colours::new(channels, traits.premultiplied, profile))
    }

    fn finish(&self, own: Size, canvas: Canvas, traits: &Traits) -> Result<Opened, Failure> {
        let finished = canvas.finish().ok_or_else(|| self.damaged("it ends in the middle of the picture"))?;
        let (picture, alpha) = finished;
        let size = upright(own, traits.orientation);
        Ok(Opened { picture, size, frames: traits.frames, alpha, exif: traits.exif.as_deref().and_then(exif::cleaned) })
    }
}

/// What a file says of its picture besides the pixels.
struct Traits {
    orientation: Orientation,
    profile: Option<Vec<u8>>,
    frames: Frames,
    exif: Option<Vec<u8>>,
    /// Whether colours have been multiplied by their alpha.
    premultiplied: bool,
}

impl Default for Traits {
    fn default() -> Traits {
        Traits {
            orientation: Orientation::NoTransforms,
            profile: None,
            frames: Frames::Single,
            exif: None,
            premultiplied: false,
        }
    }
}

/// The orientation in EXIF data; upright if there is none or it is broken.
fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// A decoder's words on one line, without control characters and not long, because they may quote the file.
fn one_line(words: impl Display) -> String {
    let words = words.to_string().replace(|c: char| c.is_control(), " ");
    let mut line: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST_REASON) {
        line.truncate(end);
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_decoders_become_one_short_line() {
        assert_eq!(one_line("a\tchunk\r\n \u{1b}[31m of \u{7} \u{9b}2J"), "a chunk [31m of 2J");
        let long = one_line("é".repeat(1000));
        assert_eq!(long.chars().count(), LONGEST_REASON + 3);
    }

    #[test]
    fn reduced_pictures_keep_twice_the_pixels_that_their_use_needs() {
        let reduced = |width, height, long| Detail::LongSide(long).reduced(Size { width, height }).to_string();
        assert_eq!(reduced(12_000, 9000, 512), "1090x818");
        assert_eq!(reduced(1024, 700, 512), "1024x700");
        assert_eq!(reduced(2047, 3, 512), "2047x3");
        assert_eq!(reduced(2048, 1, 512), "1024x1");
        assert_eq!(reduced(9, 9, 0), "2x2");
        assert_eq!(reduced(9, 9, u32::MAX), "9x9");
        assert_eq!(Detail::Full.reduced(Size { width: 9, height: 7 }).to_string(), "9x7");
        // By a half it would have a thousand million pixels.
        assert_eq!(reduced(65_535, 49_151, 9000), "18000x13500");
        assert_eq!(reduced(60_000, 45_000, 60_000), "60000x45000");
    }
}
