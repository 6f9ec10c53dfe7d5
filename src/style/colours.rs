//! The photograph's colours instead of the painting's (Gatys, Bethge, Hertzmann and Shechtman, "Preserving Color in
//! Neural Artistic Style Transfer", 2016): either the painting gets the photograph's colours before it is looked at, or
//! only luminance is painted and the photograph's chroma put back.
//!
//! Values are sRGB-coded throughout. Luminance Y is a weighted mean of red, green and blue, and chroma is what each of
//! the three differs from it by; a chroma has luminance zero. Where statistics have weights, one for each pixel,
//! pixels of weight zero have no part in them.

use crate::picture::Picture;
use nalgebra::{Matrix3, SymmetricEigen, Vector3};

/// Of red, green and blue in luminance, as in YIQ and YUV.
const LUMINANCE: [f64; 3] = [0.299, 0.587, 0.114];
/// Variance added to every colour, so that colours that hardly vary are not blown up: a standard deviation of 0.8
/// levels of 255.
const REGULARISATION: f64 = 1e-5;

/// Mean and regularised covariance of a picture's colours.
#[derive(Debug)]
struct Statistics {
    mean: Vector3<f64>,
    covariance: Matrix3<f64>,
}

/// x becomes `matrix` x + `offset`.
#[derive(Debug)]
struct ColourMap {
    matrix: Matrix3<f64>,
    offset: Vector3<f64>,
}

/// The painting in the photograph's colours: its mean and covariance become the photograph's, by the linear map that
/// moves colours least. `strength` 0 changes nothing, 1 everything.
///
/// If no pixel of one of the two counts, nothing changes.
pub(super) fn match_colours(
    painting: &Picture,
    photograph: &Picture,
    weights_painting: Option<&[f32]>,
    weights_photograph: Option<&[f32]>,
    strength: f32,
) -> Picture {
    let from = Statistics::of(painting.pixels(), weights_painting);
    let to = Statistics::of(photograph.pixels(), weights_photograph);
    let Some(map) = from.zip(to).and_then(|(from, to)| ColourMap::between(&from, &to, strength)) else {
        return painting.clone();
    };
    changed(painting, |pixel| map.apply(pixel).map(|value| value.clamp(0.0, 1.0)))
}

/// The painting as luminance-only transfer looks at it: its luminance gets the photograph's mean and standard
/// deviation, and its chroma goes. `strength` 0 changes nothing, 1 everything.
///
/// If no pixel of one of the two counts, luminance stays as it is.
pub(super) fn painting_in_luminance(
    painting: &Picture,
    photograph: &Picture,
    weights_painting: Option<&[f32]>,
    weights_photograph: Option<&[f32]>,
    strength: f32,
) -> Picture {
    let from = Statistics::of(painting.pixels(), weights_painting).map(|statistics| statistics.luminance());
    let to = Statistics::of(photograph.pixels(), weights_photograph).map(|statistics| statistics.luminance());
    let strength = f64::from(strength);
    changed(painting, |pixel| {
        let (luminance, chroma) = parts(pixel);
        let matched = from.zip(to).map_or(luminance, |((mean, deviation), (wanted_mean, wanted_deviation))| {
            wanted_deviation / deviation * (luminance - mean) + wanted_mean
        });
        inside(luminance + strength * (matched - luminance), (1.0 - strength) * chroma)
    })
}

/// The photograph as luminance-only transfer looks at it: `strength` 0 keeps its chroma, 1 none of it.
pub(super) fn photograph_in_luminance(photograph: &Picture, strength: f32) -> Picture {
    changed(photograph, |pixel| {
        let (luminance, chroma) = parts(pixel);
        inside(luminance, (1.0 - f64::from(strength)) * chroma)
    })
}

