//! Masks: one value for each pixel.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::{
    Detail, PictureError, decode,
    resize::{Rows, resized},
};
use crate::plan::Size;

/// What green, red and blue add to luminance, on sRGB-coded values (ITU-R BT.709).
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A share for each pixel of a picture: how much of it is seen, kept or meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// At least one pixel in both directions.
    pub(super) size: Size,
    /// `[height][width]`, in [0, 1].
    pub(super) values: Vec<f32>,
}

impl Mask {
    /// A mask of values in [0, 1], `[height][width]`.
    ///
    /// # Errors
    /// If the size is zero or does not fit the number of values, or if a value is not in [0, 1].
    pub fn new(size: Size, values: Vec<f32>) -> Result<Mask, PictureError> {
        if size.pixels() == 0 {
            return Err(PictureError::NoPixels { size });
        }
        if values.len() != size.pixels() {
            return Err(PictureError::WrongMaskLength { size, found: values.len() });
        }
        let count = values.iter().filter(|value| !(0.0..=1.0).contains(*value)).count();
        if count > 0 {
            return Err(PictureError::NoShares { count, total: values.len() });
        }
        Ok(Mask { size, values })
    }

    /// Width and height, at least one pixel each.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The values, `[height][width]`, in [0, 1].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Whether nothing counts.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| *value == 0.0)
    }

    /// Where both masks count, in the size of the other.
    pub fn and(&self, other: &Mask) -> Mask {
        let mask = self.resize(other.size);
        let values = mask.values.iter().zip(&other.values).map(|(one, other)| one * other).collect();
        Mask { size: other.size, values }
    }

    /// The mask at another size, at least 1x1, resampled as [`super::Picture::resize`] does.
    pub fn resize(&self, size: Size) -> Mask {
        let (size, values) = resized::<1>(self.size, &self.values, size);
        Mask { size, values }
    }

    /// The mask at this size, unchanged if that is its own.
    pub(super) fn fitted(&self, size: Size) -> Cow<'_, Mask> {
        if self.size == size { Cow::Borrowed(self) } else { Cow::Owned(self.resize(size)) }
    }

    /// The rows of the mask at this size, one at a time.
    pub(super) fn rows(&self, size: Size) -> Rows<'_, 1> {
        Rows::new(self.size, &self.values, size)
    }

    /// Reads a mask from any file that [`super::Picture::open`] reads: white is one, black and transparent are zero.
    ///
    /// The values are the luminance of the picture over black; of grey pictures, the values in the file. They are shares
    /// and not colours, so that a colour profile is ignored.
    ///
    /// # Errors
    /// As [`super::Picture::open`].
    pub fn open(path: impl AsRef<Path>, detail: Detail) -> Result<Mask, PictureError> {
        decode::open_mask(path.as_ref(), detail)
    }

    /// Reads a mask as [`Mask::open`] does, from bytes or a stream, which errors call `name`.
    ///
    /// # Errors
    /// As [`super::Picture::read_for`].
    pub fn read_for(name: &Path, source: impl Read, detail: Detail) -> Result<Mask, PictureError> {
        decode::read_mask(name, source, detail)
    }

    /// The luminance of pixels over black.
    pub(super) fn of_pixels(size: Size, pixels: &[f32], alpha: Option<&Mask>) -> Mask {
        let luminance = |pixel: &[f32; 3]| match *pixel {
            // Exactly, which a sum of three products need not be.
            [red, green, blue] if red == green && green == blue => red,
            _ => pixel.iter().zip(LUMINANCE).map(|(value, share)| value * share).sum::<f32>().clamp(0.0, 1.0),
        };
        let mut values: Vec<f32> = pixels.as_chunks().0.iter().map(luminance).collect();
        if let Some(alpha) = alpha {
            values.iter_mut().zip(&alpha.values).for_each(|(value, alpha)| *value *= alpha);
        }
        Mask { size, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;

    #[test]
    fn what_is_no_mask_is_refused() {
        let size = Size { width: 3, height: 2 };
        assert!(matches!(Mask::new(size, vec![0.0; 5]), Err(PictureError::WrongMaskLength { found: 5, .. })));
        let empty = Mask::new(Size { width: 0, height: 2 }, Vec::new());
        assert!(matches!(empty, Err(PictureError::NoPixels { .. })));
        let values = vec![0.0, 1.0, -0.1, f32::NAN, 1.1, 0.5];
        assert!(matches!(Mask::new(size, values), Err(PictureError::NoShares { count: 3, total: 6 })));
        assert!(Mask::new(size, vec![0.0, 1.0, 0.5, 0.25, 0.0, 1.0]).is_ok());
    }

    #[test]
    fn masks_are_resized_as_pictures_are() {
        let noise = Picture::noise(Size { width: 37, height: 23 }, 4);
        let green = |picture: &Picture| picture.pixels().iter().skip(1).step_by(3).copied().collect::<Vec<_>>();
        let mask = Mask::new(noise.size(), green(&noise)).expect("noise is in [0, 1]");
        for (width, height) in [(37, 23), (1, 1), (5, 40), (80, 3), (0, 0)] {
            let size = Size { width, height };
            let resized = mask.resize(size);
            let expected = noise.resize(size);
            assert_eq!((resized.size(), resized.values()), (expected.size(), &green(&expected)[..]));
        }
    }
}
