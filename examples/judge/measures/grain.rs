//! What is finer than a brush: the residual above a small blur.

use super::plane::Plane;

/// Deviation of the blur, in pixels.
const BLUR: f32 = 1.0;
/// Smoothing of the photograph before it is asked where it is calm, in pixels.
const CALM_BLUR: f32 = 2.0;
/// The part of a photograph that counts as calm.
const CALM_PART: f64 = 0.25;

/// Root mean square of the residual, in the unit of the plane, over the pixels that are chosen.
pub fn grain(plane: &Plane, chosen: impl Fn(usize) -> bool) -> f64 {
    let blurred = plane.blurred(BLUR);
    let (mut sum, mut count) = (0.0, 0.0);
    for (index, (value, smooth)) in plane.values.iter().zip(&blurred.values).enumerate() {
        if chosen(index) {
            sum += f64::from(value - smooth).powi(2);
            count += 1.0;
        }
    }
    (sum / f64::max(count, 1.0)).sqrt()
}

/// The calmest part of a photograph's luma, such as its sky: where its contrast in the neighbourhood is least.
pub fn calm(luma: &Plane) -> Vec<bool> {
    let smooth = luma.blurred(CALM_BLUR);
    let energy = luma.map(|x, y| (luma.at(x, y) - smooth.at(x, y)).powi(2)).blurred(2.0 * CALM_BLUR);
    let mut sorted = energy.values.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let limit = sorted[(sorted.len() as f64 * CALM_PART) as usize];
    energy.values.iter().map(|value| *value <= limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use impasto::random::Random;

    /// Flat on the left, noise of a strength on the right.
    fn half_noise(strength: f32) -> Plane {
        let mut random = Random::new(3);
        let values = (0..40 * 30).map(|i| if i % 40 < 20 { 7.0 } else { 7.0 + strength * random.normal() }).collect();
        Plane { width: 40, height: 30, values }
    }

    #[test]
    fn grain_is_zero_on_a_slope_and_proportional_to_noise() {
        let slope = Plane { width: 40, height: 30, values: vec![0.0; 1200] }.map(|x, y| x as f32 + 2.0 * y as f32);
        let inside = |i: usize| (4..36).contains(&(i % 40)) && (4..26).contains(&(i / 40));
        assert!(grain(&slope, inside) < 1e-4);
        let right = |i: usize| i % 40 > 24;
        let (weak, strong) = (grain(&half_noise(1.0), right), grain(&half_noise(8.0), right));
        assert!((strong / weak - 8.0).abs() < 1e-2 && (0.7..1.0).contains(&weak), "{weak} {strong}");
    }

    #[test]
    fn the_calm_part_is_a_quarter_where_nothing_happens() {
        let calm = calm(&half_noise(5.0));
        let count = calm.iter().filter(|calm| **calm).count();
        assert!((290..=400).contains(&count), "{count}");
        assert!(calm.iter().enumerate().all(|(i, calm)| !calm || i % 40 < 20));
    }
}
