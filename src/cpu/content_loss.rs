//! Content loss of one layer and its gradient.

use super::destination::in_bands;
use super::maps;
use super::simd::vectorised;
use super::sums::{squared_distance, sum_run};
use crate::host_memory::HostMemory;
use crate::plan::{Coefficients, ContentLoss, Map, Rows};
use rayon::prelude::*;

/// Scale of a loss value and of its gradient.
pub(super) fn scales(coefficients: Coefficients, memory: &HostMemory) -> (f64, f32) {
    let pair = &memory.values(coefficients.slot)[2 * coefficients.loss..][..2];
    (f64::from(pair[0]), pair[1])
}

fn squared_distance_of_pixel(a: &[f32], b: &[f32]) -> f64 {
    sum_run(a, b, |a, b| f64::from(a - b).powi(2))
}

pub(super) fn content_loss(step: &ContentLoss, memory: &mut HostMemory) {
    let shape = step.shape;
    let (value_scale, gradient_scale) = scales(step.coefficients, memory);
    fn both<'a>(step: &ContentLoss, rows: Rows, memory: &'a HostMemory) -> [&'a [f32]; 2] {
        [step.features, Map::whole(step.target)].map(|map| maps::rows(map, rows, step.shape, memory))
    }
    let [features, target] = both(step, step.summed, memory);
    let sum = match step.weights {
        None => squared_distance(features, target),
        Some(weights) => {
            let channels = shape.channels as usize;
            let weights = &memory.values(weights)[step.summed.first_pixel(shape)..];
            let row = shape.padded_width();
            let pixels = features.par_chunks(row * channels).zip(target.par_chunks(row * channels));
            let of_row = |(y, (features, target)): (usize, (&[f32], &[f32]))| {
                let pixels = features.chunks(channels).zip(target.chunks(channels)).zip(&weights[y * row..]);
                pixels.map(|((f, t), weight)| f64::from(*weight) * squared_distance_of_pixel(f, t)).sum::<f64>()
            };
            let rows: Vec<f64> = pixels.enumerate().map(of_row).collect();
            rows.iter().sum()
        }
    };
    in_bands(step.into, shape, step.rows, 1, memory, |y, output, memory| {
        let [features, target] = both(step, Rows { first: y as u32, end: y as u32 + 1 }, memory);
        vectorised(
            #[inline(always)]
            || {
                for (output, (feature, target)) in output.iter_mut().zip(features.iter().zip(target)) {
                    let new = gradient_scale * (feature - target);
                    *output = if step.into.accumulate { *output + new } else { new };
                }
            },
        );
    });
    let loss = &mut memory.values_mut(step.losses)[step.coefficients.loss];
    let old = if step.accumulate { f64::from(*loss) } else { 0.0 };
    *loss = (old + value_scale * sum) as f32;
}
