//! Which 3x3 patches of feature maps are used, and their product with a matrix.

use super::maps::Map;
use crate::{
    plan::FeatureShape,
    product::{Matrix, Product, multiply},
    random::Random,
};
use rayon::prelude::*;

/// Patches that one task reads.
const CHUNK: usize = 512;

/// Patches: which map, and the number along its padded rows of the patch's upper left pixel.
pub(super) type Places = Vec<(usize, usize)>;

/// At most `limit` patches, each once: the same number from each map, as far as it has that many, at random places
/// where they do not touch the halo.
pub(super) fn places(shapes: &[FeatureShape], limit: usize, random: &mut Random) -> Places {
    let mut places = Places::new();
    for (map, shape) in shapes.iter().enumerate() {
        let (width, height) = (shape.width.saturating_sub(2) as usize, shape.height.saturating_sub(2) as usize);
        let mut inside: Vec<usize> = (0..width * height).collect();
        let count = (limit / shapes.len()).min(inside.len());
        for chosen in 0..count {
            let other = chosen + random.below(inside.len() - chosen);
            inside.swap(chosen, other);
        }
        inside.truncate(count);
        inside.sort_unstable();
        places.extend(inside.into_iter().map(|index| (map, shape.pixel(index % width, index / width))));
    }
    places
}

/// Patches times a matrix of `9 C` rows of `columns` values: a row for each patch.
pub(super) fn project(maps: &[Map], places: &Places, matrix: &[f32], columns: usize) -> Vec<f32> {
    let dims = matrix.len() / columns;
    let mut projected = vec![0.0; places.len() * columns];
    projected.par_chunks_mut(CHUNK * columns).zip(places.par_chunks(CHUNK)).for_each(|(rows, places)| {
        let mut patches = Vec::with_capacity(places.len() * dims);
        for &(map, pixel) in places {
            let Map { shape, values } = &maps[map];
            let channels = shape.channels as usize;
            for dy in 0..3 {
                let first = (pixel + dy * shape.padded_width()) * channels;
                patches.extend_from_slice(&values[first..][..3 * channels]);
            }
        }
        multiply(Matrix::of_rows(&patches, dims), Matrix::of_rows(matrix, columns), Product::of_rows(rows, columns));
    });
    projected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_distinct_inside_and_shared_out_evenly() {
        let shapes = [(9, 7), (2, 40), (5, 4)].map(|(width, height)| FeatureShape { width, height, channels: 4 });
        let places = places(&shapes, 60, &mut Random::new(1));
        let of_map = |map| places.iter().filter(|place| place.0 == map).count();
        assert_eq!([0, 1, 2].map(of_map), [20, 0, 6], "{places:?}");
        for (index, &(map, pixel)) in places.iter().enumerate() {
            assert!(!places[..index].contains(&(map, pixel)), "{map} {pixel} twice");
            let (x, y) = (pixel % shapes[map].padded_width(), pixel / shapes[map].padded_width());
            assert!(x >= 1 && x + 2 <= shapes[map].width as usize, "column {x} of {}", shapes[map]);
            assert!(y >= 1 && y + 2 <= shapes[map].height as usize, "row {y} of {}", shapes[map]);
        }
    }

    #[test]
    fn a_projection_reads_taps_in_reading_order() {
        let shape = FeatureShape { width: 5, height: 4, channels: 4 };
        let values: Vec<f32> = (0..shape.values()).map(|value| value as f32).collect();
        let maps = [Map { shape, values }];
        let pixel = shape.pixel(1, 1);
        for (tap, channel) in [(0, 0), (2, 3), (3, 1), (8, 2)] {
            let mut matrix = vec![0.0; 36];
            matrix[tap * 4 + channel] = 1.0;
            let found = project(&maps, &vec![(0, pixel)], &matrix, 1);
            let expected = (pixel + tap / 3 * shape.padded_width() + tap % 3) * 4 + channel;
            assert_eq!(found, [expected as f32], "tap {tap}, channel {channel}");
        }
    }
}
