//! Spherical k-means: directions that many patches point in (Coates and Ng, "Learning Feature Representations with
//! K-means", 2012).

use super::product::Matrix;
use crate::random::Random;
use rayon::prelude::*;

/// Rows that one task assigns.
const CHUNK: usize = 1024;

/// Directions of unit length, and how well they do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clusters {
    /// `count` rows of `dims` values.
    pub directions: Vec<f32>,
    /// Before each round: the mean over rows of the squared part along the nearest direction, which a round never
    /// lowers but for rounding and for directions that start anew.
    pub explained: Vec<f32>,
}

/// What the rows of one task say about the next round.
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
