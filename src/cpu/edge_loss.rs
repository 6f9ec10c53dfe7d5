//! Laplacian loss of the picture and its gradient.

use super::content_loss::scales;
use crate::host_memory::{HostMemory, numbers};
use crate::plan::{EDGE_CELL, EdgeLoss, Size};
use rayon::prelude::*;

const EDGE: usize = EDGE_CELL as usize;

pub(super) fn edge_loss(step: &EdgeLoss, memory: &mut HostMemory) {
    let cells = EdgeLoss::cells(step.size);
    let (line, cell_line) = (3 * step.size.width as usize, 3 * cells.width as usize);
    if cells.pixels() == 0 {
        memory.values_mut(step.losses)[step.coefficients.loss] = 0.0;
        return;
    }
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let mut words = memory.take(step.image_gradient);
    let image = memory.values(step.image);
    let mut difference = edges(image, step.size);
    let target = &memory.values(step.target)[..difference.len()];
    difference.iter_mut().zip(target).for_each(|(edge, target)| *edge -= target);
    let value: f64 = difference.iter().map(|value| f64::from(value * value)).sum();
    let slopes = laplacian(&difference, cells);
    let scale = gradient_scale / (EDGE * EDGE) as f32;
    let gradient = &mut numbers(&mut words)[..cells.height as usize * EDGE * line];
    gradient.par_chunks_mut(line).enumerate().for_each(|(y, row)| {
        let slopes = slopes[y / EDGE * cell_line..][..cell_line].as_chunks::<3>().0;
        for (slope, pixels) in slopes.iter().zip(row.chunks_exact_mut(3 * EDGE)) {
            for pixel in pixels.as_chunks_mut::<3>().0 {
                pixel.iter_mut().zip(slope).for_each(|(value, slope)| *value += scale * slope);
            }
        }
    });
    memory.put(step.image_gradient, words);
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
}

/// L(x) of a picture `[height][width][3]`, see [`EdgeLoss`].
pub(crate) fn edges(image: &[f32], size: Size) -> Vec<f32> {
    let cells = EdgeLoss::cells(size);
    if cells.pixels() == 0 {
        return Vec::new();
    }
    let (line, cell_line) = (3 * size.width as usize, 3 * cells.width as usize);
    let mut means = vec![0.0; 3 * cells.pixels()];
    means.par_chunks_mut(cell_line).enumerate().for_each(|(cell_row, means)| {
        for row in image[cell_row * EDGE * line..][..EDGE * line].chunks_exact(line) {
            for (cell, pixels) in means.as_chunks_mut::<3>().0.iter_mut().zip(row.chunks_exact(3 * EDGE)) {
                for pixel in pixels.as_chunks::<3>().0 {
                    cell.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value / (EDGE * EDGE) as f32);
                }
            }
        }
    });
    laplacian(&means, cells)
}

/// Sum of the differences of each value from its neighbours, as many as there are; `[height][width][3]`.
fn laplacian(values: &[f32], size: Size) -> Vec<f32> {
    let (line, height) = (3 * size.width as usize, size.height as usize);
    let mut sums = vec![0.0; values.len()];
    sums.par_chunks_mut(line).enumerate().for_each(|(y, sums)| {
        let own = &values[y * line..][..line];
        for (i, sum) in sums.iter_mut().enumerate() {
            let mut add = |there: bool, place: usize| {
                if there {
                    *sum += own[i] - values[place];
                }
            };
            let here = y * line + i;
            add(i >= 3, here.wrapping_sub(3));
            add(i + 3 < line, here + 3);
            add(y > 0, here.wrapping_sub(line));
            add(y + 1 < height, here + line);
        }
    });
    sums
}
