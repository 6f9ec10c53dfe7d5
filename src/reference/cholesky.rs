//! Cholesky factors and their inverses.

use crate::host_memory::HostMemory;
use crate::plan::Cholesky;

pub(super) fn cholesky(step: &Cholesky, memory: &mut HostMemory) {
    let channels = step.channels as usize;
    let matrix: Vec<f64> = memory.values(step.matrix)[..channels * channels].iter().map(|&v| f64::from(v)).collect();
    let at = |row: usize, column: usize| row * channels + column;
    let mut factor = vec![0.0; channels * channels];
    let mut inverse = vec![0.0; channels * channels];
    for row in 0..channels {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| factor[at(row, k)] * factor[at(column, k)]).sum();
            let rest = matrix[at(row, column)] - known;
            factor[at(row, column)] = if row == column {
                let least = f64::from(Cholesky::PIVOT_PART) * matrix[at(row, row)];
                if rest < least { least.sqrt() } else { rest.sqrt() }
            } else {
                rest / factor[at(column, column)]
            };
        }
        for column in 0..=row {
            let known: f64 = (column..row).map(|k| factor[at(row, k)] * inverse[at(k, column)]).sum();
            let unit = f64::from(u8::from(row == column));
            inverse[at(row, column)] = (unit - known) / factor[at(row, row)];
        }
    }
    for (slot, values) in [(step.factor, factor), (step.inverse, inverse)] {
        values.iter().zip(memory.values_mut(slot)).for_each(|(value, word)| *word = *value as f32);
    }
}
