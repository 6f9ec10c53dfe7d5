//! AVIF: an AV1 picture, and its transparency in another.

use std::io::Read;

use re_rav1d::dav1d::{self, PixelLayout, PlanarImageComponent, Settings, pixel};

use super::super::{PictureError, colour::float};
use super::code_points::{Codes, profile};
use super::container::{BoxError, Contents};
use super::{Failure, Frames, Job, Opened, Source, Traits};
use crate::plan::Size;

/// Bytes that the AV1 decoder takes for a pixel: three planes of 16 bits, and its own notes.
const WORK: u64 = 8;

pub(super) fn decode(source: &mut Source, job: &Job) -> Result<Opened, Failure> {
    let length = source.length();
    let mut file = Vec::new();
    // Nothing is known before, and none of the pixels, but offsets may point anywhere.
    job.admit(Size { width: 1, height: 1 }, 3, source.held() + 2 * length)?;
    source.read_to_end(&mut file).map_err(|reason| job.failed(reason))?;
    let contents = Contents::of(&file).map_err(|error| match error {
        BoxError::Damaged(reason) => job.damaged(reason),
        BoxError::Unsupported(reason) => job.unsupported(reason),
    })?;
    drop(file);
    let own = contents.size;
    let pictures = if contents.alpha.is_some() { 2 } else { 1 };
    let channels = if contents.alpha.is_some() { 4 } else { 3 };
    job.admit(own, channels, source.held() + length + pictures * WORK * own.pixels() as u64)?;

    let colour = Planes::decode(contents.colour, own, contents.codes, job)?;
    let alpha = contents.alpha.map(|data| Planes::decode(data, own, None, job)).transpose()?;
    let traits = Traits {
        orientation: contents.orientation,
        profile: contents.profile.or_else(|| profile(colour.codes)),
        frames: if contents.animated { Frames::Animated } else { Frames::Single },
        premultiplied: contents.premultiplied,
        ..Traits::default()
    };
    let mut canvas = job.canvas(own, 1, channels, &traits);
    let mut rows = Vec::new();
    for y in 0..own.height as usize {
        let pixels = colour.row(y);
        match &alpha {
            None => rows.extend(pixels.into_iter().flatten()),
            Some(alpha) => {
                rows.extend(pixels.into_iter().zip(alpha.luma(y)).flat_map(|([r, g, b], alpha)| [r, g, b, alpha]))
            }
        }
        if rows.len() >= canvas.batch() * channels * own.width as usize {
            canvas.push(&rows, float)?;
            rows.clear();
        }
    }
    canvas.push(&rows, float)?;
    job.finish(own, canvas, &traits)
}

/// A decoded AV1 picture.
struct Planes {
    size: Size,
    layout: PixelLayout,
    /// Bits of a sample. More than 8 take two bytes.
    bits: usize,
    /// The planes and their bytes from row to row.
    planes: Vec<(dav1d::Plane, usize)>,
    codes: Codes,
}

impl Planes {
    fn decode(data: Vec<u8>, own: Size, codes: Option<Codes>, job: &Job) -> Result<Planes, PictureError> {
        let failed = |error: dav1d::Error| match error {
            dav1d::Error::UnsupportedBitstream => job.unsupported(error),
            dav1d::Error::Again => job.damaged("it ends in the middle of the picture"),
            error => job.damaged(error),
        };
        let mut settings = Settings::new();
        // One thread, so that a panic happens where it is caught.
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_frame_size_limit(own.pixels() as u32);
        let mut decoder = dav1d::Decoder::with_settings(&settings).map_err(failed)?;
        match decoder.send_data(data, None, None, None) {
            // More than a picture is there, of which no more is wanted.
            Ok(()) | Err(dav1d::Error::Again) => {}
            Err(error) => return Err(failed(error)),
        }
        let picture = decoder.get_picture().map_err(failed)?;
        let size = Size { width: picture.width(), height: picture.height() };
        if size != own {
            return Err(job.damaged(format_args!("it says {own} and holds {size}")));
        }
        let codes = codes.unwrap_or_else(|| Codes {
            primaries: picture.color_primaries() as u8,
            transfer: picture.transfer_characteristic() as u8,
            matrix: picture.matrix_coefficients() as u8,
            full_range: picture.color_range() == pixel::YUVRange::Full,
        });
        let layout = picture.pixel_layout();
        let identity_fits = codes.matrix != 0 || layout == PixelLayout::I444;
        if layout != PixelLayout::I400 && !(matches!(codes.matrix, 0..=2 | 4..=7 | 9) && identity_fits) {
            return Err(job.unsupported(format_args!("its colours are coded by matrix {}", codes.matrix)));
        }
        let components = match layout {
            PixelLayout::I400 => &[PlanarImageComponent::Y][..],
            _ => &[PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V],
        };
        let planes = components.iter().map(|&one| (picture.plane(one), picture.stride(one) as usize)).collect();
        let bits = picture.bits_per_component().map_or(8, |bits| bits.0);
        Ok(Planes { size, layout, bits, planes, codes })
    }

