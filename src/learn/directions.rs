//! Directions that many patches point in: random ones, drawn to the patches around them by one round of spherical k-means
//! (Coates and Ng, "Learning Feature Representations with K-means", 2012).
//!
//! They follow the patches continuously, so that processors that round differently learn the same filters, but for
//! rounding. `docs/learned-filters.md` has what more rounds, and patches that belong to one direction alone, make of a
//! difference in the last digit.

use crate::{product::Matrix, random::Random};
use rayon::prelude::*;

/// Rows that one task looks at.
const CHUNK: usize = 1024;
/// Rows that a direction begins as a random mixture of. Rounding turns the basis of whitened patches, and mixtures turn
/// with it; numbers drawn for each coordinate would stand for other patches.
const MIXED: usize = 64;
/// A row belongs to each direction along which its part is less than this shorter than along the nearest. Rows are one long
/// or less.
const SHARED: f32 = 0.1;
/// Decides where all rows are zero.
const NOISE: f32 = 1e-6;

/// `count` directions of unit length among `rows` of `dims` values, each of length one or less.
pub(super) fn directions(rows: &[f32], dims: usize, count: usize, random: &mut Random) -> Vec<f32> {
    let mixtures = mixtures(rows, dims, count, random);
    let parts: Vec<Vec<f32>> = rows.par_chunks(CHUNK * dims).map(|rows| drawn(rows, dims, &mixtures)).collect();
    let mut directions = vec![0.0; count * dims];
    for part in &parts {
        directions.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    for (direction, mixture) in directions.chunks_exact_mut(dims).zip(mixtures.chunks_exact(dims)) {
        if direction.iter().all(|value| *value == 0.0) {
            direction.copy_from_slice(mixture);
        }
        normalise(direction);
    }
    directions
}

/// Random directions, distributed as the rows are.
fn mixtures(rows: &[f32], dims: usize, count: usize, random: &mut Random) -> Vec<f32> {
    let total = rows.len() / dims;
    let mut mixtures = vec![0.0; count * dims];
    for mixture in mixtures.chunks_exact_mut(dims) {
        for _ in 0..MIXED {
            let (row, factor) = (random.below(total), random.normal());
            mixture.iter_mut().zip(&rows[row * dims..]).for_each(|(value, row)| *value += factor * row);
        }
        mixture.iter_mut().for_each(|value| *value += NOISE * random.normal());
        normalise(mixture);
    }
    mixtures
}

/// For each direction, the sum over rows of the row times its part along the direction times its share.
fn drawn(rows: &[f32], dims: usize, directions: &[f32]) -> Vec<f32> {
    let count = directions.len() / dims;
    let parts = Matrix::of_rows(rows, dims).times(Matrix::of_rows(directions, dims).transposed());
    let mut sums = vec![0.0; directions.len()];
    for (row, parts) in rows.chunks_exact(dims).zip(parts.chunks_exact(count)) {
        let longest = parts.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let share = |part: f32| (part - longest + SHARED).max(0.0).powi(2);
        let all: f32 = parts.iter().map(|part| share(*part)).sum();
        for (sum, &part) in sums.chunks_exact_mut(dims).zip(parts) {
            let factor = share(part) / all * part.max(0.0);
            if factor > 0.0 {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
            }
        }
    }
    sums
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

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// Mean over rows of the squared part along the nearest direction.
    fn explained(rows: &[f32], directions: &[f32]) -> f32 {
        let nearest = |row| directions.chunks_exact(DIMS).map(|direction| dot(direction, row)).fold(0.0, f32::max);
        rows.chunks_exact(DIMS).map(|row| nearest(row).powi(2)).sum::<f32>() / (rows.len() / DIMS) as f32
    }

    /// Turns each row by the same angles in three planes.
    fn turned(rows: &[f32]) -> Vec<f32> {
        let mut turned = rows.to_vec();
        for row in turned.chunks_exact_mut(DIMS) {
            for (i, j, angle) in [(0, 11, 0.7_f32), (3, 5, -1.9), (5, 11, 2.3)] {
                let (a, b) = (row[i], row[j]);
                row[i] = a * angle.cos() - b * angle.sin();
                row[j] = a * angle.sin() + b * angle.cos();
            }
        }
        turned
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        let squares: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        (squares / dot(a, a)).sqrt()
    }

    #[test]
    fn drawn_directions_explain_more_than_the_mixtures_they_were() {
        // Over a thousand rows, so that several tasks are combined.
        let rows = unit_rows(2 * CHUNK + 77, 1);
        let mixtures = mixtures(&rows, DIMS, 20, &mut Random::new(2));
        let directions = directions(&rows, DIMS, 20, &mut Random::new(2));
        let (before, after) = (explained(&rows, &mixtures), explained(&rows, &directions));
        assert!(after > 1.05 * before && after < 1.0, "{before} {after}");
        for direction in directions.chunks_exact(DIMS) {
            assert!((dot(direction, direction) - 1.0).abs() < 1e-5, "{direction:?}");
        }
    }

    #[test]
    fn directions_turn_with_the_rows_and_change_as_little_as_they_do() {
        let rows = unit_rows(3 * CHUNK, 3);
        let directions = |rows: &[f32]| directions(rows, DIMS, 50, &mut Random::new(4));
        let found = directions(&rows);
        let of_turned = distance(&turned(&found), &directions(&turned(&rows)));
        assert!(of_turned < 1e-4, "turned by another {of_turned}");
        let mut random = Random::new(5);
        let moved: Vec<f32> = rows.iter().map(|value| value * (1.0 + 1e-3 * random.normal())).collect();
        let change = distance(&found, &directions(&moved));
        assert!(change > 1e-5 && change < 3e-3, "rows that change by a thousandth change directions by {change}");
    }

    #[test]
    fn rows_that_are_all_alike_or_zero_give_finite_directions_of_unit_length() {
        let one = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        for rows in [one.repeat(40), vec![0.0; 40 * DIMS]] {
            for direction in directions(&rows, DIMS, 30, &mut Random::new(6)).chunks_exact(DIMS) {
                assert!((dot(direction, direction) - 1.0).abs() < 1e-5, "{direction:?}");
            }
        }
    }
}
