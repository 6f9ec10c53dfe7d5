//! Adam and the vector operations of L-BFGS.

use super::*;
use crate::plan::{
    Adam, CopyVector, LbfgsDirection, LbfgsDots, LbfgsScalars, LbfgsTrial, LbfgsUpdate, REDUCTION_GROUPS, Step,
};
use crate::tolerance::{F32_POINTWISE, F32_REDUCTION};

const MEMORY: usize = 3;
const ROWS: usize = 2 * MEMORY + 1;
/// A row that does not exist.
const NO_ROW: u32 = ROWS as u32;
/// Loss values of Adam's cases.
const LOSSES: [f32; 3] = [0.5, 0.25, 1.5];
/// Shares with which their sum is 1.625: steps are of full length.
const FAR: [f32; 3] = [1.0, 1.5, 0.5];
/// Shares with which it is 0.08: steps are shorter.
const NEAR: [f32; 3] = [0.1, 0.06, 0.01];
/// Vector lengths: short, and longer than one sweep of a reduction takes.
const COUNTS: [usize; 3] = [3, 1_001, 70_011];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = vec![
        adam(filters, "the first step", 33, [0, 0], [1.0, 1.0, 1.0], FAR),
        adam(filters, "a later step", 1_001, [7, 0], [0.478, 0.932, 0.91], FAR),
        adam(filters, "near", 77, [7, 0], [0.478, 0.932, 0.91], NEAR),
        adam(filters, "without shares", 77, [7, 0], [0.478, 0.932, 0.91], [0.0; 3]),
        adam(filters, "stopped", 33, [7, 1], [0.478, 0.932, 0.91], NEAR),
    ];
    for count in COUNTS {
        cases.push(lbfgs_update(filters, "a pair", count, [1, 4]));
        cases.push(lbfgs_update(filters, "no pair", count, [NO_ROW, NO_ROW]));
        cases.push(lbfgs_dots(filters, "a pair", count, [2, 5]));
        cases.push(lbfgs_dots(filters, "no pair", count, [NO_ROW, NO_ROW + 2]));
        cases.push(lbfgs_direction(filters, count));
        cases.push(lbfgs_trial(filters, count));
        cases.push(lbfgs_scalars(filters, "finite", count, None));
        cases.push(lbfgs_scalars(filters, "not a number", count, Some(count - 2)));
        cases.push(copy_vector(filters, count));
    }
    cases
}

/// More values than 65,535 workgroups of 64 can handle.
pub(super) fn large_cases(filters: &Arc<Filters>) -> Vec<Case> {
    vec![copy_vector(filters, 4_200_003)]
}

fn adam(filters: &Arc<Filters>, name: &str, count: usize, state: [u32; 2], powers: [f32; 3], shares: [f32; 3]) -> Case {
    let mut sketch = Sketch::new(count as u64);
    let image = sketch.uniform(Tensor::Image, count, 0.0, 1.0);
    let gradient = sketch.uniform(Tensor::ImageGradient, count, -0.5, 0.25);
    let mean = sketch.uniform(Tensor::AdamMean, count, -0.25, 0.5);
    let square = sketch.uniform(Tensor::AdamSquare, count, 0.0, 0.25);
    let average = sketch.uniform(Tensor::Average, count, 0.0, 1.0);
    let state = sketch.words(Tensor::State, [&state[..], &powers.map(f32::to_bits)].concat());
    let rates = sketch.numbers(Tensor::AdamRates, [&[0.05, 1e-3], &shares[..]].concat());
    let losses = sketch.numbers(Tensor::LossValues, LOSSES.to_vec());
    [image, mean, square, average].into_iter().for_each(|slot| sketch.check(Check::Array(slot)));
    sketch.check(Check::Words(state));
    let step = Step::Adam(Adam {
        image,
        gradient,
        mean,
        square,
        average,
        state,
        rates,
        losses,
        terms: LOSSES.len(),
        count,
        betas: [0.9, 0.99],
        decay: 0.97,
    });
    sketch.finish(format!("{name}, {count} values"), step, filters, F32_POINTWISE)
}

fn history(sketch: &mut Sketch, count: usize) -> SlotId {
    sketch.uniform(Tensor::LbfgsHistory, ROWS * count, -0.25, 1.0)
}

/// The control words: two row numbers, the distance, one unused, a factor for each row.
fn control(sketch: &mut Sketch, rows: [u32; 2], distance: f32, factors: [f32; ROWS]) -> SlotId {
    let factors = factors.map(f32::to_bits);
    sketch.words(Tensor::LbfgsControl, [&rows[..], &[distance.to_bits(), GUARD], &factors].concat())
}