/// What was painted from pictures in luminance, in colour again, for a photograph of the same size. Above 0 it gets
/// `strength` times the photograph's chroma in addition to its own, which was painted from what `strength` had left;
/// at 1 the photograph's chroma replaces it, because nothing was left and what there is came about by chance.
///
/// Chroma comes before luminance: where both do not fit into [0, 1], luminance gives way. The photograph's own chroma
/// always fits.
pub(super) fn with_chroma_of(result: &Picture, photograph: &Picture, strength: f32) -> Picture {
    if strength == 0.0 {
        return result.clone();
    }
    assert_eq!(result.size(), photograph.size(), "chroma is put back pixel by pixel");
    let kept = if strength == 1.0 { 0.0 } else { 1.0 };
    let mut coloured = result.clone();
    let photographed = photograph.pixels().as_chunks().0;
    for (pixel, photographed) in coloured.pixels_mut().as_chunks_mut().0.iter_mut().zip(photographed) {
        let ((luminance, painted), (_, chroma)) = (parts(colour(pixel)), parts(colour(photographed)));
        *pixel = values(inside(luminance, kept * painted + f64::from(strength) * chroma));
    }
    coloured
}

impl Statistics {
    /// None if no pixel counts.
    fn of(pixels: &[f32], weights: Option<&[f32]>) -> Option<Statistics> {
        let (mut total, mut sum, mut squares) = (0.0, Vector3::zeros(), Matrix3::zeros());
        for (index, pixel) in pixels.as_chunks().0.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| f64::from(weights[index]));
            let pixel = colour(pixel);
            total += weight;
            sum += weight * pixel;
            squares += weight * pixel * pixel.transpose();
        }
        if total == 0.0 {
            return None;
        }
        let mean = sum / total;
        let covariance = squares / total - mean * mean.transpose() + REGULARISATION * Matrix3::identity();
        Some(Statistics { mean, covariance })
    }

    /// Mean and standard deviation of luminance.
    fn luminance(&self) -> (f64, f64) {
        let shares = Vector3::from(LUMINANCE);
        (shares.dot(&self.mean), shares.dot(&(self.covariance * shares)).sqrt())
    }
}

impl ColourMap {
    /// Optimal transport between normal distributions: with covariances S and S', the matrix is
    /// S^-1/2 (S^1/2 S' S^1/2)^1/2 S^-1/2. `strength` goes from there towards no change.
    ///
    /// None if the statistics are not finite.
    fn between(from: &Statistics, to: &Statistics, strength: f32) -> Option<ColourMap> {
        let root = power(from.covariance, 0.5)?;
        let inverse = power(from.covariance, -0.5)?;
        let transport = inverse * power(root * to.covariance * root, 0.5)? * inverse;
        let strength = f64::from(strength);
        let matrix = strength * transport + (1.0 - strength) * Matrix3::identity();
        Some(ColourMap { matrix, offset: strength * (to.mean - transport * from.mean) })
    }

    fn apply(&self, pixel: Vector3<f64>) -> Vector3<f64> {
        self.matrix * pixel + self.offset
    }
}

/// A power of a symmetric matrix without negative eigenvalues. None if it is not finite.
fn power(matrix: Matrix3<f64>, exponent: f64) -> Option<Matrix3<f64>> {
    // Far more rounds than three rows need; values that are not numbers would take them for ever.
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::try_new(matrix, f64::EPSILON, 1000)?;
    // Rounding can put one that is nearly zero below it. Regularised, none is smaller than this.
    let powers = eigenvalues.map(|value| value.max(REGULARISATION * REGULARISATION).powf(exponent));
    let power = eigenvectors * Matrix3::from_diagonal(&powers) * eigenvectors.transpose();
    power.iter().all(|value| value.is_finite()).then_some(power)
}

/// Luminance and chroma of a colour.
fn parts(pixel: Vector3<f64>) -> (f64, Vector3<f64>) {
    let luminance = Vector3::from(LUMINANCE).dot(&pixel);
    (luminance, pixel.add_scalar(-luminance))
}

