//! TIFF, strip by strip.

use std::io::{Cursor, Seek, Write};
use std::ops::Range;

use tiff::TiffError;
use tiff::encoder::{
    Rational, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard, TiffValue,
    colortype::{ColorType, RGB8, RGB16},
};
use tiff::tags::{ExtraSamples, ResolutionUnit, Tag};

use super::samples::{Samples, rows_at_once, strips};
use super::{Depth, Encoding, Failure, LONGEST_FILE, pixel_bytes, row_bytes};
use crate::picture::{Picture, colour::srgb_profile, record};
use crate::plan::Size;

/// Of XMP (XMP Specification Part 3, 2020, section 3.3).
const XMP: Tag = Tag::Unknown(700);

pub(super) fn write(picture: &Picture, encoding: &Encoding, file: &mut (impl Write + Seek)) -> Result<(), Failure> {
    if file.stream_position().is_ok() {
        return write_seeking(picture, encoding, file);
    }
    // A pipe: the place of what ends a file is written at its beginning.
    let mut held = Cursor::new(Vec::new());
    write_seeking(picture, encoding, &mut held)?;
    Ok(file.write_all(held.get_ref())?)
}

fn write_seeking(picture: &Picture, encoding: &Encoding, file: &mut (impl Write + Seek)) -> Result<(), Failure> {
    let samples = Samples::new(picture, encoding.alpha.as_ref());
    let big = counts_in_64_bits(picture.size, encoding);
    let (bytes, words) = (|rows| samples.bytes(rows), |rows| samples.words(rows));
    match (encoding.depth, big) {
        (Depth::Eight, false) => write_as::<TiffKindStandard, RGB8>(picture.size, encoding, bytes, file)?,
        (Depth::Eight, true) => write_as::<TiffKindBig, RGB8>(picture.size, encoding, bytes, file)?,
        (Depth::Sixteen, false) => write_as::<TiffKindStandard, RGB16>(picture.size, encoding, words, file)?,
        (Depth::Sixteen, true) => write_as::<TiffKindBig, RGB16>(picture.size, encoding, words, file)?,
    }
    Ok(())
}

/// Whether the file is a BigTIFF, which not every program reads: only where it would be too long for another.
fn counts_in_64_bits(size: Size, encoding: &Encoding) -> bool {
    pixel_bytes(size, encoding) > LONGEST_FILE
}

fn write_as<K: TiffKind, C: ColorType>(
    size: Size,
    encoding: &Encoding,
    samples: impl Fn(Range<u32>) -> Vec<C::Inner>,
    file: &mut (impl Write + Seek),
) -> Result<(), TiffError>
where
    [C::Inner]: TiffValue,
{
    let mut encoder = TiffEncoder::<_, K>::new_generic(file)?;
    let mut image = encoder.new_image::<C>(size.width, size.height)?;
    if encoding.alpha.is_some() {
        image.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    image.encoder().write_tag(Tag::IccProfile, &srgb_profile()[..])?;
    if let Some(density) = encoding.density {
        image.resolution(ResolutionUnit::Inch, Rational { n: density.get().into(), d: 1 });
    }
    if let Some(text) = &encoding.record {
        image.encoder().write_tag(XMP, &record::packet(text)[..])?;
    }
    let rows = rows_at_once(size, row_bytes(size, encoding));
    image.rows_per_strip(rows)?;
    strips(size, rows).try_for_each(|strip| image.write_strip(&samples(strip)))?;
    image.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Detail, Mask, recorded_in};
    use std::num::NonZeroU16;
    use std::path::Path;

    const SIZE: Size = Size { width: 37, height: 23 };

    /// A small file as only large ones are written.
    fn big(picture: &Picture, encoding: &Encoding) -> Vec<u8> {
        let samples = Samples::new(picture, encoding.alpha.as_ref());
        let mut file = Cursor::new(Vec::new());
        let written = match encoding.depth {
            Depth::Eight => write_as::<TiffKindBig, RGB8>(SIZE, encoding, |rows| samples.bytes(rows), &mut file),
            Depth::Sixteen => write_as::<TiffKindBig, RGB16>(SIZE, encoding, |rows| samples.words(rows), &mut file),
        };
        written.expect("memory takes it");
        file.into_inner()
    }

    #[test]
    fn big_files_are_read_back_as_others_are_and_tell_as_much() {
        let picture = Picture::noise(SIZE, 8);
        let shares = Picture::noise(SIZE, 9).pixels[..SIZE.pixels()].to_vec();
        let alpha = Mask::new(SIZE, shares).expect("noise is in [0, 1]");
        for (depth, alpha) in [Depth::Eight, Depth::Sixteen]
            .into_iter()
            .flat_map(|depth| [None, Some(alpha.clone())].into_iter().map(move |alpha| (depth, alpha)))
        {
            let density = NonZeroU16::new(300);
            let encoding = Encoding { depth, alpha, density, record: Some("a text".into()), ..Encoding::default() };
            let mut file = Cursor::new(Vec::new());
            write(&picture, &encoding, &mut file).expect("memory takes it");
            let (small, big) = (file.into_inner(), big(&picture, &encoding));
            assert_eq!((&small[..4], &big[..4]), (&b"II*\0"[..], &b"II+\0"[..]));
            let read = |bytes: &[u8]| Picture::read_for(Path::new("a"), bytes, Detail::Full).expect("a whole file");
            assert_eq!(read(&big), read(&small));
            assert_eq!(recorded_in(Path::new("a"), &big).expect("a whole file").as_deref(), Some("a text"));
        }
    }

    #[test]
    fn only_what_is_too_long_for_others_is_big() {
        let at = |height, depth, alpha: bool| {
            let alpha = alpha.then(|| Mask::new(Size { width: 1, height: 1 }, vec![0.5]).expect("a share"));
            counts_in_64_bits(Size { width: 1 << 15, height }, &Encoding { depth, alpha, ..Encoding::default() })
        };
        // Rows of 96 KiB and, with alpha and 16 bits, of 256.
        let last = (LONGEST_FILE / (96 << 10)) as u32;
        assert!(!at(last, Depth::Eight, false) && at(last + 1, Depth::Eight, false));
        assert!(at(last / 2 + 1, Depth::Sixteen, false));
        let last = (LONGEST_FILE / (256 << 10)) as u32;
        assert!(!at(last, Depth::Sixteen, true) && at(last + 1, Depth::Sixteen, true));
    }

    #[test]
    fn what_cannot_seek_gets_the_same_bytes() {
        struct Pipe(Vec<u8>);
        impl Write for Pipe {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        impl Seek for Pipe {
            fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
                Err(std::io::ErrorKind::NotSeekable.into())
            }
        }
        let (picture, mut pipe, mut file) = (Picture::noise(SIZE, 8), Pipe(Vec::new()), Cursor::new(Vec::new()));
        write(&picture, &Encoding::default(), &mut pipe).expect("memory takes it");
        write(&picture, &Encoding::default(), &mut file).expect("memory takes it");
        assert_eq!(pipe.0, file.into_inner());
    }
}
