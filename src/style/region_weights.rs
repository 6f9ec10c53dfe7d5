//! From a mask over a picture to the weights with which the pixels of feature maps count.
//!
//! A pixel of a feature map sees a neighbourhood that grows from layer to layer, and so does what it knows of a mask:
//! going down, the mask is averaged where the network looks at several pixels, over 3x3 at each convolution and over
//! 2x2 at each pooling.

use crate::{
    plan::{FeatureShape, Size},
    vgg19::Layer,
};
use rayon::prelude::*;

/// The weights of the pixels of some layers' maps, in the order of `layers`, for a mask in [0, 1] over a picture.
///
/// Each has a value for every padded pixel of its map, zero in the halo, and sums to the number of the map's pixels, so
/// that a region's statistics do not depend on how large it is. Where less than a pixel of a mask is left at a layer,
/// there is nothing to take statistics of: all its weights are zero.
pub(super) fn layer_weights(mask: &[f32], size: Size, layers: &[Layer]) -> Vec<Vec<f32>> {
    let mut weights = vec![Vec::new(); layers.len()];
    let Some(&deepest) = layers.iter().max() else { return weights };
    let (mut map, mut map_size) = (mask.to_vec(), size);
    for layer in deepest.up_to() {
        if layer.is_after_pooling() {
            map = mean_2x2(&map, map_size);
            map_size = map_size.pooled(1);
        }
        map = mean_3x3(&map, map_size);
        for (_, weights) in layers.iter().zip(&mut weights).filter(|(wanted, _)| **wanted == layer) {
            *weights = scaled(&map, FeatureShape::of_layer(layer, size));
        }
    }
    weights
}

/// The mask with soft edges: three box filters along rows and columns, which together reach `radius` pixels, whole or
/// not. Masks that add up to one still do.
pub(super) fn feather(mask: &[f32], size: Size, radius: f32) -> Vec<f32> {
    let reach = f64::from(radius.max(0.0)) / 3.0;
    if reach == 0.0 {
        return mask.to_vec();
    }
    let [width, height] = [size.width, size.height].map(|side| side as usize);
    let columns = transposed(&softened(mask.to_vec(), width, reach), width);
    let mut soft = transposed(&softened(columns, height, reach), height);
    // Rounding alone leads out of the range.
    soft.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    soft
}

/// What some masks over a picture of this size leave: all of it, if there are none.
pub(super) fn rest_of(masks: &[&[f32]], size: Size) -> Vec<f32> {
    if masks.is_empty() { vec![1.0; size.pixels()] } else { rest(masks) }
}

/// What some masks over one picture leave: one less their sum, and nothing where they overlap to more than one. There
/// is at least one mask.
fn rest(masks: &[&[f32]]) -> Vec<f32> {
    let mut rest = vec![1.0; masks.first().map_or(0, |mask| mask.len())];
    for mask in masks {
        rest.iter_mut().zip(*mask).for_each(|(rest, value)| *rest -= value);
    }
    rest.iter_mut().for_each(|rest| *rest = rest.max(0.0));
    rest
}

/// At each pixel the mean of those of its 3x3 that lie inside, so that a map does not darken towards its border.
fn mean_3x3(map: &[f32], size: Size) -> Vec<f32> {
    let [width, height] = [size.width, size.height].map(|side| side as usize);
    let mut means = vec![0.0; map.len()];
    means.par_chunks_mut(width.max(1)).enumerate().for_each_init(
        || vec![0.0; width],
        |sums, (y, means)| {
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let count = rows.len();
            sums.fill(0.0);
            for row in map[rows.start * width..rows.end * width].chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            for (x, mean) in means.iter_mut().enumerate() {
                let near = &sums[x.saturating_sub(1)..(x + 2).min(width)];
                *mean = near.iter().sum::<f32>() / (near.len() * count) as f32;
            }
        },
    );
    means
}

/// The mean of each 2x2; an odd last row or column has no part in it, as in the network.
fn mean_2x2(map: &[f32], size: Size) -> Vec<f32> {
    let (width, pooled) = (size.width as usize, size.pooled(1));
    let mut means = vec![0.0; pooled.pixels()];
    means.par_chunks_mut((pooled.width as usize).max(1)).enumerate().for_each(|(y, means)| {
        let [upper, lower] = [0, 1].map(|dy| map[(2 * y + dy) * width..][..width].chunks_exact(2));
        for (mean, (upper, lower)) in means.iter_mut().zip(upper.zip(lower)) {
            *mean = 0.25 * (upper[0] + upper[1] + lower[0] + lower[1]);
        }
    });
    means
}