    /// A row of a plane, the samples as they are.
    fn samples(&self, plane: usize, y: usize, width: usize) -> Vec<f32> {
        let (bytes, stride) = &self.planes[plane];
        let row = &bytes[y * stride..];
        if self.bits > 8 {
            let (words, _) = row[..2 * width].as_chunks();
            words.iter().map(|word| u16::from_ne_bytes(*word).into()).collect()
        } else {
            row[..width].iter().map(|byte| f32::from(*byte)).collect()
        }
    }

    /// A row of the first plane in [0, 1].
    fn luma(&self, y: usize) -> Vec<f32> {
        let unit = (1 << (self.bits - 8)) as f32;
        let (black, range) =
            if self.codes.full_range { (0.0, 256.0 * unit - 1.0) } else { (16.0 * unit, 219.0 * unit) };
        let samples = self.samples(0, y, self.size.width as usize);
        samples.into_iter().map(|sample| ((sample - black) / range).clamp(0.0, 1.0)).collect()
    }

    /// A row of one of the other planes in [-1/2, 1/2], as wide as the picture. Samples in between are interpolated as
    /// if they lay in the middle of those that they stand for.
    fn chroma(&self, plane: usize, y: usize) -> Vec<f32> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (across, down) = match self.layout {
            PixelLayout::I420 => (width.div_ceil(2), height.div_ceil(2)),
            PixelLayout::I422 => (width.div_ceil(2), height),
            _ => (width, height),
        };
        let mut row = if down == height {
            self.samples(plane, y, across)
        } else {
            let (near, far) = neighbours(y, down);
            let (near, far) = (self.samples(plane, near, across), self.samples(plane, far, across));
            near.iter().zip(far).map(|(near, far)| 0.75 * near + 0.25 * far).collect()
        };
        if across < width {
            row = (0..width)
                .map(|x| neighbours(x, across))
                .map(|(near, far)| 0.75 * row[near] + 0.25 * row[far])
                .collect();
        }
        let unit = (1 << (self.bits - 8)) as f32;
        let range = if self.codes.full_range { 256.0 * unit - 1.0 } else { 224.0 * unit };
        row.into_iter().map(|sample| (sample - 128.0 * unit) / range).collect()
    }

    /// A row of red, green and blue in [0, 1].
    fn row(&self, y: usize) -> Vec<[f32; 3]> {
        let luma = self.luma(y);
        if self.layout == PixelLayout::I400 {
            return luma.into_iter().map(|value| [value; 3]).collect();
        }
        if self.codes.matrix == 0 {
            // Green, blue and red, all three with the range of luma.
            let range = if self.codes.full_range { 1.0 } else { 224.0 / 219.0 };
            let unit = (1 << (self.bits - 8)) as f32;
            let middle =
                if self.codes.full_range { 128.0 * unit / (256.0 * unit - 1.0) } else { (128.0 - 16.0) / 219.0 };
            let plane = |plane| self.chroma(plane, y).into_iter().map(move |value| value * range + middle);
            let others = plane(1).zip(plane(2));
            return luma.into_iter().zip(others).map(|(green, (blue, red))| [red, green, blue]).collect();
        }
        // What red and blue add to luma (ITU-T H.273, table 4).
        let (red, blue) = match self.codes.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        let chroma = self.chroma(1, y).into_iter().zip(self.chroma(2, y));
        let pixel = |(luma, (cb, cr)): (f32, (f32, f32))| {
            let (r, b) = (luma + 2.0 * (1.0 - red) * cr, luma + 2.0 * (1.0 - blue) * cb);
            [r, (luma - red * r - blue * b) / (1.0 - red - blue), b].map(|value| value.clamp(0.0, 1.0))
        };
        luma.into_iter().zip(chroma).map(pixel).collect()
    }
}

/// The two of `count` samples, each of which stands for two pixels, between which a pixel lies: the nearer one first.
fn neighbours(pixel: usize, count: usize) -> (usize, usize) {
    let near = pixel / 2;
    let far = if pixel.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(count - 1) };
    (near, far)
}
