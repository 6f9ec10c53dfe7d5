//! Pictures of another size.

use rayon::prelude::*;

use super::Picture;
use crate::plan::Size;

/// How far the filter reaches, in pixels of the larger distance between two.
const SUPPORT: f32 = 2.0;

impl Picture {
    /// The picture at another size, at least 1x1, clamped to [0, 1].
    ///
    /// Bicubic as in Pillow: Catmull and Rom's cubic (a = -1/2), widened by the scale when shrinking so that fine
    /// detail is averaged and not aliased. Intermediate results are neither clamped nor rounded.
    pub fn resize(&self, size: Size) -> Picture {
        let (size, pixels) = resized::<3>(self.size, &self.pixels, size);
        Picture { size, pixels }
    }
}

/// See [`Picture::resize`]; also the size that it became.
pub(super) fn resized<const CHANNELS: usize>(own: Size, values: &[f32], size: Size) -> (Size, Vec<f32>) {
    let rows = Rows::<CHANNELS>::new(own, values, size);
    let mut resized = vec![0.0; CHANNELS * rows.size.pixels()];
    let of_rows = resized.par_chunks_mut(CHANNELS * rows.size.width as usize);
    of_rows.enumerate().for_each(|(y, row)| rows.fill(y as u32, row));
    (rows.size, resized)
}

/// Values at another size, of which a row is made when it is wanted.
pub(super) struct Rows<'a, const CHANNELS: usize> {
    own: Size,
    /// `[own height][own width][CHANNELS]`.
    values: &'a [f32],
    size: Size,
    columns: Vec<Taps>,
}

impl<'a, const CHANNELS: usize> Rows<'a, CHANNELS> {
    pub(super) fn new(own: Size, values: &'a [f32], size: Size) -> Self {
        let size = Size { width: size.width.max(1), height: size.height.max(1) };
        let columns = (0..size.width).map(|x| taps(own.width, size.width, x)).collect();
        Rows { own, values, size, columns }
    }

    /// The values of a row, `[width][CHANNELS]`, in [0, 1].
    pub(super) fn row(&self, y: u32) -> Vec<f32> {
        let mut row = vec![0.0; CHANNELS * self.size.width as usize];
        self.fill(y, &mut row);
        row
    }

    fn fill(&self, y: u32, row: &mut [f32]) {
        let length = CHANNELS * self.own.width as usize;
        let down = taps(self.own.height, self.size.height, y);
        let mut wide = vec![0.0; length];
        for (source, weight) in self.values[down.first * length..].chunks(length).zip(&down.weights) {
            wide.iter_mut().zip(source).for_each(|(sum, value)| *sum += value * weight);
        }
        for (pixel, across) in row.chunks_exact_mut(CHANNELS).zip(&self.columns) {
            let mut sums = [0.0f32; CHANNELS];
            for (source, weight) in wide[across.first * CHANNELS..].chunks(CHANNELS).zip(&across.weights) {
                sums.iter_mut().zip(source).for_each(|(sum, value)| *sum += value * weight);
            }
            pixel.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum.clamp(0.0, 1.0));
        }
    }
}

/// Of which places along a side a place at another length is the sum.
struct Taps {
    first: usize,
    /// One for each place from the first on.
    weights: Vec<f32>,
}

fn taps(own: u32, wanted: u32, at: u32) -> Taps {
    if own == wanted {
        return Taps { first: at as usize, weights: vec![1.0] };
    }
    let ratio = own as f32 / wanted as f32;
    let scale = ratio.max(1.0);
    let centre = (at as f32 + 0.5) * ratio;
    let first = ((centre - SUPPORT * scale).floor() as i64).clamp(0, i64::from(own) - 1);
    let end = ((centre + SUPPORT * scale).ceil() as i64).clamp(first + 1, own.into());
    let mut weights: Vec<f32> = (first..end).map(|place| cubic((place as f32 - (centre - 0.5)) / scale)).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    Taps { first: first as usize, weights }
}

/// Catmull and Rom's cubic.
fn cubic(x: f32) -> f32 {
    let x = x.abs();
    if x < 1.0 {
        (9.0 * x.powi(3) - 15.0 * x.powi(2) + 6.0) / 6.0
    } else if x < 2.0 {
        (-3.0 * x.powi(3) + 15.0 * x.powi(2) - 24.0 * x + 12.0) / 6.0
    } else {
        0.0
    }
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
    fn the_bits_are_those_of_the_image_crate() {
        use image::{ImageBuffer, Luma, Rgb, imageops};
        let own = Size { width: 37, height: 23 };
        let noise = Picture::noise(own, 4);
        let filter = imageops::FilterType::CatmullRom;
        for (width, height) in [(1, 1), (5, 40), (80, 3), (36, 23), (37, 24), (111, 69)] {
            let image =
                ImageBuffer::<Rgb<f32>, _>::from_raw(37, 23, noise.pixels.clone()).expect("three for each pixel");
            let expected = imageops::resize(&image, width, height, filter).into_raw();
            assert_eq!(noise.resize(Size { width, height }).pixels, expected, "{width}x{height}");
            let grey = noise.pixels[..own.pixels()].to_vec();
            let image = ImageBuffer::<Luma<f32>, _>::from_raw(37, 23, grey.clone()).expect("one for each pixel");
            let expected = imageops::resize(&image, width, height, filter).into_raw();
            let rows = Rows::<1>::new(own, &grey, Size { width, height });
            let found: Vec<f32> = (0..height).flat_map(|y| rows.row(y)).collect();
            assert_eq!(found, expected, "{width}x{height}");
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
