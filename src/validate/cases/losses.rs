//! The losses, and the ring that records them.

use super::*;
use crate::plan::{
    Coefficients, ContentLoss, GramLoss, Matrix, MomentsLoss, REDUCTION_GROUPS, RecordLosses, Region, Step,
    SumOfSquares, Term, WassersteinLoss, ring_row,
};
use crate::tolerance::F32_REDUCTION;

/// Maps with the way in which their gradient is stored.
pub(super) const MAPS: [(&str, u32, u32, Store); 7] = [
    ("relu1_1", 13, 9, ADDED_AND_MASKED),
    ("relu1_2", 35, 27, MASKED),
    ("relu2_1", 1, 7, PLAIN),
    ("relu2_2", 11, 3, ADDED),
    ("relu3_1", 6, 5, ADDED_AND_MASKED),
    ("relu3_1", 17, 14, ADDED),
    ("relu4_1", 3, 2, MASKED),
];

const MATRICES: [&str; 3] = ["relu1_1", "relu2_1", "relu4_1"];

/// Earlier evaluations, whether one of them was not finite, and the losses that are recorded.
const RECORDS: [(&str, u32, u32, [f32; 3]); 5] = [
    ("the first", 0, 0, [0.5, 0.0, 2.0]),
    ("the last row", 4, 0, [1.5, 0.25, 2.0]),
    ("around the ring", 10, 0, [0.5, 3.0, 1e-20]),
    ("an infinite loss", 7, 0, [0.5, f32::INFINITY, 1.0]),
    ("after one that was not finite", 8, 1, [0.5, 1.0, 1.0]),
];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(MAPS.map(|(name, width, height, _)| sum_of_squares(filters, name, Some((width, height)))));
    cases.extend(MATRICES.map(|name| sum_of_squares(filters, name, None)));
    for loss in [gram_loss, moments_loss, wasserstein_loss] {
        cases.extend(MATRICES.map(|name| loss(filters, name, false)));
        cases.push(loss(filters, MATRICES[1], true));
    }
    cases.extend(MAPS.map(|map| content_loss(filters, map, false)));
    cases.extend(MAPS.map(|map| content_loss(filters, map, true)));
    cases.extend(RECORDS.map(|(name, before, stopped, losses)| record_losses(filters, name, before, stopped, losses)));
    cases.push(record_losses(filters, "a loss that is no number", 1, 0, [f32::NAN, 1.0, 1.0]));
    cases
}

/// Of a map of some size, or of a matrix; the sums on either side must stay unchanged.
fn sum_of_squares(filters: &Arc<Filters>, name: &str, map: Option<(u32, u32)>) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let mut sketch = Sketch::new(u64::from(channels) + 7);
    let (values, count, shown) = match map {
        Some((width, height)) => {
            let shape = shape(of, width, height);
            let map = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
            (map.slot, shape.values(), format!("{name} {width}x{height}"))
        }
        None => {
            let count = (channels * channels) as usize;
            (sketch.uniform(Tensor::Gram(of, Region::WHOLE), count, -0.5, 1.0), count, format!("Gram matrix {name}"))
        }
    };
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let sums = sketch.uniform(Tensor::SumsOfSquares, 3, 1.0, 2.0);
    sketch.check(Check::Each(sums));
    let step = Step::SumOfSquares(SumOfSquares { values, count, partials, sums, index: 1 });
    sketch.finish(shown, step, filters, F32_REDUCTION)
}

/// Coefficients of four losses, the last but one of which is used, and the loss values.
fn loss(sketch: &mut Sketch) -> (Coefficients, SlotId) {
    let slot = sketch.uniform(Tensor::Coefficients, 8, 0.01, 0.5);
    let losses = sketch.uniform(Tensor::LossValues, 4, 1.0, 2.0);
    sketch.check(Check::Each(losses));
    (Coefficients { slot, loss: 2 }, losses)
}

/// The gradients with respect to Gram matrix and mean.
fn gradients(sketch: &mut Sketch, of: Layer, accumulate: bool) -> [SlotId; 2] {
    let channels = of.output_channels() as usize;
    let tensors = [Tensor::GramGradient(of, Region::WHOLE), Tensor::MeanGradient(of, Region::WHOLE)];
    let mut slot = |tensor, count| {
        let slot = match accumulate {
            true => sketch.uniform(tensor, count, -0.25, 0.5),
            false => sketch.unwritten(tensor, count),
        };
        sketch.check(Check::Array(slot));
        slot
    };
    [slot(tensors[0], channels * channels), slot(tensors[1], channels)]
}

/// A Gram matrix whose diagonal leaves room for the squares of means below 0.5.
fn gram_matrix(sketch: &mut Sketch, tensor: Tensor, channels: usize) -> SlotId {
    let mut values = sketch.random.uniform_values(channels * channels, -0.5, 1.25);
    values.iter_mut().step_by(channels + 1).for_each(|value| *value = 0.5 + value.abs());
    sketch.numbers(tensor, values)
}

fn scalars(sketch: &mut Sketch, term: Term) -> SlotId {
    sketch.numbers(Tensor::TargetScalars(term), vec![0.125, 0.75, 1.5, 0.5, 3.25])
}

fn store(accumulate: bool) -> &'static str {
    if accumulate { "added" } else { "plain" }
}

