//! JPEG, in full by one decoder and at a fraction of its size by another.

use std::io::{self, BufRead, Seek};

use image::codecs::jpeg::JpegDecoder;
use image::{ImageDecoder, ImageError};
use jpeg_decoder::{Decoder, PixelFormat};

use super::super::{PictureError, colour};
use super::{Failure, Job, OVERSAMPLING, Opened, Source, Traits, orientation, whole};
use crate::plan::Size;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    let scan = Scan::of(source).map_err(|reason| job.failed(reason))?;
    job.admit(scan.size, 3, 0)?;
    if !scan.complete(source).map_err(|reason| job.failed(reason))? {
        return Err(job.damaged("it ends in the middle of the picture").into());
    }
    let (length, own) = (source.length(), scan.size);
    // Each block of 8x8 pixels takes a bit at least.
    if u64::from(own.width.div_ceil(8)) * u64::from(own.height.div_ceil(8)) > 8 * length {
        return Err(job.damaged(format_args!("{length} bytes cannot hold {own}")).into());
    }
    let step = scan.step(job.detail.factor(own));
    if step > 1 {
        source.rewind().map_err(|reason| job.failed(reason))?;
        match reduced(source, job, &scan, step) {
            // The other decoder forgives more, and knows better what is wrong.
            Err(Failure::Picture(PictureError::Damaged { .. } | PictureError::Unsupported { .. })) => {}
            done => return done,
        }
    }
    source.rewind().map_err(|reason| job.failed(reason))?;
    full(source, job, &scan)
}

fn full(source: &mut Source, job: &Job, scan: &Scan) -> Result<Opened, Failure> {
    let failed = |error: ImageError| whole::image_error(job, error);
    // The decoder keeps all bytes.
    job.admit(scan.size, 3, source.held() + source.length() + scan.planes() + scan.samples(1))?;
    let mut decoder = JpegDecoder::new(source).map_err(failed)?;
    let traits = Traits {
        orientation: decoder.orientation().map_err(failed)?,
        profile: decoder.icc_profile().ok().flatten(),
        exif: decoder.exif_metadata().ok().flatten(),
        ..Traits::default()
    };
    whole::decode_samples(decoder, job, &traits)
}

fn reduced(source: &mut Source, job: &Job, scan: &Scan, step: u32) -> Result<Opened, Failure> {
    let own = scan.size;
    job.admit(own, 3, source.held() + scan.planes() + 3 * scan.samples(step))?;
    let failed = |error| match error {
        jpeg_decoder::Error::Io(reason) => job.failed(reason),
        jpeg_decoder::Error::Unsupported(feature) => job.unsupported(format_args!("{feature:?}")),
        error => job.damaged(error),
    };
    let mut decoder = Decoder::new(source);
    // No side is longer than 65535, because a JPEG cannot say so.
    let decoded = Size { width: own.width.div_ceil(step), height: own.height.div_ceil(step) };
    let (width, height) = decoder.scale(decoded.width as u16, decoded.height as u16).map_err(failed)?;
    let samples = decoder.decode().map_err(failed)?;
    let format = decoder.info().map(|info| info.pixel_format);
    let traits = Traits {
        orientation: orientation(decoder.exif_data()),
        profile: decoder.icc_profile(),
        exif: decoder.exif_data().map(<[u8]>::to_vec),
        ..Traits::default()
    };
    let channels = match format {
        Some(PixelFormat::L8) => 1,
        Some(PixelFormat::RGB24) => 3,
        _ => return Err(job.unsupported("its colours cannot be read at a smaller size").into()),
    };
    if (u32::from(width), u32::from(height)) != (decoded.width, decoded.height)
        || samples.len() != channels * decoded.pixels()
    {
        return Err(job.damaged(format_args!("it decodes to {width}x{height}")).into());
    }
    let mut canvas = job.canvas(own, step, channels, &traits);
    canvas.push(&samples, colour::byte)?;
    job.finish(own, canvas, &traits)
}

/// What the header of a JPEG's picture says (ITU-T T.81, Annex B).
pub(super) struct Scan {
    pub size: Size,
    /// Whether the coefficients of all blocks are held until the end.
    progressive: bool,
    /// Horizontal and vertical sampling of each component.
    sampling: Vec<(u32, u32)>,
}

