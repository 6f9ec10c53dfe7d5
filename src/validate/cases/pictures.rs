//! Network input, losses of the picture itself, and halos: all borders, one pixel, one row, one column.

use super::*;
use crate::plan::{
    Border, Coefficients, EdgeLoss, FreezePixels, NetworkInput, NetworkInputBackward, REDUCTION_GROUPS, Size, Step,
    Term, TotalVariation, WrapHalo,
};
use crate::tolerance::{F32_POINTWISE, F32_REDUCTION};
use crate::weights::Normalisation;

const INPUTS: [(u32, u32, Border, Normalisation); 8] = [
    (7, 5, Border::Zero, Normalisation::IMAGENET),
    (7, 5, Border::Replicate, Normalisation::CAFFE),
    (1, 6, Border::Replicate, Normalisation::IMAGENET),
    (5, 1, Border::Replicate, Normalisation::IMAGENET),
    (1, 1, Border::Replicate, Normalisation::IMAGENET),
    (130, 33, Border::Zero, Normalisation::CAFFE),
    (7, 5, Border::Wrap, Normalisation::IMAGENET),
    (1, 3, Border::Wrap, Normalisation::CAFFE),
];

const VARIATIONS: [(u32, u32); 5] = [(7, 5), (1, 6), (6, 1), (1, 1), (130, 33)];

/// Fewer pixels than a cell, single cells in a row, incomplete ones at the edges.
const EDGES: [(u32, u32); 5] = [(3, 9), (4, 4), (21, 4), (6, 19), (131, 33)];

const HALOS: [(&str, u32, u32); 4] = [("relu1_1", 13, 9), ("relu2_1", 1, 7), ("relu3_1", 6, 1), ("relu1_2", 1, 1)];

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
    for (width, height) in EDGES {
        let size = Size { width, height };
        cases.push(edge_loss(filters, size));
        cases.push(freeze_pixels(filters, size));
    }
    cases.extend(HALOS.map(|(name, width, height)| wrap_halo(filters, name, width, height)));
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

fn edge_loss(filters: &Arc<Filters>, size: Size) -> Case {
    let cells = 3 * EdgeLoss::cells(size).pixels();
    let mut sketch = Sketch::new(u64::from(size.width) + 3);
    let image = sketch.uniform(Tensor::Image, 3 * size.pixels(), 0.0, 1.0);
    let target = sketch.uniform(Tensor::Target(Term::Edges), cells, -0.5, 0.75);
    let difference = sketch.unwritten(Tensor::EdgeDifference, cells);
    let image_gradient = sketch.uniform(Tensor::ImageGradient, 3 * size.pixels(), -0.5, 0.25);
    sketch.check(Check::Array(image_gradient));
    let partials = sketch.unwritten(Tensor::Partials, REDUCTION_GROUPS);
    let coefficients = Coefficients { slot: sketch.uniform(Tensor::Coefficients, 6, 0.5, 3.0), loss: 1 };
    let losses = sketch.uniform(Tensor::LossValues, 3, 1.0, 2.0);
    sketch.check(Check::Each(losses));
    let step = EdgeLoss { image, target, difference, image_gradient, partials, coefficients, losses, size };
    sketch.finish(format!("{size}"), Step::EdgeLoss(step), filters, F32_REDUCTION)
}

fn freeze_pixels(filters: &Arc<Filters>, size: Size) -> Case {
    let mut sketch = Sketch::new(u64::from(size.height) + 4);
    let image_gradient = sketch.uniform(Tensor::ImageGradient, 3 * size.pixels(), -0.5, 0.25);
    sketch.check(Check::Array(image_gradient));
    let freedom = sketch.uniform(Tensor::Freedom, size.pixels(), -1.0, 1.0);
    sketch.change(freedom, |value| if value > 0.0 { 1.0 } else { 0.0 });
    let step = Step::FreezePixels(FreezePixels { image_gradient, freedom, pixels: size.pixels() });
    sketch.finish(format!("{size}"), step, filters, F32_POINTWISE)
}

fn wrap_halo(filters: &Arc<Filters>, name: &str, width: u32, height: u32) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let mut sketch = Sketch::new(u64::from(width * 10 + height) + 5);
    let map = sketch.map(Tensor::Features(of), shape, -1.0, 0.5).slot;
    sketch.check(Check::Array(map));
    sketch.finish(format!("{name} {width}x{height}"), Step::WrapHalo(WrapHalo { map, shape }), filters, 0.0)
}
