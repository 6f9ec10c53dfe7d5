//! Convolutions: each of VGG19's shapes, odd sizes, one pixel, more rows than a tile or band has.

use super::*;
use crate::plan::{Conv3x3, Conv3x3Backward, Step};
use crate::tolerance::F32_CONVOLUTION;

const FORWARD: [(&str, u32, u32, bool); 14] = [
    ("relu1_1", 7, 5, true),
    ("relu1_1", 1, 4, false),
    ("relu1_1", 66, 35, true),
    ("relu1_2", 9, 6, true),
    ("relu1_2", 1, 1, true),
    ("relu1_2", 37, 29, true),
    ("relu2_1", 6, 7, false),
    ("relu2_2", 5, 8, true),
    ("relu2_2", 1, 9, false),
    ("relu3_1", 5, 4, true),
    ("relu3_2", 13, 10, true),
    ("relu4_1", 3, 2, true),
    ("relu4_2", 3, 3, false),
    ("relu4_2", 9, 5, true),
];

const BACKWARD: [(&str, u32, u32, Store); 16] = [
    ("relu1_1", 7, 5, PLAIN),
    ("relu1_1", 1, 4, PLAIN),
    ("relu1_1", 66, 35, PLAIN),
    ("relu1_2", 9, 6, MASKED),
    ("relu1_2", 1, 1, PLAIN),
    ("relu1_2", 37, 29, ADDED_AND_MASKED),
    ("relu2_1", 6, 7, PLAIN),
    ("relu2_2", 5, 8, ADDED),
    ("relu2_2", 1, 9, ADDED_AND_MASKED),
    ("relu3_1", 5, 4, PLAIN),
    ("relu3_2", 13, 10, MASKED),
    ("relu3_2", 6, 3, ADDED),
    ("relu4_1", 1, 1030, ADDED_AND_MASKED),
    ("relu4_1", 3, 2, PLAIN),
    ("relu4_2", 3, 3, MASKED),
    ("relu4_2", 9, 5, ADDED_AND_MASKED),
];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let forward = FORWARD.iter().map(|&(name, width, height, masked)| conv3x3(filters, name, width, height, masked));
    let backward =
        BACKWARD.iter().map(|&(name, width, height, store)| conv3x3_backward(filters, name, width, height, store));
    forward.chain(backward).collect()
}

/// 64 and 128 channels in and out, flags on and off, both directions, fewer and more pixels than a tile has.
pub(super) fn cooperative_cases(filters: &Arc<Filters>) -> Vec<Case> {
    vec![
        conv3x3(filters, "relu1_2", 9, 6, true),
        conv3x3(filters, "relu2_1", 17, 11, true),
        conv3x3(filters, "relu2_2", 3, 2, false),
        conv3x3_backward(filters, "relu1_2", 9, 6, ADDED_AND_MASKED),
        conv3x3_backward(filters, "relu2_1", 5, 4, PLAIN),
        conv3x3_backward(filters, "relu2_2", 17, 11, MASKED),
    ]
}

/// What a layer reads: the slot's meaning and its channels.
fn input(of: Layer) -> (Tensor, Tensor, u32) {
    match of.below() {
        None => (Tensor::NetworkInput, Tensor::NetworkInputGradient, 4),
        Some(_) if of.is_after_pooling() => (Tensor::Pooled(of), Tensor::PooledGradient(of), of.input_channels()),
        Some(below) => (Tensor::Features(below), Tensor::Gradient(below), of.input_channels()),
    }
}

fn conv3x3(filters: &Arc<Filters>, name: &str, width: u32, height: u32, masked: bool) -> Case {
    let of = layer(name);
    let shape = shape(of, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height));
    let (tensor, _, channels) = input(of);
    let from = shape.with_channels(channels);
    // The network input's halo is that of a replicated border, and its fourth channel is zero.
    let input = if of == Layer::FIRST {
        let mut values = sketch.random.uniform_values(from.values(), -2.0, 2.5);
        values.iter_mut().skip(3).step_by(4).for_each(|value| *value = 0.0);
        Map::whole(sketch.numbers(tensor, values))
    } else {
        sketch.map(tensor, from, -0.5, 1.0)
    };
    let output = sketch.unwritten_map(Tensor::Features(of), shape);
    sketch.check(Check::Array(output.slot));
    let rows = Rows::all(shape);
    let mask = masked.then(|| {
        let mask = sketch.unwritten(Tensor::ReluMask(of), shape.mask_words());
        sketch.check(Check::MaskOf { mask, output: output.slot, shape, rows });
        mask
    });
    let step = Step::Conv3x3(Conv3x3 { layer: of, input, output, mask, shape, rows });
    let variant = if masked { ", mask kept" } else { "" };
    sketch.finish(format!("{name} {width}x{height}{variant}"), step, filters, F32_CONVOLUTION)
}

fn conv3x3_backward(filters: &Arc<Filters>, name: &str, width: u32, height: u32, store: Store) -> Case {
    let of = layer(name);
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 1);
    let (_, tensor, channels) = input(of);
    let shape = shape(of, width, height).with_channels(channels);
    let gradient = sketch.map(Tensor::Gradient(of), shape.with_channels(of.output_channels()), -1.0, 0.75);
    let into = store.destination(&mut sketch, tensor, of.below().unwrap_or(of), shape);
    let rows = Rows::all(shape);
    let step = Step::Conv3x3Backward(Conv3x3Backward { layer: of, gradient, into, shape, rows });
    sketch.finish(format!("{name} {width}x{height} {store}"), step, filters, F32_CONVOLUTION)
}
