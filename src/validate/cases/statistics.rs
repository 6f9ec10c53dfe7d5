//! Gram matrices, means, and the gradients that come back through them.

use super::losses::MAPS;
use super::matrices::make_symmetric;
use super::*;
use crate::plan::{ChannelMean, Gram, GramBackward, Region, Step};
use crate::tolerance::F32_GRAM;
use Counted::{Alike, Weighted};

const GRAMS: [(&str, u32, u32, u32); 7] = [
    ("relu1_1", 13, 9, 1),
    ("relu1_1", 13, 9, 4),
    ("relu1_2", 41, 27, 2),
    ("relu2_1", 1, 7, 1),
    ("relu2_1", 19, 11, 3),
    ("relu3_1", 6, 5, 2),
    ("relu4_1", 3, 2, 1),
];

/// How much pixels count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Alike,
    Weighted,
}

impl Counted {
    /// Random weights, zero in the halo and in some pixels.
    fn weights(self, sketch: &mut Sketch, layer: Layer, shape: FeatureShape) -> Option<SlotId> {
        let weight = |(pixel, value): (usize, f32)| if shape.is_halo(pixel) { 0.0 } else { value.max(0.0) };
        let values = sketch.random.uniform_values(shape.padded_pixels(), -0.5, 2.5);
        let weights: Vec<f32> = values.into_iter().enumerate().map(weight).collect();
        (self == Weighted).then(|| sketch.numbers(Tensor::RegionWeights(layer, Region::WHOLE), weights))
    }
}

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Weighted { ", weighted" } else { "" })
    }
}

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    for counted in [Alike, Weighted] {
        cases.extend(GRAMS.map(|(name, width, height, splits)| gram(filters, name, width, height, splits, counted)));
        cases.extend(
            GRAMS.map(|(name, width, height, splits)| channel_mean(filters, name, width, height, splits, counted)),
        );
        for with_mean in [false, true] {
            cases.extend(MAPS.map(|(name, width, height, store)| {
                gram_backward(filters, (name, width, height), store, counted, with_mean)
            }));
        }
    }
    cases
}

/// One block of channels and several, fewer and more pixels than are processed at a time.
pub(super) fn cooperative_cases(filters: &Arc<Filters>) -> Vec<Case> {
    vec![
        gram_backward(filters, ("relu1_2", 3, 2), ADDED_AND_MASKED, Alike, false),
        // More than f16 holds.
        gram_backward_sized(filters, ("relu2_1", 17, 11), MASKED, Alike, false, [1e-3, 1e5]),
        gram_backward(filters, ("relu2_1", 7, 5), ADDED, Weighted, true),
        gram(filters, "relu1_2", 13, 9, 2, Alike),
        gram(filters, "relu2_1", 3, 2, 1, Alike),
        gram(filters, "relu2_1", 11, 7, 3, Weighted),
    ]
}

fn gram(filters: &Arc<Filters>, name: &str, width: u32, height: u32, splits: u32, counted: Counted) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let matrix = (shape.channels * shape.channels) as usize;
    let mut sketch = Sketch::new(u64::from(width * 100 + height));
    let features = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
    let weights = counted.weights(&mut sketch, of, shape);
    let partials = sketch.unwritten(Tensor::Partials, splits as usize * matrix);
    let gram = sketch.unwritten(Tensor::Gram(of, Region::WHOLE), matrix);
    sketch.check(Check::Array(gram));
    let rows = Rows::all(shape);
    // As if the map were a window of a larger picture.
    let pixels = shape.pixels() + 5;
    let step = Step::Gram(Gram { features, weights, partials, gram, shape, rows, accumulate: false, splits, pixels });
    sketch.finish(format!("{name} {width}x{height} in {splits}{counted}"), step, filters, F32_GRAM)
}

fn channel_mean(filters: &Arc<Filters>, name: &str, width: u32, height: u32, splits: u32, counted: Counted) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let channels = shape.channels as usize;
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 5);
    let features = sketch.map(Tensor::Features(of), shape, -0.25, 1.0);
    let weights = counted.weights(&mut sketch, of, shape);
    let partials = sketch.unwritten(Tensor::Partials, splits as usize * channels);
    let mean = sketch.unwritten(Tensor::Mean(of, Region::WHOLE), channels);
    sketch.check(Check::Array(mean));
    let (rows, pixels) = (Rows::all(shape), shape.pixels() + 5);
    let step = ChannelMean { features, weights, partials, mean, shape, rows, accumulate: false, splits, pixels };
    let name = format!("{name} {width}x{height} in {splits}{counted}");
    sketch.finish(name, Step::ChannelMean(step), filters, F32_GRAM)
}

fn gram_backward(
    filters: &Arc<Filters>,
    (name, width, height): (&str, u32, u32),
    store: Store,
    counted: Counted,
    with_mean: bool,
) -> Case {
    gram_backward_sized(filters, (name, width, height), store, counted, with_mean, [1.0, 1.0])
}

/// With features and a Gram matrix's gradient of these magnitudes.
fn gram_backward_sized(
    filters: &Arc<Filters>,
    (name, width, height): (&str, u32, u32),
    store: Store,
    counted: Counted,
    with_mean: bool,
    [feature, gradient]: [f32; 2],
) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let channels = shape.channels as usize;
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 1);
    let features = sketch.map(Tensor::Features(of), shape, -0.25 * feature, feature);
    let mut matrix = sketch.random.uniform_values(channels * channels, -gradient, 0.75 * gradient);
    make_symmetric(&mut matrix, channels);
    let gram_gradient = sketch.numbers(Tensor::GramGradient(of, Region::WHOLE), matrix);
    let mean = Tensor::MeanGradient(of, Region::WHOLE);
    let mean_gradient = with_mean.then(|| sketch.uniform(mean, channels, -gradient, gradient));
    let weights = counted.weights(&mut sketch, of, shape);
    let into = store.destination(&mut sketch, Tensor::Gradient(of), of, shape);
    let rows = Rows::all(shape);
    let step = GramBackward { features, gram_gradient, mean_gradient, weights, into, shape, rows };
    let mean = if with_mean { ", with the mean" } else { "" };
    let name = format!("{name} {width}x{height} {store}{counted}{mean}");
    sketch.finish(name, Step::GramBackward(step), filters, F32_GRAM)
}
