//! How far apart two distributions of features are: the sliced Wasserstein distance (Rabin, Peyré, Delon and Bernot,
//! "Wasserstein Barycenter and its Application to Texture Mixing", 2011).

use impasto::random::Random;
use rayon::prelude::*;

/// Fewest directions that features are looked at along.
const FEWEST_DIRECTIONS: usize = 128;

/// Distance between rows of `channels` features and those of a painting, as a multiple of the painting's spread: the root
/// of the mean squared distance of quantiles over all directions, by the root of the mean variance along them.
///
/// As many random directions as channels, at least [`FEWEST_DIRECTIONS`]; always the same.
pub fn sliced_distance(features: &[f32], painting: &[f32], channels: usize) -> f64 {
    let count = channels.max(FEWEST_DIRECTIONS);
    let sums: Vec<(f64, f64)> = (0..count)
        .into_par_iter()
        .map(|index| {
            let direction = direction(channels, index as u64);
            let (found, wanted) = (projected(features, &direction), projected(painting, &direction));
            (squared_distance(&found, &wanted), variance(&wanted))
        })
        .collect();
    let distance: f64 = sums.iter().map(|sum| sum.0).sum();
    let spread: f64 = sums.iter().map(|sum| sum.1).sum();
    (distance / spread.max(f64::MIN_POSITIVE)).sqrt()
}

/// A direction of unit length, uniform on the sphere.
fn direction(channels: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let values: Vec<f32> = (0..channels).map(|_| random.normal()).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value / length).collect()
}

/// The parts of all rows along a direction, in ascending order.
fn projected(features: &[f32], direction: &[f32]) -> Vec<f32> {
    let along = |row: &[f32]| row.iter().zip(direction).map(|(value, weight)| value * weight).sum();
    let mut values: Vec<f32> = features.par_chunks_exact(direction.len()).map(along).collect();
    values.sort_unstable_by(f32::total_cmp);
    values
}

/// Mean squared difference of the quantiles of two sorted lists, as many quantiles as the shorter one has values.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let count = a.len().min(b.len());
    let sum: f64 = (0..count)
        .map(|index| {
            let part = (index as f64 + 0.5) / count as f64;
            (quantile(a, part) - quantile(b, part)).powi(2)
        })
        .sum();
    sum / count as f64
}

/// The value below which a part of a sorted list lies; value `i` of `n` stands for the part `(i + 1/2) / n`.
fn quantile(sorted: &[f32], part: f64) -> f64 {
    let place = (part * sorted.len() as f64 - 0.5).clamp(0.0, (sorted.len() - 1) as f64);
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high) = (f64::from(sorted[below]), f64::from(sorted[above]));
    low + (high - low) * (place - below as f64)
}

fn variance(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNELS: usize = 5;

    fn rows(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..count * CHANNELS).map(|i| random.normal() * (1.0 + (i % CHANNELS) as f32)).collect()
    }

    #[test]
    fn the_same_features_in_any_order_are_no_distance_apart() {
        let painting = rows(300, 1);
        let reversed: Vec<f32> = painting.chunks_exact(CHANNELS).rev().flatten().copied().collect();
        assert_eq!(sliced_distance(&painting, &painting, CHANNELS), 0.0);
        assert!(sliced_distance(&reversed, &painting, CHANNELS) < 1e-6);
    }

    #[test]
    fn a_shift_by_the_spread_is_a_distance_of_one_whatever_the_unit() {
        let painting = rows(400, 2);
        let spread = (1..=CHANNELS).map(|d| (d * d) as f64).sum::<f64>();
        // A shift whose squared length is the sum of all variances, since along directions only a share counts of both.
        let shift = (spread / CHANNELS as f64).sqrt() as f32;
        for unit in [1.0, 1e-3, 50.0] {
            let scaled: Vec<f32> = painting.iter().map(|value| value * unit).collect();
            let shifted: Vec<f32> = scaled.iter().map(|value| value + shift * unit).collect();
            let distance = sliced_distance(&shifted, &scaled, CHANNELS);
            assert!((distance - 1.0).abs() < 0.2, "{distance}");
        }
    }

    #[test]
    fn noise_moves_features_away_the_more_the_stronger_it_is() {
        let painting = rows(500, 3);
        let noise = rows(500, 4);
        let with = |strength: f32| {
            let noisy: Vec<f32> = painting.iter().zip(&noise).map(|(value, noise)| value + strength * noise).collect();
            sliced_distance(&noisy, &painting, CHANNELS)
        };
        let distances = [0.1, 0.3, 1.0, 3.0].map(with);
        assert!(distances.windows(2).all(|pair| pair[0] < pair[1]), "{distances:?}");
    }

    #[test]
    fn more_or_fewer_samples_of_one_distribution_stay_near() {
        let (few, many) = (rows(700, 5), rows(2900, 6));
        let distance = sliced_distance(&few, &many, CHANNELS);
        assert!(distance < 0.15, "{distance}");
        assert!((distance - sliced_distance(&many, &few, CHANNELS)).abs() < 0.02);
    }
}
