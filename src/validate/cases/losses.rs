//! Gram matrices, the losses, and the ring that records them.

use super::*;
use crate::plan::{
    Coefficients, ContentLoss, Gram, GramBackward, REDUCTION_GROUPS, RecordLosses, Step, StyleLoss, SumOfSquares, Term,
    ring_row,
};
use crate::tolerance::{F32_GRAM, F32_REDUCTION};

const GRAMS: [(&str, u32, u32, u32); 7] = [
    ("relu1_1", 13, 9, 1),
    ("relu1_1", 13, 9, 4),
    ("relu1_2", 41, 27, 2),
    ("relu2_1", 1, 7, 1),
    ("relu2_1", 19, 11, 3),
    ("relu3_1", 6, 5, 2),
    ("relu4_1", 3, 2, 1),
];

const MAPS: [(&str, u32, u32, Store); 7] = [
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
    cases.extend(GRAMS.map(|(name, width, height, splits)| gram(filters, name, width, height, splits)));
    cases.extend(MAPS.map(|(name, width, height, store)| gram_backward(filters, name, width, height, store)));
    cases.extend(MAPS.map(|(name, width, height, _)| sum_of_squares(filters, name, Some((width, height)))));
    cases.extend(MATRICES.map(|name| sum_of_squares(filters, name, None)));
    cases.extend(MATRICES.map(|name| style_loss(filters, name, false)));
    cases.push(style_loss(filters, MATRICES[1], true));
    cases.extend(MAPS.map(|(name, width, height, store)| content_loss(filters, name, width, height, store)));
    cases.extend(RECORDS.map(|(name, before, stopped, losses)| record_losses(filters, name, before, stopped, losses)));
    cases.push(record_losses(filters, "a loss that is no number", 1, 0, [f32::NAN, 1.0, 1.0]));
    cases
}

/// One block of channels and several, fewer and more pixels than are processed at a time.
pub(super) fn cooperative_cases(filters: &Arc<Filters>) -> Vec<Case> {
    vec![
        gram_backward(filters, "relu1_2", 3, 2, ADDED_AND_MASKED),
        // More than f16 holds.
        gram_backward_sized(filters, "relu2_1", 17, 11, MASKED, [1e-3, 1e5]),
        gram(filters, "relu1_2", 13, 9, 2),
        gram(filters, "relu2_1", 3, 2, 1),
        gram(filters, "relu2_1", 11, 7, 3),
    ]
}

fn gram(filters: &Arc<Filters>, name: &str, width: u32, height: u32, splits: u32) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let matrix = (shape.channels * shape.channels) as usize;
    let mut sketch = Sketch::new(u64::from(width * 100 + height));
    let features = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
    let partials = sketch.unwritten(Tensor::Partials, splits as usize * matrix);
    let gram = sketch.unwritten(Tensor::Gram(of), matrix);
    sketch.check(Check::Array(gram));
    let rows = Rows::all(shape);
    // As if the map were a window of a larger picture.
    let pixels = shape.pixels() + 5;
    let step = Step::Gram(Gram { features, partials, gram, shape, rows, accumulate: false, splits, pixels });
    sketch.finish(format!("{name} {width}x{height} in {splits}"), step, filters, F32_GRAM)
}

fn gram_backward(filters: &Arc<Filters>, name: &str, width: u32, height: u32, store: Store) -> Case {
    gram_backward_sized(filters, name, width, height, store, [1.0, 1.0])
}

/// With features and a Gram matrix's gradient of these magnitudes.
fn gram_backward_sized(
    filters: &Arc<Filters>,
    name: &str,
    width: u32,
    height: u32,
    store: Store,
    [feature, gradient]: [f32; 2],
) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let channels = shape.channels as usize;
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 1);
    let features = sketch.map(Tensor::Features(of), shape, -0.25 * feature, feature);
    let mut matrix = sketch.random.uniform_values(channels * channels, -gradient, 0.75 * gradient);
    for row in 0..channels {
        for column in 0..row {
            matrix[column * channels + row] = matrix[row * channels + column];
        }
    }
    let gram_gradient = sketch.numbers(Tensor::GramGradient(of), matrix);
    let into = store.destination(&mut sketch, Tensor::Gradient(of), of, shape);
    let step = Step::GramBackward(GramBackward { features, gram_gradient, into, shape, rows: Rows::all(shape) });
    sketch.finish(format!("{name} {width}x{height} {store}"), step, filters, F32_GRAM)
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
            (sketch.uniform(Tensor::Gram(of), count, -0.5, 1.0), count, format!("Gram matrix {name}"))
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

fn style_loss(filters: &Arc<Filters>, name: &str, accumulate: bool) -> Case {
    let of = layer(name);
    let channels = of.output_channels();
    let matrix = (channels * channels) as usize;
    let mut sketch = Sketch::new(u64::from(channels));
    let gram = sketch.uniform(Tensor::Gram(of), matrix, 0.0, 1.0);
    let target = sketch.uniform(Tensor::Target(Term::style(of, 0)), matrix, -0.5, 1.25);
    let gram_gradient = match accumulate {
        true => sketch.uniform(Tensor::GramGradient(of), matrix, -0.25, 0.5),
        false => sketch.unwritten(Tensor::GramGradient(of), matrix),
    };
    sketch.check(Check::Array(gram_gradient));
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let (coefficients, losses) = loss(&mut sketch);
    let step = StyleLoss { gram, target, gram_gradient, partials, coefficients, losses, channels, accumulate };
    let step = Step::StyleLoss(step);
    let store = if accumulate { "added" } else { "plain" };
    sketch.finish(format!("{name} {store}"), step, filters, F32_REDUCTION)
}

fn content_loss(filters: &Arc<Filters>, name: &str, width: u32, height: u32, store: Store) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 2);
    let features = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
    let target = sketch.map(Tensor::Target(Term::content(of)), shape, 0.0, 0.75).slot;
    let into = store.destination(&mut sketch, Tensor::Gradient(of), of, shape);
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let (coefficients, losses) = loss(&mut sketch);
    let step = Step::ContentLoss(ContentLoss {
        features,
        target,
        into,
        partials,
        coefficients,
        losses,
        shape,
        rows: Rows::all(shape),
        summed: Rows::all(shape),
        accumulate: false,
    });
    sketch.finish(format!("{name} {width}x{height} {store}"), step, filters, F32_REDUCTION)
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
