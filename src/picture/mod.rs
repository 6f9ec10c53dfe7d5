//! Pictures: from files to pixels and back.

mod alpha;
mod colour;
mod decode;
mod encode;
mod error;
mod exif;
mod mask;
mod record;
mod resize;

pub use decode::{Detail, Frames, Opened, silence_decoder_panics};
pub use encode::{Depth, Encoding, Omission, check_writable};
pub use error::PictureError;
pub use mask::Mask;
pub use record::{Marks, marks, record_fits, recorded, recorded_in};
pub use resize::fit_long_side;

use image::ImageFormat;

use crate::plan::Size;
use crate::random::Random;

/// A picture in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// At least one pixel in both directions.
    size: Size,
    /// `[height][width][3]`.
    pixels: Vec<f32>,
}

impl Picture {
    /// A picture of interleaved pixels, `[height][width][3]`: red, green and blue, sRGB-coded, nominally in [0, 1].
    ///
    /// # Errors
    /// If the size is zero or does not fit the number of values.
    pub fn new(size: Size, pixels: Vec<f32>) -> Result<Picture, PictureError> {
        if size.pixels() == 0 {
            return Err(PictureError::NoPixels { size });
        }
        if pixels.len() != 3 * size.pixels() {
            return Err(PictureError::WrongLength { size, found: pixels.len() });
        }
        Ok(Picture { size, pixels })
    }

    /// Width and height, at least one pixel each.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The values, `[height][width][3]`: red, green and blue, sRGB-coded, nominally in [0, 1].
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// The values, mutable, laid out as in [`Picture::pixels`].
    pub fn pixels_mut(&mut self) -> &mut [f32] {
        &mut self.pixels
    }

    /// A picture of planes, `[3][height][width]`.
    ///
    /// # Errors
    /// If the size is zero or does not fit the number of values.
    pub fn from_planar(size: Size, planes: &[f32]) -> Result<Picture, PictureError> {
        let picture = Picture::new(size, planes.to_vec())?;
        let pixels = (0..3 * size.pixels()).map(|i| planes[i % 3 * size.pixels() + i / 3]).collect();
        Ok(Picture { pixels, ..picture })
    }

    /// The picture as planes, `[3][height][width]`.
    pub fn to_planar(&self) -> Vec<f32> {
        (0..3).flat_map(|channel| self.pixels.iter().skip(channel).step_by(3).copied()).collect()
    }

    /// White noise to start from: every value uniform in [0, 1), as in Gatys, Ecker and Bethge (CVPR 2016) and as
    /// `--init uniform` of style-transfer-pytorch. Mean one half, standard deviation 0.289.
    pub fn noise(size: Size, seed: u64) -> Picture {
        Picture { size, pixels: Random::new(seed).uniform_values(3 * size.pixels(), 0.0, 1.0) }
    }
}

/// A file format that is read.
#[derive(Debug)]
struct Format {
    format: ImageFormat,
    name: &'static str,
    /// Those by which it is written; none if it is only read.
    extensions: &'static [&'static str],
    /// The longest side that can be written.
    longest_side: u32,
}

impl Format {
    const fn read_only(format: ImageFormat, name: &'static str) -> Format {
        Format { format, name, extensions: &[], longest_side: 0 }
    }
}

/// WebP holds sides of 16384, but a lossless picture with such a side is not read back by the decoder in use.
const FORMATS: [Format; 8] = [
    Format { format: ImageFormat::Png, name: "PNG", extensions: &["png"], longest_side: i32::MAX as u32 },
    Format { format: ImageFormat::Jpeg, name: "JPEG", extensions: &["jpg", "jpeg"], longest_side: u16::MAX as u32 },
    Format { format: ImageFormat::WebP, name: "WebP", extensions: &["webp"], longest_side: (1 << 14) - 1 },
    Format { format: ImageFormat::Tiff, name: "TIFF", extensions: &["tif", "tiff"], longest_side: i32::MAX as u32 },
    Format { format: ImageFormat::Bmp, name: "BMP", extensions: &["bmp"], longest_side: i32::MAX as u32 },
    Format::read_only(ImageFormat::Gif, "GIF"),
    Format::read_only(ImageFormat::Avif, "AVIF"),
    Format::read_only(ImageFormat::Pnm, "PNM"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_pixels_hold_the_same_values() {
        let size = Size { width: 3, height: 2 };
        let planes: Vec<f32> = (0..18).map(|i| i as f32).collect();
        let picture = Picture::from_planar(size, &planes).expect("eighteen values fill 3x2 pixels");
        assert_eq!(picture.pixels[..6], [0.0, 6.0, 12.0, 1.0, 7.0, 13.0]);
        assert_eq!(picture.to_planar(), planes);
    }

    #[test]
    fn lengths_that_do_not_fit_the_size_are_refused() {
        let size = Size { width: 3, height: 2 };
        for count in [0, 6, 17, 19] {
            assert!(Picture::new(size, vec![0.0; count]).is_err(), "{count}");
            assert!(Picture::from_planar(size, &vec![0.0; count]).is_err(), "{count}");
        }
        let empty = Picture::new(Size { width: 0, height: 2 }, Vec::new());
        assert!(matches!(empty, Err(PictureError::NoPixels { .. })), "{empty:?}");
    }

    #[test]
    fn noise_fills_the_range_and_depends_on_the_seed_alone() {
        let size = Size { width: 101, height: 67 };
        let noise = Picture::noise(size, 5);
        assert_eq!(noise, Picture::noise(size, 5));
        assert_ne!(noise, Picture::noise(size, 6));
        assert!(noise.pixels.iter().all(|v| (0.0..1.0).contains(v)));
        let mean = noise.pixels.iter().sum::<f32>() / noise.pixels.len() as f32;
        let variance = noise.pixels.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / noise.pixels.len() as f32;
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.005, "{mean} {variance}");
    }
}
