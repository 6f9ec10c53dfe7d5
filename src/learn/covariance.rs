//! Mean and covariance of the 3x3 patches of feature maps, `[tap][channel]` with taps in reading order.

use super::maps::Map;
use crate::product::{Matrix, Product, multiply};
use rayon::prelude::*;

/// Offsets between two taps of a patch, one of each pair of opposites.
const OFFSETS: [(isize, isize); 13] =
    [(0, 0), (0, 1), (0, 2), (1, -2), (1, -1), (1, 0), (1, 1), (1, 2), (2, -2), (2, -1), (2, 0), (2, 1), (2, 2)];

/// Subtracts each channel's mean over all maps, with every map weighted equally, and returns it. The halo becomes zero,
/// which is now the mean.
pub(super) fn centre(maps: &mut [Map]) -> Vec<f32> {
    let channels = maps[0].shape.channels as usize;
    let mut mean = vec![0.0_f64; channels];
    for map in &*maps {
        let share = 1.0 / (map.shape.pixels() * maps.len()) as f64;
        for row in rows(map) {
            for pixel in row.chunks_exact(channels) {
                mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += share * f64::from(*value));
            }
        }
    }
    let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
    for map in maps {
        let (shape, row) = (map.shape, map.shape.padded_width() * channels);
        for (y, values) in map.values.chunks_exact_mut(row).enumerate() {
            let inside = if (1..=shape.height as usize).contains(&y) { channels..row - channels } else { 0..0 };
            values[..inside.start].fill(0.0);
            values[inside.end..].fill(0.0);
            for pixel in values[inside].chunks_exact_mut(channels) {
                pixel.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
            }
        }
    }
    mean
}

/// The rows of a map without its halo.
fn rows(map: &Map) -> impl Iterator<Item = &[f32]> {
    let channels = map.shape.channels as usize;
    let row = map.shape.padded_width() * channels;
    map.values.chunks_exact(row).skip(1).take(map.shape.height as usize).map(move |r| &r[channels..row - channels])
}

/// Covariance of all patches of centred maps, with every map weighted equally: `9 C` rows of `9 C` values.
///
/// How two taps vary together depends only on the offset between them, so thirteen products over whole maps give all 81
/// blocks. Everything outside a map counts as zero, which makes the matrix that of a stationary field: no eigenvalue is
/// negative.
pub(super) fn covariance(maps: &[Map]) -> Vec<f32> {
    let channels = maps[0].shape.channels as usize;
    let blocks: Vec<Vec<f32>> = OFFSETS.par_iter().map(|offset| correlation(maps, channels, *offset)).collect();
    let dims = 9 * channels;
    let mut covariance = vec![0.0; dims * dims];
    covariance.par_chunks_mut(dims).enumerate().for_each(|(index, row)| {
        let (tap, channel) = (index / channels, index % channels);
        for (other, values) in row.chunks_exact_mut(channels).enumerate() {
            let (dy, dx) = ((other / 3) as isize - (tap / 3) as isize, (other % 3) as isize - (tap % 3) as isize);
            let find = |offset| OFFSETS.iter().position(|known| *known == offset);
            match find((dy, dx)) {
                Some(block) => values.copy_from_slice(&blocks[block][channel * channels..][..channels]),
                None => {
                    let block = find((-dy, -dx)).map_or(&[][..], |block| &blocks[block]);
                    let column = block.iter().skip(channel).step_by(channels);
                    values.iter_mut().zip(column).for_each(|(value, other)| *value = *other);
                }
            }
        }
    });
    covariance
}

/// Mean over all pixels p of the products of each channel at p with each channel at p + offset.
fn correlation(maps: &[Map], channels: usize, (dy, dx): (isize, isize)) -> Vec<f32> {
    let mut sum = vec![0.0; channels * channels];
    for map in maps {
        // A halo of one pixel on each side keeps an offset of two from meeting the next row's pixels.
        let shift = (dy * map.shape.padded_width() as isize + dx) as usize * channels;
        let pixels = Matrix::of_rows(&map.values[..map.values.len() - shift], channels);
        let shifted = Matrix::of_rows(&map.values[shift..], channels);
        let mut product = vec![0.0; channels * channels];
        multiply(pixels.transposed(), shifted, Product::of_rows(&mut product, channels));
        let share = 1.0 / (map.shape.pixels() * maps.len()) as f32;
        sum.iter_mut().zip(&product).for_each(|(sum, value)| *sum += share * value);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::FeatureShape, random::Random};

    const GUARD: f32 = 1e3;

    fn map(width: u32, height: u32, seed: u64) -> Map {
        let shape = FeatureShape { width, height, channels: 4 };
        let mut random = Random::new(seed);
        let values = (0..shape.values()).map(|i| random.uniform(-1.0, 1.0) + (i % 4) as f32).collect();
        let mut map = Map { shape, values };
        for (pixel, values) in map.values.chunks_exact_mut(4).enumerate() {
            let (x, y) = (pixel % shape.padded_width(), pixel / shape.padded_width());
            if x == 0 || y == 0 || x > width as usize || y > height as usize {
                values.fill(GUARD);
            }
        }
        map
    }

    /// The covariance by its definition: over all patches of a plane that is zero outside the map.
    fn expected(maps: &[Map]) -> Vec<f64> {
        let mut covariance = vec![0.0; 36 * 36];
        for Map { shape, values } in maps {
            let share = 1.0 / (shape.pixels() * maps.len()) as f64;
            let (width, height) = (shape.width as isize, shape.height as isize);
            let value = |x: isize, y: isize, channel: usize| {
                let inside = (0..width).contains(&x) && (0..height).contains(&y);
                let pixel = if inside { shape.pixel(x as usize, y as usize) } else { 0 };
                if inside { f64::from(values[pixel * 4 + channel]) } else { 0.0 }
            };
            for (x, y) in (-1..=height).flat_map(|y| (-1..=width).map(move |x| (x, y))) {
                let patch: Vec<f64> =
                    (0..36).map(|i| value(x + (i / 4 % 3) as isize - 1, y + (i / 12) as isize - 1, i % 4)).collect();
                for (index, sum) in covariance.iter_mut().enumerate() {
                    *sum += share * patch[index / 36] * patch[index % 36];
                }
            }
        }
        covariance
    }

    #[test]
    fn thirteen_products_give_the_covariance_of_all_patches() {
        let mut maps = [map(7, 5, 1), map(3, 6, 2)];
        centre(&mut maps);
        let found = covariance(&maps);
        for (index, (found, expected)) in found.iter().zip(expected(&maps)).enumerate() {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-5, "({}, {}): {found} for {expected}", index / 36, index % 36);
        }
    }

    #[test]
    fn centred_maps_have_mean_zero_and_a_zero_halo() {
        let mut maps = [map(7, 5, 3), map(3, 6, 4)];
        let mean = centre(&mut maps);
        assert!((mean[3] - mean[0] - 3.0).abs() < 0.6, "{mean:?}");
        assert!(maps.iter().all(|map| map.values.iter().all(|value| value.abs() < GUARD / 2.0)));
        assert!(
            maps.iter().all(|map| map.values[..4 * map.shape.padded_width() + 4].iter().all(|value| *value == 0.0))
        );
        let sums: Vec<f32> =
            maps.iter().map(|map| map.values.iter().sum::<f32>() / map.shape.pixels() as f32).collect();
        assert!(sums.iter().sum::<f32>().abs() < 1e-4, "{sums:?}");
    }
}