fn gram_loss(filters: &Arc<Filters>, name: &str, accumulate: bool) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let matrix = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels));
    let gram = sketch.uniform(Tensor::Gram(of, Region::WHOLE), matrix, 0.0, 1.0);
    let target = sketch.uniform(Tensor::Target(Term::gram(of, 0)), matrix, -0.5, 1.25);
    let [gram_gradient, _] = gradients(&mut sketch, of, accumulate);
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let (coefficients, losses) = loss(&mut sketch);
    let step = GramLoss { gram, target, gram_gradient, partials, coefficients, losses, channels, accumulate };
    sketch.finish(format!("{name} {}", store(accumulate)), Step::GramLoss(step), filters, F32_REDUCTION)
}

fn moments_loss(filters: &Arc<Filters>, name: &str, accumulate: bool) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let count = channels as usize;
    let term = Term::gram(of, 0);
    let mut sketch = Sketch::new(u64::from(channels) + 3);
    let gram = gram_matrix(&mut sketch, Tensor::Gram(of, Region::WHOLE), count);
    let mean = sketch.uniform(Tensor::Mean(of, Region::WHOLE), count, -0.5, 0.5);
    let target = gram_matrix(&mut sketch, Tensor::Target(term), count);
    let target_mean = sketch.uniform(Tensor::TargetMean(term), count, -0.5, 0.5);
    let scalars = scalars(&mut sketch, term);
    let [gram_gradient, mean_gradient] = gradients(&mut sketch, of, accumulate);
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let (coefficients, losses) = loss(&mut sketch);
    let step = Step::MomentsLoss(MomentsLoss {
        gram,
        mean,
        target,
        target_mean,
        scalars,
        gram_gradient,
        mean_gradient,
        partials,
        coefficients,
        losses,
        channels,
        accumulate,
    });
    sketch.finish(format!("{name} {}", store(accumulate)), step, filters, F32_REDUCTION)
}

fn wasserstein_loss(filters: &Arc<Filters>, name: &str, accumulate: bool) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let count = channels as usize;
    let term = Term::gram(of, 0);
    let mut sketch = Sketch::new(u64::from(channels) + 4);
    let mean = sketch.uniform(Tensor::Mean(of, Region::WHOLE), count, -0.5, 0.5);
    let target_mean = sketch.uniform(Tensor::TargetMean(term), count, -0.5, 0.5);
    let covariance = sketch.uniform(Tensor::Matrix(Matrix::S), count * count, 2.0, 3.0);
    let polar = sketch.uniform(Tensor::Matrix(Matrix::U), count * count, 0.25, 0.75);
    let overlap = sketch.uniform(Tensor::Matrix(Matrix::X), count * count, -0.5, -0.25);
    let transport = sketch.uniform(Tensor::Matrix(Matrix::L), count * count, -0.5, 1.0);
    let scalars = scalars(&mut sketch, term);
    let [gram_gradient, mean_gradient] = gradients(&mut sketch, of, accumulate);
    let (coefficients, losses) = loss(&mut sketch);
    let step = Step::WassersteinLoss(WassersteinLoss {
        mean,
        target_mean,
        covariance,
        polar,
        overlap,
        transport,
        scalars,
        gram_gradient,
        mean_gradient,
        partials: sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS),
        coefficients,
        losses,
        channels,
        accumulate,
    });
    sketch.finish(format!("{name} {}", store(accumulate)), step, filters, F32_REDUCTION)
}

/// Of the whole map or of every third pixel.
fn content_loss(filters: &Arc<Filters>, (name, width, height, store): (&str, u32, u32, Store), weighted: bool) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 2);
    let features = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
    let target = sketch.map(Tensor::Target(Term::Content(of)), shape, 0.0, 0.75).slot;
    let some = (0..shape.padded_pixels()).map(|pixel| if pixel % 3 == 1 { 1.0 } else { 0.0 }).collect();
    let weights = weighted.then(|| sketch.numbers(Tensor::Counted(of), some));
    let into = store.destination(&mut sketch, Tensor::Gradient(of), of, shape);
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let (coefficients, losses) = loss(&mut sketch);
    let step = Step::ContentLoss(ContentLoss {
        features,
        target,
        weights,
        into,
        partials,
        coefficients,
        losses,
        shape,
        rows: Rows::all(shape),
        summed: Rows::all(shape),
        accumulate: false,
    });
    let counted = if weighted { ", some pixels" } else { "" };
    sketch.finish(format!("{name} {width}x{height} {store}{counted}"), step, filters, F32_REDUCTION)
}

fn record_losses(filters: &Arc<Filters>, name: &str, before: u32, stopped: u32, values: [f32; 3]) -> Case {
    let rows = 5;
    let mut sketch = Sketch::new(u64::from(before));
    let losses = sketch.numbers(Tensor::LossValues, values.to_vec());
    let state = sketch.words(Tensor::State, vec![before, stopped, 0x3F00_0000, 0x3E80_0000, 0x3F40_0000]);
    let ring = sketch.uniform(Tensor::LossRing, rows * ring_row(values.len()), -1.0, 1.0);
    sketch.check(Check::Words(state));
    sketch.check(Check::Words(ring));
    let step = Step::RecordLosses(RecordLosses { losses, state, ring, count: values.len(), rows });
    sketch.finish(name.to_owned(), step, filters, 0.0)
}
