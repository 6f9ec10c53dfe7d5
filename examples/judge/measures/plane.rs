//! One number for each pixel of a picture, and blurs of it.

use impasto::picture::Picture;

/// Rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

/// Luma, blue difference and red difference as JPEG and television define them (BT.601, full range), in levels of 8
/// bits.
const LEVELS: [[f32; 3]; 3] = [[76.245, 149.685, 29.07], [-43.0278, -84.4722, 127.5], [127.5, -106.7661, -20.7339]];

impl Plane {
    /// Luma, blue and red difference of a picture, in levels of 8 bits.
    pub fn levels(picture: &Picture) -> [Plane; 3] {
        let (width, height) = (picture.size().width as usize, picture.size().height as usize);
        LEVELS.map(|row| {
            let level = |pixel: &[f32]| row.iter().zip(pixel).map(|(weight, value)| weight * value).sum();
            Plane { width, height, values: picture.pixels().chunks_exact(3).map(level).collect() }
        })
    }

    /// The value at a pixel; outside, that of the nearest one inside.
    pub fn at(&self, x: isize, y: isize) -> f32 {
        let inside = |value: isize, count: usize| value.clamp(0, count as isize - 1) as usize;
        self.values[inside(y, self.height) * self.width + inside(x, self.width)]
    }

    /// A plane of the same size from what a function says of each pixel.
    pub fn map(&self, value: impl Fn(isize, isize) -> f32) -> Plane {
        let (width, height) = (self.width, self.height);
        let values = (0..width * height).map(|i| value((i % width) as isize, (i / width) as isize)).collect();
        Plane { width, height, values }
    }

    /// Smoothed by a Gaussian, cut off at three deviations.
    pub fn blurred(&self, deviation: f32) -> Plane {
        let reach = (3.0 * deviation).ceil() as isize;
        let weights: Vec<f32> = (-reach..=reach).map(|d| (-0.5 * (d as f32 / deviation).powi(2)).exp()).collect();
        let sum: f32 = weights.iter().sum();
        let weighted = |value: &dyn Fn(isize) -> f32| {
            (-reach..=reach).zip(&weights).map(|(d, weight)| weight * value(d)).sum::<f32>() / sum
        };
        let across = self.map(|x, y| weighted(&|d| self.at(x + d, y)));
        across.map(|x, y| weighted(&|d| across.at(x, y + d)))
    }

    /// Half as wide and high, every value the mean of four; an odd last row or column is left out, unless it is the only
    /// one.
    pub fn halved(&self) -> Plane {
        let half = Plane {
            width: (self.width / 2).max(1),
            height: (self.height / 2).max(1),
            values: vec![0.0; (self.width / 2).max(1) * (self.height / 2).max(1)],
        };
        half.map(|x, y| {
            let corner = |dx, dy| self.at(2 * x + dx, 2 * y + dy);
            (corner(0, 0) + corner(1, 0) + corner(0, 1) + corner(1, 1)) / 4.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use impasto::plan::Size;

    #[test]
    fn grey_has_no_colour_difference_and_white_is_level_255() {
        let size = Size { width: 3, height: 1 };
        let picture = Picture::new(size, vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]).unwrap();
        let [luma, blue, red] = Plane::levels(&picture);
        assert!((luma.values[1] - 255.0).abs() < 1e-3 && luma.values[0] == 0.0, "{luma:?}");
        assert!(blue.values[..2].iter().chain(&red.values[..2]).all(|value| value.abs() < 1e-3), "{blue:?} {red:?}");
        assert!((blue.values[2] - 127.5).abs() < 1e-3, "{blue:?}");
    }

    #[test]
    fn a_blur_keeps_what_is_flat_and_spreads_a_point_over_its_neighbours() {
        let flat = Plane { width: 7, height: 5, values: vec![3.0; 35] };
        assert!(flat.blurred(1.0).values.iter().all(|value| (value - 3.0).abs() < 1e-5));
        let mut point = Plane { width: 9, height: 9, values: vec![0.0; 81] };
        point.values[40] = 1.0;
        let blurred = point.blurred(1.0);
        assert!((blurred.values.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        let expected = 1.0 / std::f32::consts::TAU;
        assert!((blurred.values[40] - expected).abs() < 2e-3, "{} for {expected}", blurred.values[40]);
    }

    #[test]
    fn halves_are_means_of_four_also_of_odd_and_of_thin_planes() {
        let plane = Plane { width: 5, height: 2, values: (0..10).map(|value| value as f32).collect() };
        assert_eq!(plane.halved(), Plane { width: 2, height: 1, values: vec![3.0, 5.0] });
        let thin = Plane { width: 1, height: 4, values: vec![1.0, 3.0, 5.0, 9.0] };
        assert_eq!(thin.halved().values, [2.0, 7.0]);
    }
}
