//! The vector operations of L-BFGS.

use super::simd::vectorised;
use super::sums::{self, RUN, dot};
use crate::host_memory::{HostMemory, numbers};
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

pub(super) fn lbfgs_update(step: &LbfgsUpdate, memory: &mut HostMemory) {
    let (count, newest) = (step.count, 2 * step.memory);
    let control: LbfgsControl = memory.structure(step.control);
    let [s, y] = [control.step_row, control.difference_row].map(|row| row as usize);
    let [mut history_words, mut base_words] = [step.history, step.base].map(|slot| memory.take(slot));
    let (pairs, kept) = numbers(&mut history_words)[..(newest + 1) * count].split_at_mut(newest * count);
    let base = &mut numbers(&mut base_words)[..count];
    let (image, gradient) = (&memory.values(step.image)[..count], &memory.values(step.gradient)[..count]);
    if s < newest && y < newest {
        difference(&mut pairs[s * count..][..count], image, base);
        difference(&mut pairs[y * count..][..count], gradient, kept);
    }
    kept.copy_from_slice(gradient);
    base.copy_from_slice(image);
    memory.put(step.history, history_words);
    memory.put(step.base, base_words);
}

pub(super) fn lbfgs_dots(step: &LbfgsDots, memory: &mut HostMemory) {
    let rows = 2 * step.memory + 1;
    let history = memory.values(step.history);
    let row = |index: usize| &history[index * step.count..][..step.count];
    let control: LbfgsControl = memory.structure(step.control);
    let mut results = Vec::with_capacity(3 * rows);
    for first in [control.step_row as usize, control.difference_row as usize, rows - 1] {
        for second in 0..rows {
            results.push(if first < rows { dot(row(first), row(second)) as f32 } else { 0.0 });
        }
    }
    memory.values_mut(step.results)[..3 * rows].copy_from_slice(&results);
}

pub(super) fn lbfgs_direction(step: &LbfgsDirection, memory: &mut HostMemory) {
    let mut words = memory.take(step.direction);
    let factors = &memory.values(step.control)[LbfgsControl::WORDS..][..2 * step.memory + 1];
    let history = memory.values(step.history);
    let direction = &mut numbers(&mut words)[..step.count];
    direction.par_chunks_mut(RUN).enumerate().for_each(|(run, direction)| {
        direction.fill(0.0);
        for (row, &factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
            let values = &history[row * step.count + run * RUN..][..direction.len()];
            vectorised(
                #[inline(always)]
                || direction.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value),
            );
        }
    });
    memory.put(step.direction, words);
}

pub(super) fn lbfgs_trial(step: &LbfgsTrial, memory: &mut HostMemory) {
    let mut words = memory.take(step.image);
    let LbfgsControl { distance, .. } = memory.structure(step.control);
    let (base, direction) = (memory.values(step.base), memory.values(step.direction));
    let image = numbers(&mut words)[..step.count].par_chunks_mut(RUN);
    image.zip(base.par_chunks(RUN).zip(direction.par_chunks(RUN))).for_each(|(image, (base, direction))| {
        vectorised(
            #[inline(always)]
            || {
                let moved = base.iter().zip(direction).map(|(base, direction)| base + distance * direction);
                image.iter_mut().zip(moved).for_each(|(image, moved)| *image = moved);
            },
        );
    });
    memory.put(step.image, words);
}

pub(super) fn lbfgs_scalars(step: &LbfgsScalars, memory: &mut HostMemory) {
    let gradient = &memory.values(step.gradient)[..step.count];
    let direction = &memory.values(step.direction)[..step.count];
    let slope = dot(gradient, direction);
    let sum = sums::sum(gradient, gradient, |value, _| f64::from(value.abs()));
    // `f32::max` drops a NaN, which has to come through here.
    let larger = |a: f32, b: f32| if b.is_nan() || b > a { b } else { a };
    let largest = direction.par_iter().map(|value| value.abs()).reduce(|| 0.0, larger);
    let results = LbfgsScalarResults { slope: slope as f32, gradient_sum: sum as f32, largest };
    memory.put_structure(step.results, results);
}
