//! Samples as files hold them, a few rows at a time.

use std::ops::Range;

use super::dither::level;
use crate::picture::{Mask, Picture, resize::Rows};
use crate::plan::Size;

/// About so many bytes of samples are made at once.
const STRIP: u64 = 1 << 20;

/// Red, green and blue of every pixel, and alpha if there is one.
pub(super) struct Samples<'a> {
    picture: &'a Picture,
    alpha: Option<Rows<'a, 1>>,
}

impl<'a> Samples<'a> {
    /// `alpha` is fitted if it has another size.
    pub(super) fn new(picture: &'a Picture, alpha: Option<&'a Mask>) -> Samples<'a> {
        Samples { picture, alpha: alpha.map(|alpha| alpha.rows(picture.size)) }
    }

    /// Dithered to 8 bits; a place in the picture decides, and not the rows that are asked for together.
    pub(super) fn bytes(&self, rows: Range<u32>) -> Vec<u8> {
        self.of(rows, level)
    }

    /// Rounded to 16 bits.
    pub(super) fn words(&self, rows: Range<u32>) -> Vec<u16> {
        self.of(rows, |value, _, _| (value.clamp(0.0, 1.0) * 65535.0).round() as u16)
    }

    fn of<T>(&self, rows: Range<u32>, sample: impl Fn(f32, u32, u32) -> T) -> Vec<T> {
        let width = self.picture.size.width as usize;
        let channels = if self.alpha.is_some() { 4 } else { 3 };
        let mut samples = Vec::with_capacity(channels * width * rows.len());
        for y in rows {
            let alpha = self.alpha.as_ref().map(|alpha| alpha.row(y));
            let (pixels, _) = self.picture.pixels[3 * width * y as usize..][..3 * width].as_chunks::<3>();
            for (x, pixel) in pixels.iter().enumerate() {
                let values = pixel.iter().copied().chain(alpha.as_ref().map(|alpha| alpha[x]));
                samples.extend(values.map(|value| sample(value, x as u32, y)));
            }
        }
        samples
    }
}

/// How many rows of so many bytes are best made at once, at least one.
pub(super) fn rows_at_once(size: Size, row: u64) -> u32 {
    u32::try_from(STRIP / row.max(1)).unwrap_or(u32::MAX).clamp(1, size.height)
}

/// All rows of a picture, so many at once.
pub(super) fn strips(size: Size, rows: u32) -> impl Iterator<Item = Range<u32>> {
    (0..size.height).step_by(rows as usize).map(move |first| first..first.saturating_add(rows).min(size.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_all_rows_once_and_in_order() {
        for (width, height, row) in [(1, 1, 3), (7, 5, 1 << 19), (9, 11, 1 << 18), (3, 4, u64::MAX), (3, 9, 0)] {
            let size = Size { width, height };
            let rows = rows_at_once(size, row);
            assert!(rows == 1 || u64::from(rows) * row <= STRIP, "{rows} rows of {row} bytes");
            let all: Vec<u32> = strips(size, rows).flatten().collect();
            assert_eq!(all, (0..height).collect::<Vec<_>>());
            assert!(strips(size, rows).all(|strip| !strip.is_empty()));
        }
    }

    #[test]
    fn samples_do_not_depend_on_the_rows_that_are_made_together() {
        let size = Size { width: 19, height: 13 };
        let picture = Picture::noise(size, 3);
        let small = Size { width: 5, height: 7 };
        let alpha = Mask::new(small, Picture::noise(small, 4).pixels[..35].to_vec()).expect("noise is in [0, 1]");
        for alpha in [None, Some(&alpha)] {
            let samples = Samples::new(&picture, alpha);
            for rows in [1, 2, 5, 12] {
                let bytes: Vec<u8> = strips(size, rows).flat_map(|strip| samples.bytes(strip)).collect();
                assert_eq!(bytes, samples.bytes(0..13));
                let words: Vec<u16> = strips(size, rows).flat_map(|strip| samples.words(strip)).collect();
                assert_eq!(words, samples.words(0..13));
            }
        }
    }
}
