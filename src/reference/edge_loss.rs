//! Laplacian loss of the picture and its gradient.

use super::content_loss::scales;
use crate::host_memory::HostMemory;
use crate::plan::{EDGE_CELL, EdgeLoss, Size};

pub(super) fn edge_loss(step: &EdgeLoss, memory: &mut HostMemory) {
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    let image: Vec<f64> = memory.values(step.image).iter().map(|&value| f64::from(value)).collect();
    let edges = laplacian(&cell_means(&image, step.size), EdgeLoss::cells(step.size));
    let target = memory.values(step.target);
    let difference: Vec<f64> = edges.iter().zip(target).map(|(edge, &target)| edge - f64::from(target)).collect();
    let value: f64 = difference.iter().map(|difference| difference * difference).sum();
    let slopes = laplacian(&difference, EdgeLoss::cells(step.size));
    let cells = EdgeLoss::cells(step.size);
    let (width, edge) = (step.size.width as usize, EDGE_CELL as usize);
    let gradient = memory.values_mut(step.image_gradient);
    for y in 0..cells.height as usize * edge {
        for x in 0..cells.width as usize * edge {
            for channel in 0..3 {
                let slope = slopes[(y / edge * cells.width as usize + x / edge) * 3 + channel];
                let place = &mut gradient[(y * width + x) * 3 + channel];
                *place = (f64::from(*place) + gradient_scale * slope / (edge * edge) as f64) as f32;
            }
        }
    }
    memory.values_mut(step.losses)[step.coefficients.loss] = (value_scale * value) as f32;
}

/// Mean of each whole cell of a picture, `[height][width][3]`.
fn cell_means(image: &[f64], size: Size) -> Vec<f64> {
    let (cells, width, edge) = (EdgeLoss::cells(size), size.width as usize, EDGE_CELL as usize);
    let mut means = vec![0.0; 3 * cells.pixels()];
    for y in 0..cells.height as usize * edge {
        for x in 0..cells.width as usize * edge {
            for channel in 0..3 {
                let mean = &mut means[(y / edge * cells.width as usize + x / edge) * 3 + channel];
                *mean += image[(y * width + x) * 3 + channel] / (edge * edge) as f64;
            }
        }
    }
    means
}

/// Sum of the differences of each value from its neighbours, as many as there are.
fn laplacian(values: &[f64], size: Size) -> Vec<f64> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut sums = vec![0.0; values.len()];
    let mut pair = |from: usize, to: usize| {
        for channel in 0..3 {
            let difference = values[3 * from + channel] - values[3 * to + channel];
            sums[3 * from + channel] += difference;
            sums[3 * to + channel] -= difference;
        }
    };
    for y in 0..height {
        for x in 0..width {
            let here = y * width + x;
            if x + 1 < width {
                pair(here, here + 1);
            }
            if y + 1 < height {
                pair(here, here + width);
            }
        }
    }
    sums
}
