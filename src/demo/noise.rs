//! Smooth random functions of the plane: gradient noise (Perlin, "An Image Synthesizer", SIGGRAPH 1985; the fade curve
//! is that of "Improving Noise", SIGGRAPH 2002).

use super::canvas::Point;
use crate::random::Random;

/// Noise of one seed: mean zero, within about [-1, 1], features one unit across, repeating after 256 units.
pub(super) struct Noise {
    order: [u8; 256],
}

impl Noise {
    pub fn new(seed: u64) -> Noise {
        let mut random = Random::new(seed);
        let mut order: [u8; 256] = std::array::from_fn(|i| i as u8);
        for last in (1..256).rev() {
            order.swap(last, random.below(last + 1));
        }
        Noise { order }
    }

    /// The value at a point.
    pub fn at(&self, [x, y]: Point) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (x, y) = (x - left, y - top);
        let corner = |across: i32, down: i32| {
            let column = self.order[((left as i32).wrapping_add(across) & 255) as usize];
            let row = (top as i32).wrapping_add(down) & 255;
            let [a, b] = GRADIENTS[usize::from(self.order[(usize::from(column) + row as usize) & 255] & 15)];
            a * (x - across as f32) + b * (y - down as f32)
        };
        let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
        let (u, v) = (fade(x), fade(y));
        let upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
        let lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
        (upper + (lower - upper) * v) * std::f32::consts::SQRT_2
    }

    /// Octaves of noise, each of twice the frequency and half the amplitude of the one before.
    pub fn octaves(&self, [x, y]: Point, count: i32) -> f32 {
        (0..count).map(|i| (2f32.powi(i), i as f32 * 19.7)).map(|(f, o)| self.at([x * f + o, y * f - o]) / f).sum()
    }
}

/// Sixteen directions around the circle.
const GRADIENTS: [Point; 16] = {
    const A: f32 = 0.923_879_5;
    const B: f32 = 0.382_683_43;
    const C: f32 = std::f32::consts::FRAC_1_SQRT_2;
    [
        [1.0, 0.0],
        [A, B],
        [C, C],
        [B, A],
        [0.0, 1.0],
        [-B, A],
        [-C, C],
        [-A, B],
        [-1.0, 0.0],
        [-A, -B],
        [-C, -C],
        [-B, -A],
        [0.0, -1.0],
        [B, -A],
        [C, -C],
        [A, -B],
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_bounded_continuous_and_zero_on_the_grid() {
        let noise = Noise::new(5);
        let mut random = Random::new(6);
        let (mut sum, mut largest) = (0.0, 0f32);
        for _ in 0..20_000 {
            let [x, y] = [random.uniform(-300.0, 300.0), random.uniform(-300.0, 300.0)];
            let value = noise.at([x, y]);
            assert!((value - noise.at([x + 1e-3, y - 1e-3])).abs() < 0.01, "({x}, {y})");
            assert_eq!(noise.at([x.floor(), y.floor()]), 0.0);
            sum += value;
            largest = largest.max(value.abs());
        }
        assert!((sum / 20_000.0).abs() < 0.02 && (0.7..1.1).contains(&largest), "{sum} {largest}");
        assert_ne!(noise.at([0.5, 0.5]), Noise::new(7).at([0.5, 0.5]));
    }
}