/// A map in the layout of a feature map, scaled to a mean of one, or all zeros.
fn scaled(map: &[f32], shape: FeatureShape) -> Vec<f32> {
    let mut weights = vec![0.0; shape.padded_pixels()];
    let sum: f64 = map.iter().map(|&value| f64::from(value)).sum();
    if sum < 1.0 {
        return weights;
    }
    let scale = (shape.pixels() as f64 / sum) as f32;
    for (y, row) in map.chunks_exact(shape.width as usize).enumerate() {
        let weights = &mut weights[shape.pixel(0, y)..][..row.len()];
        weights.iter_mut().zip(row).for_each(|(weight, value)| *weight = scale * value);
    }
    weights
}

/// Every row after three box filters.
fn softened(mut map: Vec<f32>, width: usize, reach: f64) -> Vec<f32> {
    map.par_chunks_mut(width.max(1)).for_each_init(Vec::new, |sums, row| {
        for _ in 0..3 {
            box_filter(row, reach, sums);
        }
    });
    map
}

/// At each pixel the mean over `reach` whole or broken pixels to either side, as far as they lie inside. `sums` is
/// working space.
fn box_filter(row: &mut [f32], reach: f64, sums: &mut Vec<f64>) {
    // Integral of the row from its beginning to the left edge of each pixel, and to its own end.
    sums.clear();
    sums.push(0.0);
    sums.extend(row.iter().scan(0.0, |sum, &value| {
        *sum += f64::from(value);
        Some(*sum)
    }));
    let width = row.len();
    let (whole, part) = (reach.min(width as f64) as usize, reach.min(width as f64).fract());
    let integral = |from: usize, to: usize| sums[to] - sums[from];
    let mut means = vec![0.0; width];
    for (x, mean) in means.iter_mut().enumerate() {
        let (from, to) = (x.saturating_sub(whole), (x + whole + 1).min(width));
        let (left, right) = (x.saturating_sub(whole + 1), (x + whole + 2).min(width));
        let broken = ((from - left) + (right - to)) as f64;
        let sum = integral(from, to) + part * (integral(left, from) + integral(to, right));
        *mean = (sum / ((to - from) as f64 + part * broken)) as f32;
    }
    row.copy_from_slice(&means);
}

