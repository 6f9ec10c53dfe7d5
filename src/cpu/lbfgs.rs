//! The vector operations of L-BFGS.

use super::simd::vectorised;
use super::sums::{self, RUN, dot};
use crate::backend::BackendError;
use crate::host_memory::{HostMemory, Vector};
use crate::plan::{LbfgsControl, LbfgsDirection, LbfgsDots, LbfgsScalarResults, LbfgsScalars, LbfgsTrial, LbfgsUpdate};
use rayon::prelude::*;

/// `to = a - b`.
fn difference(to: &mut [f32], a: &[f32], b: &[f32]) {
    to.par_chunks_mut(RUN).zip(a.par_chunks(RUN).zip(b.par_chunks(RUN))).for_each(|(to, (a, b))| {
        vectorised(
            #[inline(always)]
            || to.iter_mut().zip(a.iter().zip(b)).for_each(|(to, (a, b))| *to = a - b),
        );
    });
}

pub(super) fn lbfgs_update(step: &LbfgsUpdate, memory: &mut HostMemory) -> Result<(), BackendError> {
    let newest = 2 * step.memory;
    let control: LbfgsControl = memory.structure(step.control);
    let pair = [control.step_row, control.difference_row].map(|row| row as usize);
    let pair = pair.iter().all(|row| *row < newest).then_some(pair);
    let row = |row| Vector { slot: step.history, row };
    let mut changed = vec![row(newest), Vector::alone(step.base)];
    changed.extend(pair.iter().flatten().map(|index| row(*index)));
    let seen = [step.image, step.gradient].map(Vector::alone);
    memory.vectors_in_pieces(&changed, &seen, step.count, |changed, seen| {
        let (latest, pair) = changed.split_at_mut(2);
        if let [s, y] = pair {
            difference(s, &seen[0], &latest[1]);
            difference(y, &seen[1], &latest[0]);
        }
        latest[0].copy_from_slice(&seen[1]);
        latest[1].copy_from_slice(&seen[0]);
    })
}

pub(super) fn lbfgs_dots(step: &LbfgsDots, memory: &mut HostMemory) -> Result<(), BackendError> {
    let rows = 2 * step.memory + 1;
    let control: LbfgsControl = memory.structure(step.control);
    let firsts = [control.step_row as usize, control.difference_row as usize, rows - 1];
    let all = Vector::rows(step.history, rows);
    let mut sums = vec![0.0; 3 * rows];
    memory.vectors_in_pieces(&[], &all, step.count, |_, all| {
        for (sums, first) in sums.chunks_mut(rows).zip(firsts).filter(|(_, first)| *first < rows) {
            sums.iter_mut().zip(all).for_each(|(sum, second)| *sum += dot(&all[first], second));
        }
    })?;
    let results = &mut memory.values_mut(step.results)[..3 * rows];
    results.iter_mut().zip(sums).for_each(|(result, sum)| *result = sum as f32);
    Ok(())
}

pub(super) fn lbfgs_direction(step: &LbfgsDirection, memory: &mut HostMemory) -> Result<(), BackendError> {
    let factors = &memory.values(step.control)[LbfgsControl::WORDS..][..2 * step.memory + 1];
    let used = factors.iter().copied().enumerate().filter(|(_, factor)| *factor != 0.0);
    let (rows, factors): (Vec<Vector>, Vec<f32>) =
        used.map(|(row, factor)| (Vector { slot: step.history, row }, factor)).unzip();
    let direction = [Vector::alone(step.direction)];
    memory.vectors_in_pieces(&direction, &rows, step.count, |direction, rows| {
        direction[0].par_chunks_mut(RUN).enumerate().for_each(|(run, direction)| {
            direction.fill(0.0);
            for (row, factor) in rows.iter().zip(&factors) {
                let values = &row[run * RUN..][..direction.len()];
                vectorised(
                    #[inline(always)]
                    || direction.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value),
                );
            }
        });
    })
}

pub(super) fn lbfgs_trial(step: &LbfgsTrial, memory: &mut HostMemory) -> Result<(), BackendError> {
    let LbfgsControl { distance, .. } = memory.structure(step.control);
    memory.in_pieces([step.image], [step.base, step.direction], step.count, |[image], [base, direction]| {
        let image = image.par_chunks_mut(RUN);
        image.zip(base.par_chunks(RUN).zip(direction.par_chunks(RUN))).for_each(|(image, (base, direction))| {
            vectorised(
                #[inline(always)]
                || {
                    let moved = base.iter().zip(direction).map(|(base, direction)| base + distance * direction);
                    image.iter_mut().zip(moved).for_each(|(image, moved)| *image = moved);
                },
            );
        });
    })
}

pub(super) fn lbfgs_scalars(step: &LbfgsScalars, memory: &mut HostMemory) -> Result<(), BackendError> {
    let (mut slope, mut sum, mut largest) = (0.0, 0.0, 0.0_f32);
    // `f32::max` drops a NaN, which has to come through here.
    let larger = |a: f32, b: f32| if b.is_nan() || b > a { b } else { a };
    memory.in_pieces([], [step.gradient, step.direction], step.count, |[], [gradient, direction]| {
        slope += dot(gradient, direction);
        sum += sums::sum(gradient, gradient, |value, _| f64::from(value.abs()));
        largest = larger(largest, direction.par_iter().map(|value| value.abs()).reduce(|| 0.0, larger));
    })?;
    let results = LbfgsScalarResults { slope: slope as f32, gradient_sum: sum as f32, largest };
    memory.put_structure(step.results, results);
    Ok(())
}
