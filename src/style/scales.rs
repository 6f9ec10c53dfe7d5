//! The sizes through which a picture grows.

use crate::plan::Size;

/// Long sides from the smallest scale to `end`, growing by the square root of two: `round(end / 2^(i/2))` down to
/// `smallest`. Always ends with `end`.
pub fn scales(end: u32, smallest: u32) -> Vec<u32> {
    let mut scales: Vec<u32> = (0..64)
        .map(|i| (f64::from(end) / 2f64.powf(f64::from(i) / 2.0)).round() as u32)
        .take_while(|&scale| scale >= smallest && scale > 0)
        .collect();
    if scales.is_empty() {
        scales.push(end);
    }
    scales.dedup();
    scales.reverse();
    scales
}

/// The size whose long side is `long`, with the proportions of `size`; each side at least 1.
pub fn fit_long_side(size: Size, long: u32) -> Size {
    let factor = f64::from(long) / f64::from(size.width.max(size.height));
    let side = |pixels: u32| ((f64::from(pixels) * factor).round() as u32).max(1);
    Size { width: side(size.width), height: side(size.height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_grow_by_the_square_root_of_two() {
        assert_eq!(scales(512, 128), [128, 181, 256, 362, 512]);
        assert_eq!(scales(300, 128), [150, 212, 300]);
        assert_eq!(scales(100, 128), [100]);
        assert_eq!(scales(3, 1), [1, 2, 3]);
    }

    #[test]
    fn the_long_side_fits_and_the_proportions_stay() {
        assert_eq!(fit_long_side(Size { width: 1024, height: 768 }, 256), Size { width: 256, height: 192 });
        assert_eq!(fit_long_side(Size { width: 662, height: 960 }, 128), Size { width: 88, height: 128 });
        assert_eq!(fit_long_side(Size { width: 4000, height: 3 }, 100), Size { width: 100, height: 1 });
    }
}