fn lbfgs_update(filters: &Arc<Filters>, name: &str, count: usize, rows: [u32; 2]) -> Case {
    let mut sketch = Sketch::new(count as u64 + 1);
    let image = sketch.uniform(Tensor::Image, count, 0.0, 1.0);
    let gradient = sketch.uniform(Tensor::ImageGradient, count, -0.5, 0.25);
    let base = sketch.uniform(Tensor::LbfgsBase, count, 0.0, 1.0);
    let history = history(&mut sketch, count);
    let control = control(&mut sketch, rows, 0.0, [0.0; ROWS]);
    [base, history].into_iter().for_each(|slot| sketch.check(Check::Array(slot)));
    let step = Step::LbfgsUpdate(LbfgsUpdate { image, gradient, base, history, control, count, memory: MEMORY });
    sketch.finish(format!("{name}, {count} values"), step, filters, F32_POINTWISE)
}

fn lbfgs_dots(filters: &Arc<Filters>, name: &str, count: usize, rows: [u32; 2]) -> Case {
    let mut sketch = Sketch::new(count as u64 + 2);
    let history = sketch.uniform(Tensor::LbfgsHistory, ROWS * count, 0.1, 1.0);
    let control = control(&mut sketch, rows, 0.0, [0.0; ROWS]);
    let partials = sketch.unwritten(Tensor::Partials, 3 * ROWS * REDUCTION_GROUPS);
    let results = sketch.unwritten(Tensor::LbfgsResults, 3 * ROWS);
    sketch.check(Check::Each(results));
    let step = Step::LbfgsDots(LbfgsDots { history, control, partials, results, count, memory: MEMORY });
    sketch.finish(format!("{name}, {count} values"), step, filters, F32_REDUCTION)
}

fn lbfgs_direction(filters: &Arc<Filters>, count: usize) -> Case {
    let mut sketch = Sketch::new(count as u64 + 3);
    let factors = [0.5, -1.25, 0.0, 2.0, 0.0, 0.75, -1.0];
    // Values that must not be read are NaN.
    let mut rows = sketch.random.uniform_values(ROWS * count, -0.25, 1.0);
    for (row, _) in factors.iter().enumerate().filter(|(_, factor)| **factor == 0.0) {
        rows[row * count..][..count].fill(f32::from_bits(GUARD));
    }
    let history = sketch.numbers(Tensor::LbfgsHistory, rows);
    let control = control(&mut sketch, [NO_ROW; 2], 0.0, factors);
    let direction = sketch.unwritten(Tensor::LbfgsDirection, count);
    sketch.check(Check::Array(direction));
    let step = Step::LbfgsDirection(LbfgsDirection { history, control, direction, count, memory: MEMORY });
    sketch.finish(format!("{count} values"), step, filters, F32_POINTWISE)
}

fn lbfgs_trial(filters: &Arc<Filters>, count: usize) -> Case {
    let mut sketch = Sketch::new(count as u64 + 4);
    let base = sketch.uniform(Tensor::LbfgsBase, count, 0.0, 1.0);
    let direction = sketch.uniform(Tensor::LbfgsDirection, count, -1.0, 0.5);
    let control = control(&mut sketch, [NO_ROW; 2], 0.375, [0.0; ROWS]);
    let image = sketch.unwritten(Tensor::Image, count);
    sketch.check(Check::Array(image));
    let step = Step::LbfgsTrial(LbfgsTrial { base, direction, control, image, count });
    sketch.finish(format!("{count} values"), step, filters, F32_POINTWISE)
}

fn lbfgs_scalars(filters: &Arc<Filters>, name: &str, count: usize, not_a_number: Option<usize>) -> Case {
    let mut sketch = Sketch::new(count as u64 + 5);
    // Gradients of both signs against directions of one, so that the slope does not cancel.
    let gradient = sketch.uniform(Tensor::ImageGradient, count, -1.0, 0.25);
    let mut values = sketch.random.uniform_values(count, -0.75, 0.0);
    if let Some(place) = not_a_number {
        values[place] = f32::NAN;
    }
    let direction = sketch.numbers(Tensor::LbfgsDirection, values);
    let partials = sketch.unwritten(Tensor::Partials, 3 * REDUCTION_GROUPS);
    let results = sketch.unwritten(Tensor::LbfgsResults, 3);
    sketch.check(Check::Each(results));
    let step = Step::LbfgsScalars(LbfgsScalars { gradient, direction, partials, results, count });
    sketch.finish(format!("{name}, {count} values"), step, filters, F32_REDUCTION)
}

/// One that every kernel that copies can do.
pub(super) fn starting_case(filters: &Arc<Filters>) -> Case {
    copy_vector(filters, 1003)
}

fn copy_vector(filters: &Arc<Filters>, count: usize) -> Case {
    let mut sketch = Sketch::new(count as u64 + 6);
    let from = sketch.uniform(Tensor::ImageGradient, count, -1.0, 1.0);
    let to = sketch.unwritten(Tensor::KeptGradient, count);
    sketch.check(Check::Words(to));
    let step = Step::CopyVector(CopyVector { from, to, count });
    sketch.finish(format!("{count} values"), step, filters, 0.0)
}
