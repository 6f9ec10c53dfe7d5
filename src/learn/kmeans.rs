//! Spherical k-means: directions that many patches point in (Coates and Ng, "Learning Feature Representations with
//! K-means", 2012).

use crate::{product::Matrix, random::Random};
use rayon::prelude::*;

/// Rows that one task assigns.
const CHUNK: usize = 1024;

/// Directions of unit length, and how well they do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clusters {
    /// `count` rows of `dims` values.
    pub directions: Vec<f32>,
    /// Before each round: the mean over rows of the squared part along the nearest direction. A round never lowers it,
    /// except by rounding or by directions that start anew.
    pub explained: Vec<f32>,
}

/// What the rows of one task contribute to the next round.
struct Tally {
    sums: Vec<f32>,
    members: Vec<u32>,
    explained: f64,
}

/// Finds `count` directions for `rows` of `dims` values, each of length one or less, starting from random ones. A
/// direction that no row is nearest to starts anew from one of the rows.
pub(super) fn spherical_k_means(
    rows: &[f32],
    dims: usize,
    count: usize,
    rounds: usize,
    random: &mut Random,
) -> Clusters {
    let mut directions: Vec<f32> = (0..count * dims).map(|_| random.normal()).collect();
    directions.chunks_exact_mut(dims).for_each(normalise);
    let total = rows.len() / dims;
    let mut explained = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let tallies: Vec<Tally> = rows.par_chunks(CHUNK * dims).map(|rows| tally(rows, dims, &directions)).collect();
        let mut members = vec![0; count];
        directions.fill(0.0);
        for tally in &tallies {
            directions.iter_mut().zip(&tally.sums).for_each(|(sum, part)| *sum += part);
            members.iter_mut().zip(&tally.members).for_each(|(sum, part)| *sum += part);
        }
        explained.push((tallies.iter().map(|tally| tally.explained).sum::<f64>() / total as f64) as f32);
        for (direction, members) in directions.chunks_exact_mut(dims).zip(members) {
            if members == 0 {
                direction.copy_from_slice(&rows[random.below(total) * dims..][..dims]);
                // A row may be zero; then noise decides.
                direction.iter_mut().for_each(|value| *value += 1e-3 * random.normal());
            }
            normalise(direction);
        }
    }
    Clusters { directions, explained }
}

fn tally(rows: &[f32], dims: usize, directions: &[f32]) -> Tally {
    let count = directions.len() / dims;
    let scores = Matrix::of_rows(rows, dims).times(Matrix::of_rows(directions, dims).transposed());
    let mut tally = Tally { sums: vec![0.0; directions.len()], members: vec![0; count], explained: 0.0 };
    for (row, scores) in rows.chunks_exact(dims).zip(scores.chunks_exact(count)) {
        let (nearest, score) = scores
            .iter()
            .copied()
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (i, score)| if score > best.1 { (i, score) } else { best });
        if score > 0.0 {
            let sum = &mut tally.sums[nearest * dims..][..dims];
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += score * value);
            tally.members[nearest] += 1;
            tally.explained += f64::from(score * score);
        }
    }
    tally
}

/// Scales to unit length.
fn normalise(direction: &mut [f32]) {
    let length = direction.iter().map(|value| value * value).sum::<f32>().sqrt();
    direction.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: usize = 12;

    fn unit_rows(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        let mut rows: Vec<f32> = (0..count * DIMS).map(|i| random.normal() * (1.0 + (i % DIMS) as f32)).collect();
        rows.chunks_exact_mut(DIMS).for_each(normalise);
        rows
    }

    fn lengths(directions: &[f32]) -> Vec<f32> {
        directions.chunks_exact(DIMS).map(|d| d.iter().map(|v| v * v).sum::<f32>().sqrt()).collect()
    }

    #[test]
    fn every_round_explains_more() {
        // Over a thousand rows, so that several tasks are combined.
        let clusters = spherical_k_means(&unit_rows(2 * CHUNK + 77, 1), DIMS, 20, 12, &mut Random::new(2));
        let explained = &clusters.explained;
        assert!(explained.windows(2).all(|pair| pair[1] > pair[0] - 1e-4), "{explained:?}");
        assert!(explained[11] > 1.5 * explained[0] && explained[11] < 1.0, "{explained:?}");
        assert!(lengths(&clusters.directions).iter().all(|length| (length - 1.0).abs() < 1e-5));
    }

    #[test]
    fn directions_that_the_rows_were_made_from_are_found() {
        let truth = unit_rows(5, 3);
        let mut random = Random::new(4);
        let mut rows = Vec::new();
        for index in 0..1500 {
            let centre = &truth[index % 5 * DIMS..][..DIMS];
            rows.extend(centre.iter().map(|value| value + 0.02 * random.normal()));
        }
        rows.chunks_exact_mut(DIMS).for_each(normalise);
        let clusters = spherical_k_means(&rows, DIMS, 15, 10, &mut Random::new(5));
        for centre in truth.chunks_exact(DIMS) {
            let cosine = |d: &[f32]| d.iter().zip(centre).map(|(a, b)| a * b).sum::<f32>();
            let best = clusters.directions.chunks_exact(DIMS).map(cosine).fold(0.0, f32::max);
            assert!(best > 0.99, "{best}");
        }
    }

    #[test]
    fn directions_without_rows_start_anew_and_stay_finite() {
        let one = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for rows in [one.repeat(40), vec![0.0; 40 * DIMS]] {
            let clusters = spherical_k_means(&rows, DIMS, 30, 4, &mut Random::new(6));
            let lengths = lengths(&clusters.directions);
            assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-5), "{lengths:?}");
        }
    }
}