/// Columns for rows.
fn transposed(map: &[f32], width: usize) -> Vec<f32> {
    let height = map.len() / width.max(1);
    let mut columns = vec![0.0; map.len()];
    columns.par_chunks_mut(height.max(1)).enumerate().for_each(|(x, column)| {
        column.iter_mut().enumerate().for_each(|(y, value)| *value = map[y * width + x]);
    });
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const ODD: [Size; 4] = [
        Size { width: 37, height: 27 },
        Size { width: 50, height: 17 },
        Size { width: 16, height: 33 },
        Size { width: 61, height: 64 },
    ];

    fn layers(names: &[&str]) -> Vec<Layer> {
        names.iter().map(|name| name.parse().expect("tests name layers of VGG19")).collect()
    }

    fn random_mask(size: Size, seed: u64) -> Vec<f32> {
        Random::new(seed).uniform_values(size.pixels(), 0.0, 1.0)
    }

    /// One where `inside`, else zero.
    fn mask_of(size: Size, inside: impl Fn(u32, u32) -> bool) -> Vec<f32> {
        let width = size.width;
        (0..size.pixels() as u32).map(|i| f32::from(u8::from(inside(i % width, i / width)))).collect()
    }

    fn mirrored(mask: &[f32], size: Size) -> Vec<f32> {
        mask.chunks_exact(size.width as usize).flat_map(|row| row.iter().rev().copied()).collect()
    }

    /// The rule pixel by pixel, in f64, as far as a layer.
    fn naive_map(mask: &[f32], size: Size, last: Layer) -> Vec<Vec<f64>> {
        let rows = mask.chunks(size.width as usize).map(|row| row.iter().map(|&v| f64::from(v)).collect());
        let mut map: Vec<Vec<f64>> = rows.collect();
        for layer in last.up_to() {
            if layer.is_after_pooling() {
                let block = |y: usize, x: usize| map[y][x] + map[y][x + 1] + map[y + 1][x] + map[y + 1][x + 1];
                let (height, width) = (map.len() / 2, map[0].len() / 2);
                map = (0..height).map(|y| (0..width).map(|x| block(2 * y, 2 * x) / 4.0).collect()).collect();
            }
            let (height, width) = (map.len() as i32, map[0].len() as i32);
            let mean = |y: i32, x: i32| {
                let near = (0..9).map(|i| (y + i / 3 - 1, x + i % 3 - 1));
                let near = near.filter(|(y, x)| (0..height).contains(y) && (0..width).contains(x));
                let values: Vec<f64> = near.map(|(y, x)| map[y as usize][x as usize]).collect();
                values.iter().sum::<f64>() / values.len() as f64
            };
            map = (0..height).map(|y| (0..width).map(|x| mean(y, x)).collect()).collect();
        }
        map
    }

    #[test]
    fn weights_follow_the_means_of_every_convolution_and_pooling() {
        for (seed, size) in (1..).zip(ODD) {
            let mask = random_mask(size, seed);
            let all: Vec<Layer> = Layer::DEEPEST.up_to().collect();
            for (layer, weights) in all.iter().zip(layer_weights(&mask, size, &all)) {
                let shape = FeatureShape::of_layer(*layer, size);
                let expected = naive_map(&mask, size, *layer);
                let sum: f64 = expected.iter().flatten().sum();
                assert_eq!(weights.len(), shape.padded_pixels());
                assert!((0..weights.len()).all(|pixel| !shape.is_halo(pixel) || weights[pixel] == 0.0));
                for (y, row) in expected.iter().enumerate() {
                    for (x, value) in row.iter().enumerate() {
                        let expected = if sum < 1.0 { 0.0 } else { value * shape.pixels() as f64 / sum };
                        let found = f64::from(weights[shape.pixel(x, y)]);
                        assert!((found - expected).abs() < 1e-5, "{size}, {layer}, ({x}, {y}): {found}, {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn weights_are_those_that_pytorch_finds() {
        for name in ["odd-37x27", "replicate-40x32"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
            let bytes =
                std::fs::read(format!("{folder}/statistics-{name}.safetensors")).expect("it is in the repository");
            let file = safetensors::SafeTensors::deserialize(&bytes).expect("it is a safetensors file");
            let array = |name: &str| -> (Size, Vec<f32>) {
                let tensor = file.tensor(name).expect("the file has masks and their weights");
                let [height, width] = *tensor.shape() else { panic!("{name}: {:?}", tensor.shape()) };
                let size = Size { width: width as u32, height: height as u32 };
                (size, bytemuck::pod_collect_to_vec(tensor.data()))
            };
            let wanted = layers(&["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]);
            for (mask, weights) in [("mask", "weights"), ("style_mask", "style_weights")] {
                let (size, mask) = array(mask);
                for (layer, found) in wanted.iter().zip(layer_weights(&mask, size, &wanted)) {
                    let shape = FeatureShape::of_layer(*layer, size);
                    let (map_size, expected) = array(&format!("{weights}.{layer}"));
                    assert_eq!(map_size, Size { width: shape.width, height: shape.height });
                    let inside = (0..found.len()).filter(|pixel| !shape.is_halo(*pixel)).map(|pixel| found[pixel]);
                    assert!(inside.zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{name}, {weights}.{layer}");
                    assert!(expected.iter().any(|&weight| weight > 0.0));
                }
            }
        }
    }

    #[test]
    fn a_mask_without_edges_weighs_every_pixel_with_one() {
        for (size, value) in ODD.into_iter().zip([1.0, 1.0, 0.5, 0.25]) {
            let all: Vec<Layer> = Layer::DEEPEST.up_to().collect();
            for (layer, weights) in all.iter().zip(layer_weights(&vec![value; size.pixels()], size, &all)) {
                // Less than a pixel is left of 0.25 over 3x4, and that is for another test.
                let shape = FeatureShape::of_layer(*layer, size);
                let inside = (0..weights.len()).filter(|pixel| !shape.is_halo(*pixel));
                let expected = if value * shape.pixels() as f32 >= 1.0 { 1.0 } else { 0.0 };
                assert!(inside.into_iter().all(|pixel| weights[pixel] == expected), "{size}, {layer}");
            }
        }
    }

    #[test]
    fn weights_sum_to_the_pixels_of_the_layer_whatever_the_area() {
        let size = Size { width: 101, height: 75 };
        let wanted = layers(&["relu1_1", "relu2_1", "relu3_1", "relu4_1"]);
        for side in [30, 60, 101] {
            let mask = mask_of(size, |x, y| x < side && y > 20);
            for (layer, weights) in wanted.iter().zip(layer_weights(&mask, size, &wanted)) {
                let pixels = FeatureShape::of_layer(*layer, size).pixels() as f64;
                let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
                assert!((sum / pixels - 1.0).abs() < 1e-5, "{side}, {layer}: {sum}, not {pixels}");
            }
        }
    }

    #[test]
    fn a_region_of_less_than_a_pixel_vanishes() {
        let size = Size { width: 64, height: 48 };
        let mask = mask_of(size, |x, y| (20..25).contains(&x) && (20..25).contains(&y));
        let wanted = layers(&["relu4_1", "relu1_2", "relu3_1", "relu5_1"]);
        let weights = layer_weights(&mask, size, &wanted);
        let vanished: Vec<bool> = weights.iter().map(|weights| weights.iter().all(|&weight| weight == 0.0)).collect();
        assert_eq!(vanished, [true, false, false, true]);
        let nothing = layer_weights(&vec![0.0; size.pixels()], size, &wanted);
        assert!(nothing.iter().flatten().all(|&weight| weight == 0.0));
    }

    #[test]
    fn layers_stand_in_the_order_asked_for_and_may_stand_twice() {
        let size = ODD[0];
        let mask = random_mask(size, 9);
        let wanted = layers(&["relu3_1", "relu1_1", "relu3_1"]);
        let weights = layer_weights(&mask, size, &wanted);
        assert_eq!(weights[0], weights[2]);
        assert_eq!(weights[1], layer_weights(&mask, size, &wanted[1..2])[0]);
        assert!(layer_weights(&mask, size, &[]).is_empty());
    }

    #[test]
    fn pictures_too_small_for_a_layer_have_no_weights_there() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (15, 40)] {
            let size = Size { width, height };
            let wanted = [Layer::DEEPEST];
            let weights = layer_weights(&vec![1.0; size.pixels()], size, &wanted);
            assert_eq!(weights[0].len(), FeatureShape::of_layer(Layer::DEEPEST, size).padded_pixels());
            assert!(weights[0].iter().all(|&weight| weight == 0.0), "{size}");
            assert_eq!(feather(&vec![1.0; size.pixels()], size, 3.0), vec![1.0; size.pixels()]);
        }
    }

    #[test]
    fn feathered_edges_fall_smoothly_and_reach_as_far_as_the_radius() {
        let size = Size { width: 41, height: 23 };
        for (radius, reach) in [(0.5, 3), (3.0, 3), (6.0, 6), (7.5, 9)] {
            let soft = feather(&mask_of(size, |x, _| x < 20), size, radius);
            let row = &soft[11 * 41..][..41];
            assert!(row.windows(2).all(|pair| pair[1] <= pair[0]), "{radius}: {row:?}");
            // The edge lies between 19 and 20: half on either side.
            assert!((row[19] + row[20] - 1.0).abs() < 1e-6, "{radius}: {row:?}");
            assert!(row[20] > 0.0 && row[19] < 1.0, "{radius}: {row:?}");
            assert!(row[20 + reach..].iter().all(|&value| value.abs() < 1e-6), "{radius}: {row:?}");
            assert!(row[..20 - reach].iter().all(|&value| (value - 1.0).abs() < 1e-6), "{radius}: {row:?}");
            // A mask of columns is one in every row, up to the border.
            assert!(soft.chunks(41).all(|other| other.iter().zip(row).all(|(a, b)| (a - b).abs() < 1e-6)));
        }
        let widths = [0.5, 1.0, 3.0, 3.5, 12.0].map(|radius| feather(&mask_of(size, |x, _| x < 20), size, radius)[20]);
        assert!(widths.windows(2).all(|pair| pair[0] < pair[1]), "{widths:?}");
    }

    #[test]
    fn feathering_favours_no_direction_and_keeps_the_range_and_sums() {
        for (seed, size) in (1..).zip(ODD) {
            let mask = random_mask(size, seed);
            assert_eq!(feather(&mask, size, 0.0), mask);
            for radius in [1.3, 4.0, 200.0] {
                let soft = feather(&mask, size, radius);
                assert!(soft.iter().all(|value| (0.0..=1.0).contains(value)));
                let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(close(&mirrored(&soft, size), &feather(&mirrored(&mask, size), size, radius)));
                let turned = Size { width: size.height, height: size.width };
                let other = feather(&transposed(&mask, size.width as usize), turned, radius);
                assert!(close(&transposed(&soft, size.width as usize), &other));
                let left = feather(&rest(&[&mask]), size, radius);
                assert!(close(&left, &rest(&[&soft])));
            }
        }
    }

    #[test]
    fn the_rest_is_what_masks_leave_and_never_negative() {
        assert_eq!(rest(&[&[0.0, 0.25, 1.0, 0.75], &[0.0, 0.5, 0.0, 0.75]]), [1.0, 0.25, 0.0, 0.0]);
    }
}
