//! Mean colours by the distance from the edge, which show a frame.

use impasto::picture::Picture;

/// Mean red, green and blue, in levels of 8 bits, of the pixels at distance 0, 1, 2 .. from the nearest edge, for
/// `count` rings and, last, for all that is inside them.
pub fn rings(picture: &Picture, count: usize) -> Vec<[f64; 3]> {
    let (width, height) = (picture.size().width as usize, picture.size().height as usize);
    let mut sums = vec![([0.0; 3], 0.0); count + 1];
    for (index, pixel) in picture.pixels().chunks_exact(3).enumerate() {
        let (x, y) = (index % width, index / width);
        let ring = x.min(y).min(width - 1 - x).min(height - 1 - y).min(count);
        let (sum, pixels) = &mut sums[ring];
        sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += 255.0 * f64::from(*value));
        *pixels += 1.0;
    }
    sums.into_iter().map(|(sum, pixels)| sum.map(|sum| sum / f64::max(pixels, 1.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use impasto::plan::Size;

    #[test]
    fn a_frame_shows_in_its_own_rings_alone() {
        let size = Size { width: 11, height: 8 };
        let framed = |i: usize| {
            let (x, y) = (i % 11, i / 11);
            x.min(y).min(10 - x).min(7 - y) == 1
        };
        let pixels = (0..size.pixels()).flat_map(|i| if framed(i) { [1.0, 0.0, 0.0] } else { [0.2; 3] }).collect();
        let rings = rings(&Picture::new(size, pixels).unwrap(), 2);
        assert_eq!(rings[1], [255.0, 0.0, 0.0]);
        assert!([rings[0], rings[2]].as_flattened().iter().all(|value| (value - 51.0).abs() < 1e-4), "{rings:?}");
    }
}