/// The colour in [0, 1] of a chroma and the nearest luminance that goes with it. A chroma that goes with none is first
/// reduced to the most of it that does.
fn inside(luminance: f64, chroma: Vector3<f64>) -> Vector3<f64> {
    let chroma = chroma / (chroma.max() - chroma.min()).max(1.0);
    let luminance = luminance.min(1.0 - chroma.max()).max(-chroma.min());
    chroma.map(|value| (luminance + value).clamp(0.0, 1.0))
}

fn colour(pixel: &[f32; 3]) -> Vector3<f64> {
    Vector3::from(pixel.map(f64::from))
}

fn values(colour: Vector3<f64>) -> [f32; 3] {
    colour.map(|value| value as f32).into()
}

/// The picture with every pixel changed.
fn changed(picture: &Picture, change: impl Fn(Vector3<f64>) -> Vector3<f64>) -> Picture {
    let mut picture = picture.clone();
    for pixel in picture.pixels_mut().as_chunks_mut().0 {
        *pixel = values(change(colour(pixel)));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::Size, random::Random};
    use std::path::PathBuf;

    const ODD: [Size; 3] =
        [Size { width: 37, height: 27 }, Size { width: 1, height: 53 }, Size { width: 75, height: 14 }];

    /// Correlated colours around a mean.
    fn coloured(size: Size, seed: u64, mean: [f32; 3], spread: f32) -> Picture {
        let mut random = Random::new(seed);
        let mixture: Vec<f32> = random.uniform_values(9, -0.5, 0.5);
        let mut picture = Picture::noise(size, 0);
        for pixel in picture.pixels_mut().as_chunks_mut::<3>().0 {
            let noise = random.uniform_values(3, -spread, spread);
            let mixed = |c: usize| mean[c] + noise[c] + (0..3).map(|i| mixture[3 * c + i] * noise[i]).sum::<f32>();
            *pixel = [0, 1, 2].map(mixed);
        }
        picture
    }

    /// A picture as it is in a file of 8 bits.
    fn rounded(picture: &Picture) -> Picture {
        let pixels = picture.pixels().iter().map(|value| (255.0 * value).round() / 255.0).collect();
        Picture::new(picture.size(), pixels).expect("no pixel was lost")
    }

    fn pixels(picture: &Picture) -> impl Iterator<Item = Vector3<f64>> {
        picture.pixels().as_chunks().0.iter().map(colour)
    }

    fn largest_difference(a: &Picture, b: &Picture) -> f32 {
        assert_eq!(a.size(), b.size());
        a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// Pictures from outside the repository, if they are there.
    fn real(names: &[&str]) -> Option<Vec<Picture>> {
        let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
        let images = std::env::var_os("IMPASTO_SHARED").map_or_else(beside, PathBuf::from).join("images");
        let paths: Vec<PathBuf> = names.iter().map(|name| images.join(name)).collect();
        let open = |path: &PathBuf| Picture::open(path).expect("pictures outside the repository are whole");
        paths.iter().all(|path| path.exists()).then(|| paths.iter().map(open).collect())
    }

    #[track_caller]
    fn assert_matched(moved: &[f32], photograph: &Picture, tolerance: f64) {
        let found = Statistics::of(moved, None).expect("every pixel counts");
        let wanted = Statistics::of(photograph.pixels(), None).expect("every pixel counts");
        let (mean, covariance) = (found.mean - wanted.mean, found.covariance - wanted.covariance);
        assert!(mean.norm() < tolerance * wanted.mean.norm(), "{found:?} {wanted:?}");
        assert!(covariance.norm() < tolerance * wanted.covariance.norm(), "{found:?} {wanted:?}");
    }

    #[test]
    fn a_matched_painting_has_the_mean_and_covariance_of_the_photograph() {
        for (seed, size) in (1..).zip(ODD) {
            let painting = coloured(size, seed, [0.6, 0.4, 0.5], 0.12);
            let photograph = coloured(Size { width: 29, height: 31 }, seed + 10, [0.45, 0.55, 0.5], 0.1);
            let matched = match_colours(&painting, &photograph, None, None, 1.0);
            assert_matched(matched.pixels(), &photograph, 0.01);
        }
    }

    #[test]
    fn real_paintings_are_matched_before_values_are_clamped() {
        let Some(pictures) = real(&["tubingen.jpg", "starry_night.jpg", "the_scream.jpg", "shipwreck.jpg"]) else {
            return;
        };
        let photograph = &pictures[0];
        for painting in &pictures[1..] {
            let [from, to] = [painting, photograph].map(|p| Statistics::of(p.pixels(), None).expect("pixels count"));
            let map = ColourMap::between(&from, &to, 1.0).expect("pictures in files are finite");
            let moved: Vec<f32> =
                pixels(painting).flat_map(|x| <[f64; 3]>::from(map.apply(x))).map(|v| v as f32).collect();
            assert_matched(&moved, photograph, 0.03);
            let matched = match_colours(painting, photograph, None, None, 1.0);
            assert!(matched.pixels().iter().all(|value| (0.0..=1.0).contains(value)));
            assert!(matched.pixels().iter().zip(&moved).all(|(clamped, moved)| *clamped == moved.clamp(0.0, 1.0)));
        }
    }

    #[test]
    fn strength_leads_evenly_from_no_change_to_all_of_it() {
        let painting = coloured(ODD[0], 3, [0.6, 0.4, 0.5], 0.12);
        let photograph = coloured(ODD[2], 4, [0.45, 0.55, 0.5], 0.1);
        for change in [match_colours, painting_in_luminance] {
            let [none, half, all] =
                [0.0, 0.5, 1.0].map(|strength| change(&painting, &photograph, None, None, strength));
            assert_eq!(none.size(), painting.size());
            assert!(largest_difference(&none, &painting) < 1e-6);
            assert!(largest_difference(&all, &painting) > 0.1);
            let middle = painting.pixels().iter().zip(all.pixels()).map(|(a, b)| 0.5 * (a + b)).collect();
            let middle = Picture::new(painting.size(), middle).expect("no pixel was lost");
            assert!(largest_difference(&half, &middle) < 1e-6);
        }
        assert!(largest_difference(&photograph_in_luminance(&photograph, 0.0), &photograph) < 1e-6);
    }

    #[test]
    fn colours_move_no_further_than_they_must() {
        let [painting, photograph] =
            [(5, 0.12), (6, 0.1)].map(|(seed, spread)| coloured(ODD[0], seed, [0.5; 3], spread));
        let itself = match_colours(&painting, &painting, None, None, 1.0);
        assert!(largest_difference(&itself, &painting) < 1e-5);
        // Among the matrices that match covariances only that of optimal transport is symmetric and positive.
        let [from, to] = [painting, photograph].map(|p| Statistics::of(p.pixels(), None).expect("pixels count"));
        let matrix = ColourMap::between(&from, &to, 1.0).expect("all is finite").matrix;
        assert!((matrix - matrix.transpose()).norm() < 1e-9 * matrix.norm(), "{matrix}");
        assert!(matrix.symmetric_eigenvalues().min() > 0.0, "{matrix}");
        assert!((matrix * from.covariance * matrix - to.covariance).norm() < 1e-9, "{matrix}");
    }

    #[test]
    fn pixels_of_weight_zero_have_no_part_in_statistics() {
        for change in [match_colours, painting_in_luminance] {
            let painting = coloured(ODD[0], 7, [0.6, 0.4, 0.5], 0.12);
            let photograph = coloured(ODD[2], 8, [0.45, 0.55, 0.5], 0.1);
            let weights = |picture: &Picture| -> Vec<f32> {
                (0..picture.size().pixels()).map(|i| [0.0, 1.0, 0.5][i % 3]).collect()
            };
            let (of_painting, of_photograph) = (weights(&painting), weights(&photograph));
            let expected = change(&painting, &photograph, Some(&of_painting), Some(&of_photograph), 1.0);
            assert!(largest_difference(&expected, &change(&painting, &photograph, None, None, 1.0)) > 1e-4);
            let spoilt = |picture: &Picture| {
                let mut spoilt = picture.clone();
                let masked = spoilt.pixels_mut().as_chunks_mut().0.iter_mut().step_by(3);
                masked.for_each(|pixel| *pixel = [1.0, 0.0, 0.9]);
                spoilt
            };
            let found = change(&spoilt(&painting), &spoilt(&photograph), Some(&of_painting), Some(&of_photograph), 1.0);
            let counted = found.pixels().chunks(3).zip(expected.pixels().chunks(3)).enumerate();
            assert!(counted.filter(|(i, _)| i % 3 != 0).all(|(_, (found, expected))| found == expected));
            let (ones, twos) = (vec![1.0; painting.size().pixels()], vec![2.0; photograph.size().pixels()]);
            let weighted = change(&painting, &photograph, Some(&ones), Some(&twos), 1.0);
            assert!(largest_difference(&weighted, &change(&painting, &photograph, None, None, 1.0)) < 1e-6);
        }
    }

    #[test]
    fn where_no_pixel_counts_colours_stay() {
        let painting = coloured(ODD[0], 9, [0.6, 0.4, 0.5], 0.12);
        let photograph = coloured(ODD[0], 10, [0.45, 0.55, 0.5], 0.1);
        let none = vec![0.0; painting.size().pixels()];
        assert_eq!(match_colours(&painting, &photograph, Some(&none), None, 1.0), painting);
        assert_eq!(match_colours(&painting, &photograph, None, Some(&none), 1.0), painting);
        let grey = painting_in_luminance(&painting, &photograph, Some(&none), None, 1.0);
        let luminances = pixels(&painting).zip(pixels(&grey));
        assert!(luminances.into_iter().all(|(before, after)| (parts(before).0 - parts(after).0).abs() < 1e-6));
    }

    #[test]
    fn a_painting_in_luminance_is_grey_and_as_bright_and_contrasty_as_the_photograph() {
        for (seed, size) in (1..).zip(ODD) {
            let painting = coloured(size, seed, [0.7, 0.6, 0.5], 0.1);
            let photograph = coloured(ODD[0], seed + 20, [0.35, 0.45, 0.4], 0.15);
            let grey = painting_in_luminance(&painting, &photograph, None, None, 1.0);
            assert!(pixels(&grey).all(|pixel| parts(pixel).1.amax() < 1e-6));
            let of = |picture: &Picture| Statistics::of(picture.pixels(), None).expect("pixels count").luminance();
            let ((mean, deviation), (wanted_mean, wanted_deviation)) = (of(&grey), of(&photograph));
            assert!((mean - wanted_mean).abs() < 1e-3, "{mean} {wanted_mean}");
            assert!((deviation / wanted_deviation - 1.0).abs() < 0.01, "{deviation} {wanted_deviation}");
            assert!(pixels(&photograph_in_luminance(&photograph, 1.0)).all(|pixel| parts(pixel).1.amax() < 1e-6));
        }
    }

    #[test]
    fn flat_pictures_give_numbers() {
        let flat = |value: f32| Picture::new(ODD[0], vec![value; 3 * ODD[0].pixels()]).expect("three values a pixel");
        let photograph = coloured(ODD[1], 11, [0.45, 0.55, 0.5], 0.1);
        let of_photograph = Statistics::of(photograph.pixels(), None).expect("pixels count");
        for value in [0.0, 0.3, 1.0] {
            let matched = match_colours(&flat(value), &photograph, None, None, 1.0);
            assert!(pixels(&matched).all(|pixel| (pixel - of_photograph.mean).amax() < 1e-4), "{matched:?}");
            let grey = painting_in_luminance(&flat(value), &photograph, None, None, 1.0);
            let brightness = of_photograph.luminance().0;
            assert!(pixels(&grey).all(|pixel| pixel.add_scalar(-brightness).amax() < 1e-4), "{grey:?}");
            let of_flat = match_colours(&photograph, &flat(value), None, None, 1.0);
            assert!(of_flat.pixels().iter().all(|found| (found - value).abs() < 0.02), "{of_flat:?}");
        }
    }

    /// The largest difference between the chromas of two pictures in levels of 255.
    fn chroma_levels(a: &Picture, b: &Picture) -> f64 {
        let apart = pixels(a).zip(pixels(b)).map(|(a, b)| 255.0 * (parts(a).1 - parts(b).1).amax());
        apart.fold(0.0, |worst: f64, apart| if apart.is_nan() { f64::INFINITY } else { worst.max(apart) })
    }

    #[test]
    fn the_photographs_chroma_is_kept_to_a_level_of_eight_bits() {
        for (seed, size) in (1..).zip(ODD) {
            let photograph = rounded(&Picture::noise(size, seed));
            // Far outside too, as L-BFGS leaves a picture.
            let painted = Random::new(seed + 5).uniform_values(3 * size.pixels(), -0.5, 1.5);
            let painted = Picture::new(size, painted).expect("three values a pixel");
            let result = with_chroma_of(&painted, &photograph, 1.0);
            assert!(result.pixels().iter().all(|value| (0.0..=1.0).contains(value)));
            assert!(chroma_levels(&result, &photograph) < 1e-4);
            assert!(chroma_levels(&rounded(&result), &photograph) <= 1.0 + 1e-4);
        }
    }

    #[test]
    fn a_real_photographs_chroma_is_kept_to_a_level_of_eight_bits() {
        let Some(pictures) = real(&["tubingen.jpg", "starry_night.jpg"]) else { return };
        let photograph = rounded(&pictures[0]);
        let result = with_chroma_of(&pictures[1].resize(photograph.size()), &photograph, 1.0);
        let levels = chroma_levels(&rounded(&result), &photograph);
        assert!(levels <= 1.0 + 1e-4, "{levels}");
    }

    #[test]
    fn luminance_stays_that_of_the_result_wherever_the_chroma_allows_it() {
        let size = ODD[0];
        let (painted, photograph) = (Picture::noise(size, 1), coloured(size, 12, [0.5; 3], 0.1));
        let result = with_chroma_of(&painted, &photograph, 1.0);
        let mut free = 0;
        for ((painted, photograph), result) in pixels(&painted).zip(pixels(&photograph)).zip(pixels(&result)) {
            let wanted = parts(photograph).1.add_scalar(parts(painted).0);
            if wanted.min() >= 0.0 && wanted.max() <= 1.0 {
                free += 1;
                assert!((result - wanted).amax() < 1e-6, "{result}, {wanted}");
            } else {
                assert!(result.min() == 0.0 || result.max() == 1.0, "{result}");
            }
        }
        assert!(free > size.pixels() / 2 && free < size.pixels(), "{free}");
    }

    #[test]
    fn between_none_and_all_a_share_of_the_photographs_chroma_is_added() {
        let size = ODD[2];
        let (painted, photograph) = (coloured(size, 13, [0.5; 3], 0.05), coloured(size, 14, [0.5; 3], 0.1));
        assert_eq!(with_chroma_of(&painted, &photograph, 0.0), painted);
        let half = with_chroma_of(&painted, &photograph, 0.5);
        for ((painted, photograph), half) in pixels(&painted).zip(pixels(&photograph)).zip(pixels(&half)) {
            let wanted = painted + 0.5 * parts(photograph).1;
            assert!((half - wanted).amax() < 1e-6, "{half}, {wanted}");
        }
        // Two chromas that point the same way may not fit together.
        let vivid = Picture::new(size, [1.0, 0.0, 0.2].repeat(size.pixels())).expect("three values a pixel");
        let both = with_chroma_of(&vivid, &vivid, 0.5);
        assert!(pixels(&both).all(|pixel| (pixel - Vector3::new(1.0, 0.0, 0.2)).amax() < 1e-6), "{both:?}");
    }
}
