//! The vector operations of L-BFGS.

use crate::backend::BackendError;
use crate::host_memory::{HostMemory, Vector};
use crate::plan::{LbfgsControl, LbfgsDirection, LbfgsDots, LbfgsScalarResults, LbfgsScalars, LbfgsTrial, LbfgsUpdate};

pub(super) fn lbfgs_update(step: &LbfgsUpdate, memory: &mut HostMemory) -> Result<(), BackendError> {
    let control: LbfgsControl = memory.structure(step.control);
    let [s, y] = [control.step_row, control.difference_row].map(|row| row as usize);
    let newest = 2 * step.memory;
    let row = |row| Vector { slot: step.history, row };
    let seen = [Vector::alone(step.image), Vector::alone(step.gradient), Vector::alone(step.base), row(newest)];
    if s < newest && y < newest {
        memory.vectors_in_pieces(&[row(s), row(y)], &seen, step.count, |pair, seen| {
            for i in 0..seen[0].len() {
                pair[0][i] = seen[0][i] - seen[2][i];
                pair[1][i] = seen[1][i] - seen[3][i];
            }
        })?;
    }
    memory.vectors_in_pieces(&seen[2..], &seen[..2], step.count, |latest, seen| latest.clone_from_slice(seen))
}

pub(super) fn lbfgs_dots(step: &LbfgsDots, memory: &mut HostMemory) -> Result<(), BackendError> {
    let rows = 2 * step.memory + 1;
    let control: LbfgsControl = memory.structure(step.control);
    let mut results = Vec::new();
    for first in [control.step_row as usize, control.difference_row as usize, rows - 1] {
        for second in 0..rows {
            let mut sum = 0.0;
            if first < rows {
                let both = [first, second].map(|row| Vector { slot: step.history, row });
                memory.vectors_in_pieces(&[], &both, step.count, |_, both| sum += dot(&both[0], &both[1]))?;
            }
            results.push(sum as f32);
        }
    }
    memory.values_mut(step.results)[..results.len()].copy_from_slice(&results);
    Ok(())
}

pub(super) fn lbfgs_direction(step: &LbfgsDirection, memory: &mut HostMemory) -> Result<(), BackendError> {
    let rows = 2 * step.memory + 1;
    let factors = memory.values(step.control)[LbfgsControl::WORDS..][..rows].to_vec();
    let history = Vector::rows(step.history, rows);
    let direction = [Vector::alone(step.direction)];
    memory.vectors_in_pieces(&direction, &history, step.count, |direction, history| {
        for (i, value) in direction[0].iter_mut().enumerate() {
            // A row without a factor may hold anything.
            let used = history.iter().zip(&factors).filter(|(_, factor)| **factor != 0.0);
            *value = used.map(|(row, factor)| f64::from(*factor) * f64::from(row[i])).sum::<f64>() as f32;
        }
    })
}

pub(super) fn lbfgs_trial(step: &LbfgsTrial, memory: &mut HostMemory) -> Result<(), BackendError> {
    let LbfgsControl { distance, .. } = memory.structure(step.control);
    let distance = f64::from(distance);
    memory.in_pieces([step.image], [step.base, step.direction], step.count, |[image], [base, direction]| {
        for ((image, &base), &direction) in image.iter_mut().zip(base).zip(direction) {
            *image = (f64::from(base) + distance * f64::from(direction)) as f32;
        }
    })
}

pub(super) fn lbfgs_scalars(step: &LbfgsScalars, memory: &mut HostMemory) -> Result<(), BackendError> {
    let (mut slope, mut sum, mut largest) = (0.0, 0.0, 0.0_f32);
    memory.in_pieces([], [step.gradient, step.direction], step.count, |[], [gradient, direction]| {
        slope += dot(gradient, direction);
        sum += gradient.iter().map(|&value| f64::from(value).abs()).sum::<f64>();
        for value in direction {
            // `f32::max` drops a NaN, which has to come through here.
            largest = if largest.is_nan() || value.is_nan() { f32::NAN } else { largest.max(value.abs()) };
        }
    })?;
    let results = LbfgsScalarResults { slope: slope as f32, gradient_sum: sum as f32, largest };
    memory.put_structure(step.results, results);
    Ok(())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
