//! Network input and total variation: both borders, one pixel, one row, one column.

use super::*;
use crate::plan::{
    Border, Coefficients, NetworkInput, NetworkInputBackward, REDUCTION_GROUPS, Size, Step, TotalVariation,
};
use crate::tolerance::{F32_POINTWISE, F32_REDUCTION};
use crate::weights::Normalisation;

const INPUTS: [(u32, u32, Border, Normalisation); 6] = [
    (7, 5, Border::Zero, Normalisation::IMAGENET),
    (7, 5, Border::Replicate, Normalisation::CAFFE),
    (1, 6, Border::Replicate, Normalisation::IMAGENET),
    (5, 1, Border::Replicate, Normalisation::IMAGENET),
    (1, 1, Border::Replicate, Normalisation::IMAGENET),
    (130, 33, Border::Zero, Normalisation::CAFFE),
];

const VARIATIONS: [(u32, u32); 5] = [(7, 5), (1, 6), (6, 1), (1, 1), (130, 33)];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (width, height, border, normalisation) in INPUTS {
        let size = Size { width, height };
        cases.push(network_input(filters, size, border, normalisation));
        cases.push(network_input_backward(filters, size, border, normalisation));
    }
    for (width, height) in VARIATIONS {
        cases.push(total_variation(filters, Size { width, height }));
    }
    cases
}

/// More pixels than 65,535 workgroups of 64 can handle.
pub(super) fn large_cases(filters: &Arc<Filters>) -> Vec<Case> {
    let (size, border) = (Size { width: 2053, height: 2047 }, Border::Replicate);
    vec![
        network_input(filters, size, border, Normalisation::IMAGENET),
        network_input_backward(filters, size, border, Normalisation::IMAGENET),
    ]
}

fn padded(size: Size) -> FeatureShape {
    FeatureShape { width: size.width, height: size.height, channels: 4 }
}

fn network_input(filters: &Arc<Filters>, size: Size, border: Border, normalisation: Normalisation) -> Case {
    let mut sketch = Sketch::new(u64::from(size.width));
    let image = sketch.uniform(Tensor::Image, 3 * size.pixels(), 0.0, 1.0);
    let output = sketch.unwritten(Tensor::NetworkInput, padded(size).values());
    sketch.check(Check::Array(output));
    let step = Step::NetworkInput(NetworkInput { image, output, size, border, normalisation });
    sketch.finish(format!("{size} {border:?}"), step, filters, F32_POINTWISE)
}

fn network_input_backward(filters: &Arc<Filters>, size: Size, border: Border, normalisation: Normalisation) -> Case {
    let mut sketch = Sketch::new(u64::from(size.width) + 1);
    let gradient = sketch.uniform(Tensor::NetworkInputGradient, padded(size).values(), -1.0, 0.5);
    let image_gradient = sketch.unwritten(Tensor::ImageGradient, 3 * size.pixels());
    sketch.check(Check::Array(image_gradient));
    let inverse_scale = sketch.uniform(Tensor::InverseGradientScale, 1, 0.5, 3.0);
    let step = NetworkInputBackward { gradient, image_gradient, inverse_scale, size, border, normalisation };
    let step = Step::NetworkInputBackward(step);
    sketch.finish(format!("{size} {border:?}"), step, filters, F32_POINTWISE)
}

fn total_variation(filters: &Arc<Filters>, size: Size) -> Case {
    let mut sketch = Sketch::new(u64::from(size.width) + 2);
    let image = sketch.uniform(Tensor::Image, 3 * size.pixels(), 0.0, 1.0);
    let image_gradient = sketch.uniform(Tensor::ImageGradient, 3 * size.pixels(), -0.5, 0.25);
    sketch.check(Check::Array(image_gradient));
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let coefficients = Coefficients { slot: sketch.uniform(Tensor::Coefficients, 6, 0.5, 3.0), loss: 2 };
    let losses = sketch.uniform(Tensor::LossValues, 3, 1.0, 2.0);
    sketch.check(Check::Each(losses));
    let step = Step::TotalVariation(TotalVariation { image, image_gradient, partials, coefficients, losses, size });
    sketch.finish(format!("{size}"), step, filters, F32_REDUCTION)
}
