//! Pictures that are not opaque everywhere.

use rayon::prelude::*;

use super::{Picture, mask::Mask};
use crate::plan::Size;

/// What a picture shows in which nothing is to be seen.
const WHITE: [f32; 3] = [1.0; 3];

impl Picture {
    /// The picture over white paper, which shows where its alpha is below one.
    ///
    /// `alpha` is fitted if it has another size.
    pub fn over_white(&self, alpha: &Mask) -> Picture {
        let alpha = alpha.fitted(self.size);
        let mut over = self.clone();
        for (pixel, alpha) in over.pixels.chunks_exact_mut(3).zip(alpha.values()) {
            pixel.iter_mut().for_each(|value| *value = *value * alpha + (1.0 - alpha));
        }
        over
    }
}

/// A picture at half the size of the next finer one, whose pixels count by how much there is to be seen of them.
struct Level {
    size: Size,
    /// Colour and weight, 0 to 1.
    pixels: Vec<([f32; 3], f32)>,
}

/// Replaces the colours where `alpha` is zero by a smooth continuation of those around, and white if there are none.
///
/// Pixels are averaged by their alpha into ever smaller pictures, until each pixel knows a colour; then those that know
/// none take it from the next smaller picture, interpolated.
pub(super) fn fill(size: Size, pixels: &mut [f32], alpha: &[f32]) {
    if alpha.iter().all(|alpha| *alpha > 0.0) {
        return;
    }
    let (colours, _) = pixels.as_chunks_mut::<3>();
    let mut levels: Vec<Level> = Vec::new();
    loop {
        let level = match levels.last() {
            None => halved(size, |at| (colours[at], alpha[at])),
            Some(finer) => halved(finer.size, |at| finer.pixels[at]),
        };
        let last = level.size.pixels() == 1 || level.pixels.iter().all(|(_, weight)| *weight >= 1.0);
        levels.push(level);
        if last {
            break;
        }
    }
    let mut coarse = levels.pop().expect("one level was pushed at least");
    for (colour, weight) in &mut coarse.pixels {
        if *weight == 0.0 {
            *colour = WHITE;
        }
    }
    while let Some(mut level) = levels.pop() {
        let width = level.size.width as usize;
        level.pixels.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            for (x, (colour, weight)) in row.iter_mut().enumerate().filter(|(_, (_, weight))| *weight < 1.0) {
                let around = interpolated(&coarse, x, y);
                *colour = [0, 1, 2].map(|i| around[i] + (colour[i] - around[i]) * *weight);
            }
        });
        coarse = level;
    }
    let width = size.width as usize;
    colours.par_chunks_mut(width).zip(alpha.par_chunks(width)).enumerate().for_each(|(y, (row, alpha))| {
        for (x, (colour, _)) in row.iter_mut().zip(alpha).enumerate().filter(|(_, (_, alpha))| **alpha == 0.0) {
            *colour = interpolated(&coarse, x, y);
        }
    });
}

/// The averages of two by two pixels.
fn halved(size: Size, pixel: impl Fn(usize) -> ([f32; 3], f32) + Sync) -> Level {
    let half = Size { width: size.width.div_ceil(2), height: size.height.div_ceil(2) };
    let (width, height) = (size.width as usize, size.height as usize);
    let average = |index: usize| {
        let (x, y) = (2 * (index % half.width as usize), 2 * (index / half.width as usize));
        let (mut sum, mut weights) = ([0.0; 3], 0.0);
        for y in y..(y + 2).min(height) {
            for x in x..(x + 2).min(width) {
                let (colour, weight) = pixel(y * width + x);
                (0..3).for_each(|i| sum[i] += colour[i] * weight);
                weights += weight;
            }
        }
        if weights > 0.0 { (sum.map(|value| value / weights), weights.min(1.0)) } else { (sum, 0.0) }
    };
    Level { size: half, pixels: (0..half.pixels()).into_par_iter().map(average).collect() }
}