impl Scan {
    /// Reads up to the header.
    pub(super) fn of(source: &mut impl BufRead) -> io::Result<Scan> {
        loop {
            match next_marker(source)? {
                Some(marker @ (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF)) => {
                    let segment = segment(source)?;
                    let [_, high, low, wide, narrow, count, ref components @ ..] = segment[..] else {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    };
                    let components = components.chunks_exact(3).take(usize::from(count));
                    return Ok(Scan {
                        size: Size {
                            width: u32::from(u16::from_be_bytes([wide, narrow])),
                            height: u32::from(u16::from_be_bytes([high, low])),
                        },
                        progressive: matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE),
                        sampling: components
                            .map(|bytes| (u32::from(bytes[1] >> 4), u32::from(bytes[1] & 15)))
                            .collect(),
                    });
                }
                Some(0xD9) | None => return Err(io::Error::other("there is no picture in it")),
                Some(_) => drop(segment(source)?),
            }
        }
    }

    /// Reads on to the end-of-image marker of the picture, and whether there is one. The decoder fills what is missing
    /// with grey, which nobody wants to paint.
    ///
    /// Segments are skipped by their lengths, because an embedded thumbnail has an end marker too.
    fn complete(&self, source: &mut impl BufRead) -> io::Result<bool> {
        loop {
            match next_marker(source)? {
                Some(0xD9) => return Ok(true),
                Some(_) => match segment(source) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                    result => drop(result?),
                },
                None => return Ok(false),
            }
        }
    }

    /// By how much the decoder shrinks the picture, if `factor` in all is wanted: at least as much is left to averaging
    /// as a use leaves to resizing, because the decoder's last column and row may stand for fewer pixels than others.
    fn step(&self, factor: u32) -> u32 {
        // Four components are converted from CMYK, which the other decoder does.
        let simple = matches!(self.sampling.len(), 1 | 3);
        [8, 4, 2].into_iter().find(|step| simple && step * OVERSAMPLING <= factor).unwrap_or(1)
    }

    /// Bytes for the coefficients of all blocks.
    fn planes(&self) -> u64 {
        if !self.progressive {
            return 0;
        }
        let most = self.sampling.iter().fold((1, 1), |most, one| (most.0.max(one.0), most.1.max(one.1)));
        let area: u64 = self.sampling.iter().map(|one| u64::from(one.0 * one.1)).sum();
        let pixels = u64::from(self.size.width.next_multiple_of(16)) * u64::from(self.size.height.next_multiple_of(16));
        2 * pixels * area / u64::from(most.0 * most.1)
    }

    /// Bytes for the pixels, shrunk.
    fn samples(&self, step: u32) -> u64 {
        let pixels = u64::from(self.size.width.div_ceil(step)) * u64::from(self.size.height.div_ceil(step));
        pixels * if self.sampling.len() == 1 { 1 } else { 3 }
    }
}

/// The next marker that is not a fill byte, a stuffed zero or one that stands alone within a scan.
fn next_marker(source: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        if source.skip_until(0xFF)? == 0 {
            return Ok(None);
        }
        loop {
            let mut byte = [0];
            match source.read_exact(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                result => result?,
            }
            match byte[0] {
                0xFF => {}
                0x00 | 0x01 | 0xD0..=0xD8 => break,
                marker => return Ok(Some(marker)),
            }
        }
    }
}

fn segment(source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    source.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length)).saturating_sub(2)];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        let frame = [0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0];
        let scan = [0xFF, 0xDA, 0, 2, 7, 0xFF, 0x00, 9, 0xFF, 0xD0, 3];
        let mut bytes = [&[0xFF, 0xD8][..], &thumbnail, &frame, &scan].concat();
        let complete = |bytes: &[u8]| {
            let mut bytes = bytes;
            Scan::of(&mut bytes).is_ok_and(|scan| {
                assert_eq!(scan.size, Size { width: 7, height: 5 });
                scan.complete(&mut bytes).expect("bytes in memory can be read")
            })
        };
        assert!(!complete(&bytes));
        bytes.extend([0xFF, 0xFF]);
        assert!(!complete(&bytes));
        bytes.push(0xD9);
        assert!(complete(&bytes));
        assert!((0..bytes.len()).all(|length| !complete(&bytes[..length])));
    }
}
