//! Pictures of another size.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Pixel, Rgb};

use super::Picture;
use crate::plan::Size;

impl Picture {
    /// The picture at another size, at least 1x1, clamped to [0, 1].
    ///
    /// Bicubic as in Pillow: Catmull and Rom's cubic (a = -1/2), widened by the scale when shrinking so that fine
    /// detail is averaged and not aliased. Intermediate results are neither clamped nor rounded.
    pub fn resize(&self, size: Size) -> Picture {
        let (size, pixels) = resized::<Rgb<f32>>(self.size, &self.pixels, size);
        Picture { size, pixels }
    }
}

/// See [`Picture::resize`]; also the size that it became.
pub(super) fn resized<P: Pixel<Subpixel = f32> + 'static>(own: Size, values: &[f32], size: Size) -> (Size, Vec<f32>) {
    let size = Size { width: size.width.max(1), height: size.height.max(1) };
    let mut values = values.to_vec();
    if size != own {
        let image = ImageBuffer::<P, _>::from_raw(own.width, own.height, values)
            .expect("there are as many values as the pixels take");
        values = imageops::resize(&image, size.width, size.height, FilterType::CatmullRom).into_raw();
    }
    values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    (size, values)
}

/// The size whose long side is `long` and whose sides have the same ratio as those of `size`, the short side rounded to
/// the nearest pixel and at least 1.
pub fn fit_long_side(size: Size, long: u32) -> Size {
    let scaled = |side: u32| {
        let longest = u128::from(size.long_side()).max(1);
        let rounded = (u128::from(side) * u128::from(long) * 2 + longest) / (2 * longest);
        // No more than `long`, because `side` is no more than `longest`.
        (rounded as u32).max(1)
    };
    Size { width: scaled(size.width), height: scaled(size.height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sides_fit_exactly_and_short_ones_to_the_nearest_pixel() {
        let fit = |width, height, long| fit_long_side(Size { width, height }, long).to_string();
        assert_eq!(fit(1024, 768, 512), "512x384");
        assert_eq!(fit(768, 1024, 725), "544x725");
        assert_eq!(fit(3, 2, 100), "100x67");
        assert_eq!(fit(10_000, 1, 512), "512x1");
        assert_eq!(fit(u32::MAX, u32::MAX - 1, u32::MAX), format!("{}x{}", u32::MAX, u32::MAX - 1));
        assert_eq!(fit(7, 7, 0), "1x1");
    }

    /// The filter of Pillow's BICUBIC in one dimension, in f64.
    fn resized_row(row: &[f64], width: usize) -> Vec<f64> {
        let cubic = |x: f64| match x.abs() {
            x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            _ => 0.0,
        };
        let scale = row.len() as f64 / width as f64;
        (0..width)
            .map(|x| {
                let centre = (x as f64 + 0.5) * scale;
                let weights: Vec<f64> =
                    (0..row.len()).map(|i| cubic((i as f64 + 0.5 - centre) / scale.max(1.0))).collect();
                row.iter().zip(&weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>()
            })
            .collect()
    }

    #[test]
    fn rows_and_columns_follow_the_formula_when_growing_and_shrinking() {
        let noise = Picture::noise(Size { width: 37, height: 1 }, 11);
        for width in [1, 5, 23, 36, 38, 101] {
            let row: Vec<f64> = noise.pixels.iter().skip(1).step_by(3).map(|v| f64::from(*v)).collect();
            let expected = resized_row(&row, width);
            let column = Picture { size: Size { width: 1, height: 37 }, ..noise.clone() };
            let wide = noise.resize(Size { width: width as u32, height: 1 });
            let high = column.resize(Size { width: 1, height: width as u32 });
            for resized in [wide, high] {
                assert_eq!(resized.pixels.len(), 3 * width);
                for (found, expected) in resized.pixels.iter().skip(1).step_by(3).zip(&expected) {
                    let error = (f64::from(*found) - expected.clamp(0.0, 1.0)).abs();
                    assert!(error < 1e-4, "{} gives {found}, expected {expected}", resized.size);
                }
            }
        }
    }

    #[test]
    fn nothing_is_clamped_between_rows_and_columns() {
        let size = Size { width: 9, height: 9 };
        // A bright cross on black: the overshoot of one direction is cancelled by the other.
        let lit = |i: usize| i / 3 % 9 == 4 || i / 27 == 4;
        let cross = Picture { size, pixels: (0..243).map(|i| f32::from(u8::from(lit(i)))).collect() };
        let resized = cross.resize(Size { width: 25, height: 31 });
        let row = |y: usize| (0..9).map(|x| f64::from(cross.pixels[27 * y + 3 * x])).collect::<Vec<_>>();
        let wide: Vec<Vec<f64>> = (0..9).map(|y| resized_row(&row(y), 25)).collect();
        for x in 0..25 {
            let column = resized_row(&wide.iter().map(|row| row[x]).collect::<Vec<_>>(), 31);
            for (y, expected) in column.iter().enumerate() {
                let found = f64::from(resized.pixels[3 * (25 * y + x)]);
                assert!((found - expected.clamp(0.0, 1.0)).abs() < 1e-4, "({x}, {y}): {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn sizes_of_zero_become_one_and_equal_sizes_are_clamped_copies() {
        let picture = Picture { size: Size { width: 2, height: 1 }, pixels: vec![-0.5, 0.0, 0.25, 0.5, 1.0, 1.5] };
        assert_eq!(picture.resize(Size { width: 0, height: 0 }).size, Size { width: 1, height: 1 });
        assert_eq!(picture.resize(picture.size).pixels, [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]);
    }
}
