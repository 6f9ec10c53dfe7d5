//! Pairs of steps that one kernel executes together; the reference does one after the other.

use super::*;
use crate::plan::{
    Border, Coefficients, Conv3x3, MaxPool, NetworkInputBackward, REDUCTION_GROUPS, Size, Step, TotalVariation,
};
use crate::random::Random;
use crate::tolerance::{F32_CONVOLUTION, F32_REDUCTION};
use crate::weights::{ConvolutionFilters, Normalisation};

/// Convolutions followed by a pooling: whether masks and winners are kept.
const POOLED: [(&str, u32, u32, bool); 6] = [
    ("relu1_2", 9, 6, true),
    ("relu1_2", 2, 3, true),
    ("relu1_2", 37, 43, true),
    ("relu2_2", 24, 21, true),
    ("relu2_2", 5, 8, false),
    ("relu2_2", 2, 2, true),
];

const GRADIENTS: [(u32, u32, Border); 5] = [
    (7, 5, Border::Zero),
    (1, 6, Border::Replicate),
    (6, 1, Border::Replicate),
    (1, 1, Border::Replicate),
    (130, 33, Border::Replicate),
];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let whole = Arc::new(whole_numbers(layer("relu2_2")));
    let mut cases: Vec<Case> = POOLED.iter().map(|&pooled| whole_conv3x3_max_pool(&whole, pooled)).collect();
    cases.push(conv3x3_max_pool(filters));
    cases.extend(GRADIENTS.map(|(width, height, border)| {
        network_input_backward_total_variation(filters, Size { width, height }, border)
    }));
    cases
}

/// A few weights of 1 and -1 for every output: they turn small whole numbers into small whole numbers, and every sum is
/// exact in any order. So signs and winners do not depend on how they are computed, and values of one 2x2 are often
/// equal.
fn whole_numbers(deepest: Layer) -> Filters {
    let mut filters = generated(1, deepest);
    let mut random = Random::new(29);
    for ConvolutionFilters { input_channels, output_channels, weight, bias } in &mut filters.layers {
        weight.fill(0.0);
        for output in 0..*output_channels {
            for value in [1.0, 1.0, -1.0] {
                let input = random.below(9 * *input_channels);
                weight[input * *output_channels + output] = value;
            }
        }
        bias.iter_mut().for_each(|bias| *bias = random.below(3) as f32 - 1.0);
    }
    filters
}

/// The input of a convolution, not yet filled, and both steps.
fn steps(sketch: &mut Sketch, of: Layer, input: Map, shape: FeatureShape, kept: bool) -> Vec<Step> {
    let above = Layer::DEEPEST.up_to().find(|above| above.below() == Some(of));
    let above = above.expect("the table names layers before a pooling");
    let between = sketch.map_between(Tensor::Features(of), shape);
    let output = sketch.unwritten_map(Tensor::Pooled(above), shape.pooled());
    sketch.check(Check::Array(output.slot));
    let rows = Rows::all(shape.pooled());
    let [mask, winners] =
        [(Tensor::ReluMask(of), shape.mask_words()), (Tensor::PoolWinners(above), shape.pooled().winner_words())].map(
            |(tensor, words)| {
                kept.then(|| {
                    let slot = sketch.unwritten(tensor, words);
                    sketch.check(Check::Words(slot));
                    slot
                })
            },
        );
    vec![
        Step::Conv3x3(Conv3x3 { layer: of, input, output: between, mask, shape, rows: Rows::all(shape) }),
        Step::MaxPool(MaxPool { input: between, output, winners, shape, rows }),
    ]
}

fn whole_conv3x3_max_pool(filters: &Arc<Filters>, (name, width, height, kept): (&str, u32, u32, bool)) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height));
    let input = sketch.map(Tensor::Features(of), shape.with_channels(of.input_channels()), 0.0, 4.0);
    sketch.change(input.slot, f32::floor);
    let steps = steps(&mut sketch, of, input, shape, kept);
    let variant = if kept { ", mask and winners kept" } else { "" };
    sketch.finish_steps(format!("{name} {width}x{height}{variant}"), steps, filters, 0.0)
}

/// With arbitrary numbers; only the pooled ones are compared, because rounding decides near zero and among equals.
fn conv3x3_max_pool(filters: &Arc<Filters>) -> Case {
    let of = layer("relu2_2");
    let shape = shape(of, 11, 13);
    let mut sketch = Sketch::new(1113);
    let input = sketch.map(Tensor::Features(of), shape.with_channels(of.input_channels()), -0.5, 1.0);
    let steps = steps(&mut sketch, of, input, shape, false);
    sketch.finish_steps("relu2_2 11x13 of any numbers".to_owned(), steps, filters, F32_CONVOLUTION)
}

fn network_input_backward_total_variation(filters: &Arc<Filters>, size: Size, border: Border) -> Case {
    let mut sketch = Sketch::new(u64::from(size.width) + 3);
    let padded = FeatureShape { width: size.width, height: size.height, channels: 4 };
    let gradient = sketch.uniform(Tensor::NetworkInputGradient, padded.values(), -1.0, 0.5);
    let image = sketch.uniform(Tensor::Image, 3 * size.pixels(), 0.0, 1.0);
    let image_gradient = sketch.unwritten(Tensor::ImageGradient, 3 * size.pixels());
    sketch.check(Check::Array(image_gradient));
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let slot = sketch.uniform(Tensor::Coefficients, 6, 0.5, 3.0);
    let inverse_scale = sketch.uniform(Tensor::InverseGradientScale, 1, 0.5, 3.0);
    let losses = sketch.uniform(Tensor::LossValues, 3, 1.0, 2.0);
    sketch.check(Check::Each(losses));
    let normalisation = Normalisation::IMAGENET;
    let steps = vec![
        Step::NetworkInputBackward(NetworkInputBackward {
            gradient,
            image_gradient,
            inverse_scale,
            size,
            border,
            normalisation,
        }),
        Step::TotalVariation(TotalVariation {
            image,
            image_gradient,
            partials,
            coefficients: Coefficients { slot, loss: 2 },
            losses,
            size,
            wraps: false,
        }),
    ];
    sketch.finish_steps(format!("{size} {border:?}"), steps, filters, F32_REDUCTION)
}
