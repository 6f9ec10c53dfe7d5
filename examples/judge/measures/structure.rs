//! How much of a photograph's structure a picture keeps: similarity of gradients (after Xue, Zhang, Mou and Bovik,
//! "Gradient Magnitude Similarity Deviation", 2014), with their orientation.

use super::plane::Plane;

/// Sizes at which gradients are compared, each half of the one before.
const SCALES: usize = 3;
/// Smoothing before gradients are taken, in pixels.
const SMOOTHING: f32 = 1.0;
/// Added to both sides of a similarity, in units of the mean squared gradient: what is flat in both is similar.
const FLAT: f32 = 0.1;

/// Zero where two lumas have the same edges, one where they have none in common.
///
/// An edge is the same if its place and its direction are; which side is lighter does not count, nor does the contrast
/// of the whole picture. A pixel counts by the stronger of its two edges.
pub fn structure_distance(picture: &Plane, photograph: &Plane) -> f64 {
    let (mut picture, mut photograph) = (picture.clone(), photograph.clone());
    let mut similarity = 0.0;
    for scale in 0..SCALES {
        if scale > 0 {
            (picture, photograph) = (picture.halved(), photograph.halved());
        }
        similarity += edges_in_common(&gradients(&picture), &gradients(&photograph)) / SCALES as f64;
    }
    1.0 - similarity
}

/// Gradients across and down, in units of their root mean square.
fn gradients(plane: &Plane) -> Vec<[f32; 2]> {
    let smooth = plane.blurred(SMOOTHING);
    let across = smooth.map(|x, y| smooth.at(x + 1, y) - smooth.at(x - 1, y));
    let down = smooth.map(|x, y| smooth.at(x, y + 1) - smooth.at(x, y - 1));
    let pairs = || across.values.iter().zip(&down.values);
    let squares: f64 = pairs().map(|(x, y)| f64::from(x * x + y * y)).sum();
    let unit = (squares / across.values.len() as f64).sqrt().max(1e-3) as f32;
    pairs().map(|(x, y)| [x / unit, y / unit]).collect()
}

fn edges_in_common(a: &[[f32; 2]], b: &[[f32; 2]]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for ([ax, ay], [bx, by]) in a.iter().zip(b) {
        let (squares_a, squares_b) = (ax * ax + ay * ay, bx * bx + by * by);
        let similarity = (2.0 * (ax * bx + ay * by).abs() + FLAT) / (squares_a + squares_b + FLAT);
        let weight = squares_a.max(squares_b).sqrt() + 1e-3;
        sum += f64::from(weight * similarity);
        weights += f64::from(weight);
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use impasto::random::Random;

    /// Discs of several brightnesses.
    fn discs(centre: f32) -> Plane {
        let blank = Plane { width: 61, height: 47, values: vec![0.0; 61 * 47] };
        blank.map(|x, y| {
            let distance = (x as f32 - centre).hypot(y as f32 - 21.0);
            if distance < 6.0 {
                200.0
            } else if distance < 15.0 {
                60.0
            } else {
                120.0
            }
        })
    }

    #[test]
    fn the_same_picture_is_no_distance_away_also_paler_or_inverted() {
        let photograph = discs(25.0);
        assert!(structure_distance(&photograph, &photograph).abs() < 1e-6);
        for (factor, offset) in [(0.4, 90.0), (-1.0, 255.0)] {
            let changed = photograph.map(|x, y| factor * photograph.at(x, y) + offset);
            let distance = structure_distance(&changed, &photograph);
            assert!(distance.abs() < 1e-4, "times {factor}: {distance}");
        }
    }

    #[test]
    fn noise_and_shifts_take_structure_away_the_more_the_larger_they_are() {
        let photograph = discs(25.0);
        let noise: Vec<f32> = {
            let mut random = Random::new(1);
            (0..61 * 47).map(|_| random.normal()).collect()
        };
        let noisy = |strength: f32| {
            let noisy = photograph.map(|x, y| photograph.at(x, y) + strength * noise[y as usize * 61 + x as usize]);
            structure_distance(&noisy, &photograph)
        };
        let distances = [0.0, 5.0, 20.0, 80.0, 320.0].map(noisy);
        assert!(distances.windows(2).all(|pair| pair[0] < pair[1]), "{distances:?}");
        let shifted = [25.0, 26.0, 28.0, 33.0].map(|centre| structure_distance(&discs(centre), &photograph));
        assert!(shifted.windows(2).all(|pair| pair[0] < pair[1]), "{shifted:?}");
        assert!(distances[4] > 0.5 && distances[4] < 1.0, "{distances:?}");
    }

    #[test]
    fn flat_pictures_give_finite_distances() {
        let flat = Plane { width: 5, height: 3, values: vec![9.0; 15] };
        assert_eq!(structure_distance(&flat, &flat), 0.0);
        let photograph = discs(25.0);
        let grey = photograph.map(|_, _| 9.0);
        let distance = structure_distance(&grey, &photograph);
        assert!((0.3..1.0).contains(&distance), "{distance}");
    }
}