/// The colour of a picture of half the size at a pixel of the finer one.
fn interpolated(coarse: &Level, x: usize, y: usize) -> [f32; 3] {
    let neighbours = |at: usize, length: u32| {
        let near = at / 2;
        let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(length as usize - 1) };
        [(near, 0.75), (far, 0.25)]
    };
    let mut colour = [0.0; 3];
    for (row, down) in neighbours(y, coarse.size.height) {
        for (column, across) in neighbours(x, coarse.size.width) {
            let (value, _) = coarse.pixels[row * coarse.size.width as usize + column];
            (0..3).for_each(|i| colour[i] += value[i] * down * across);
        }
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A picture with hidden noise, filled.
    fn filled(size: Size, colour: impl Fn(usize) -> [f32; 3], alpha: &[f32], seed: u64) -> Vec<[f32; 3]> {
        let mut random = Random::new(seed);
        let hidden = random.uniform_values(3 * size.pixels(), 0.0, 1.0);
        let mut pixels: Vec<f32> = (0..size.pixels())
            .flat_map(
                |i| if alpha[i] > 0.0 { colour(i) } else { [hidden[3 * i], hidden[3 * i + 1], hidden[3 * i + 2]] },
            )
            .collect();
        fill(size, &mut pixels, alpha);
        pixels.as_chunks().0.to_vec()
    }

    #[test]
    fn what_is_seen_stays_and_what_is_hidden_does_not_matter() {
        for (width, height) in [(1, 1), (2, 1), (1, 7), (31, 17), (64, 64)] {
            let size = Size { width, height };
            let mut random = Random::new(3);
            let alpha: Vec<f32> = (0..size.pixels()).map(|_| [0.0, 0.0, 0.2, 1.0][random.below(4)]).collect();
            let colour = |i: usize| [0.1 * (i % 9) as f32, 0.5, 1.0];
            let picture = filled(size, colour, &alpha, 1);
            assert_eq!(picture, filled(size, colour, &alpha, 2), "{size}");
            for (i, (pixel, alpha)) in picture.iter().zip(&alpha).enumerate() {
                if *alpha > 0.0 {
                    assert_eq!(*pixel, colour(i), "{size}");
                }
                assert!(pixel.iter().all(|value| (0.0..=1.00001).contains(value)), "{size}: {pixel:?}");
            }
        }
    }

    #[test]
    fn holes_continue_what_is_around_them() {
        let size = Size { width: 61, height: 45 };
        let alpha: Vec<f32> = (0..size.pixels())
            .map(|i| if (20..45).contains(&(i % 61)) && (10..30).contains(&(i / 61)) { 0.0 } else { 1.0 })
            .collect();
        let one = filled(size, |_| [0.25, 0.5, 0.75], &alpha, 4);
        assert!(one.iter().flatten().zip([0.25, 0.5, 0.75].iter().cycle()).all(|(a, b)| (a - b).abs() < 1e-6));
        let slope = filled(size, |i| [(i % 61) as f32 / 60.0; 3], &alpha, 4);
        for (i, pixel) in slope.iter().enumerate() {
            assert!((pixel[0] - (i % 61) as f32 / 60.0).abs() < 0.2, "pixel {i} is {}", pixel[0]);
        }
        let steps =
            slope.windows(2).enumerate().filter(|(i, _)| i % 61 < 60).map(|(_, two)| (two[0][0] - two[1][0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.12, "the hole has an edge");
    }

    #[test]
    fn faint_pixels_count_as_little_as_they_are_seen() {
        let size = Size { width: 3, height: 1 };
        let picture = filled(size, |i| if i == 0 { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] }, &[1.0, 0.0, 0.01], 9);
        assert!(picture[1][0] > 0.6, "{picture:?}");
    }

    #[test]
    fn a_picture_of_which_nothing_is_seen_is_white() {
        for (width, height) in [(1, 1), (5, 3)] {
            let size = Size { width, height };
            let picture = filled(size, |_| [0.0; 3], &vec![0.0; size.pixels()], 8);
            assert!(picture.iter().all(|pixel| *pixel == WHITE), "{picture:?}");
        }
    }

    #[test]
    fn white_paper_shows_through() {
        let size = Size { width: 3, height: 1 };
        let picture = Picture { size, pixels: [0.5, 0.0, 1.0].repeat(3) };
        let over = picture.over_white(&Mask { size, values: vec![1.0, 0.0, 0.5] });
        assert_eq!(over.pixels, [0.5, 0.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 1.0]);
    }
}
