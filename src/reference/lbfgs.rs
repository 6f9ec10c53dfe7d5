//! The vector operations of L-BFGS.

use crate::host_memory::{HostMemory, numbers};
use crate::plan::{LbfgsControl, LbfgsDirection, LbfgsDots, LbfgsScalarResults, LbfgsScalars, LbfgsTrial, LbfgsUpdate};

pub(super) fn lbfgs_update(step: &LbfgsUpdate, memory: &mut HostMemory) {
    let count = step.count;
    let control: LbfgsControl = memory.structure(step.control);
    let [s, y] = [control.step_row, control.difference_row].map(|row| row as usize);
    let newest = 2 * step.memory;
    let [mut history_words, mut base_words] = [step.history, step.base].map(|slot| memory.take(slot));
    let (history, base) = (numbers(&mut history_words), numbers(&mut base_words));
    let (image, gradient) = (memory.values(step.image), memory.values(step.gradient));
    for i in 0..count {
        if s <= newest && y <= newest {
            history[s * count + i] = image[i] - base[i];
            history[y * count + i] = gradient[i] - history[newest * count + i];
        }
        history[newest * count + i] = gradient[i];
        base[i] = image[i];
    }
    memory.put(step.history, history_words);
    memory.put(step.base, base_words);
}

pub(super) fn lbfgs_dots(step: &LbfgsDots, memory: &mut HostMemory) {
    let rows = 2 * step.memory + 1;
    let history = memory.values(step.history);
    let row = |index: usize| &history[index * step.count..][..step.count];
    let control: LbfgsControl = memory.structure(step.control);
    let mut results = Vec::new();
    for first in [control.step_row as usize, control.difference_row as usize, rows - 1] {
        for second in 0..rows {
            let absent = first >= rows;
            results.push(if absent { 0.0 } else { dot(row(first), row(second)) as f32 });
        }
    }
    memory.values_mut(step.results)[..results.len()].copy_from_slice(&results);
}

pub(super) fn lbfgs_direction(step: &LbfgsDirection, memory: &mut HostMemory) {
    let history = memory.values(step.history);
    let mut direction = vec![0.0; step.count];
    for row in 0..=2 * step.memory {
        let factor = f64::from(memory.values(step.control)[LbfgsControl::WORDS + row]);
        if factor == 0.0 {
            continue;
        }
        for (sum, &value) in direction.iter_mut().zip(&history[row * step.count..][..step.count]) {
            *sum += factor * f64::from(value);
        }
    }
    let output = memory.values_mut(step.direction);
    output.iter_mut().zip(&direction).for_each(|(output, &value)| *output = value as f32);
}

pub(super) fn lbfgs_trial(step: &LbfgsTrial, memory: &mut HostMemory) {
    let mut words = memory.take(step.image);
    let image = &mut numbers(&mut words)[..step.count];
    let LbfgsControl { distance, .. } = memory.structure(step.control);
    let distance = f64::from(distance);
    let (base, direction) = (memory.values(step.base), memory.values(step.direction));
    for ((image, &base), &direction) in image.iter_mut().zip(base).zip(direction) {
        *image = (f64::from(base) + distance * f64::from(direction)) as f32;
    }
    memory.put(step.image, words);
}

pub(super) fn lbfgs_scalars(step: &LbfgsScalars, memory: &mut HostMemory) {
    let gradient = &memory.values(step.gradient)[..step.count];
    let direction = &memory.values(step.direction)[..step.count];
    let slope = dot(gradient, direction);
    let sum: f64 = gradient.iter().map(|&value| f64::from(value).abs()).sum();
    let largest = if direction.iter().any(|value| value.is_nan()) {
        f32::NAN
    } else {
        direction.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()))
    };
    let results = LbfgsScalarResults { slope: slope as f32, gradient_sum: sum as f32, largest };
    memory.put_structure(step.results, results);
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
