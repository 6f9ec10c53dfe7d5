//! Poolings: odd sizes, ties, a single block.

use super::*;
use crate::plan::{AveragePool, AveragePoolBackward, MaxPool, MaxPoolBackward, Step};
use crate::tolerance::F32_POINTWISE;

const FORWARD: [(&str, u32, u32); 5] =
    [("relu2_1", 9, 7), ("relu2_1", 2, 2), ("relu3_1", 3, 2), ("relu4_1", 8, 6), ("relu5_1", 5, 3)];

const BACKWARD: [(&str, u32, u32, Store); 6] = [
    ("relu2_1", 9, 7, MASKED),
    ("relu2_1", 2, 2, PLAIN),
    ("relu3_1", 3, 2, ADDED),
    ("relu3_1", 2, 5, ADDED_AND_MASKED),
    ("relu4_1", 8, 6, MASKED),
    ("relu5_1", 5, 3, ADDED_AND_MASKED),
];

pub(super) fn cases(filters: &Arc<Filters>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, width, height) in FORWARD {
        cases.push(max_pool(filters, name, width, height, true));
        cases.push(average_pool(filters, name, width, height));
    }
    cases.push(max_pool(filters, "relu2_1", 11, 4, false));
    for (name, width, height, store) in BACKWARD {
        cases.push(max_pool_backward(filters, name, width, height, store));
        cases.push(average_pool_backward(filters, name, width, height, store));
    }
    cases
}

/// The layer below the pooling and the shape of its output.
fn below(above: Layer, width: u32, height: u32) -> (Layer, FeatureShape) {
    let below = above.below().expect("the table names layers after a pooling");
    (below, shape(below, width, height))
}

fn max_pool(filters: &Arc<Filters>, name: &str, width: u32, height: u32, keeps_winners: bool) -> Case {
    let above = layer(name);
    let (below, shape) = below(above, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height));
    // Few distinct values, so that there are ties; many zeros, as after a ReLU.
    let mut values = vec![0.0; shape.values()];
    let channels = shape.channels as usize;
    for (y, x) in (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
        for value in &mut values[shape.pixel(x, y) * channels..][..channels] {
            *value = sketch.random.below(6).saturating_sub(2) as f32 / 4.0;
        }
    }
    let input = Map::whole(sketch.numbers(Tensor::Features(below), values));
    let output = sketch.unwritten_map(Tensor::Pooled(above), shape.pooled());
    sketch.check(Check::Array(output.slot));
    let rows = Rows::all(shape.pooled());
    let winners = keeps_winners.then(|| {
        let winners = sketch.unwritten(Tensor::PoolWinners(above), shape.pooled().winner_words());
        sketch.check(Check::Words(winners));
        winners
    });
    let step = Step::MaxPool(MaxPool { input, output, winners, shape, rows });
    let variant = if keeps_winners { ", winners kept" } else { "" };
    sketch.finish(format!("below {name} {width}x{height}{variant}"), step, filters, 0.0)
}

fn max_pool_backward(filters: &Arc<Filters>, name: &str, width: u32, height: u32, store: Store) -> Case {
    let above = layer(name);
    let (below, shape) = below(above, width, height);
    let pooled = shape.pooled();
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 1);
    let gradient = sketch.map(Tensor::PooledGradient(above), pooled, -1.0, 0.75);
    let winners = sketch.bits(Tensor::PoolWinners(above), pooled, pooled.channels.div_ceil(16) as usize);
    let into = store.destination(&mut sketch, Tensor::Gradient(below), below, shape);
    let step = Step::MaxPoolBackward(MaxPoolBackward { gradient, winners, into, shape, rows: Rows::all(shape) });
    sketch.finish(format!("below {name} {width}x{height} {store}"), step, filters, F32_POINTWISE)
}

fn average_pool(filters: &Arc<Filters>, name: &str, width: u32, height: u32) -> Case {
    let above = layer(name);
    let (below, shape) = below(above, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 2);
    let input = sketch.map(Tensor::Features(below), shape, -0.5, 1.0);
    let output = sketch.unwritten_map(Tensor::Pooled(above), shape.pooled());
    sketch.check(Check::Array(output.slot));
    let step = Step::AveragePool(AveragePool { input, output, shape, rows: Rows::all(shape.pooled()) });
    sketch.finish(format!("below {name} {width}x{height}"), step, filters, F32_POINTWISE)
}

fn average_pool_backward(filters: &Arc<Filters>, name: &str, width: u32, height: u32, store: Store) -> Case {
    let above = layer(name);
    let (below, shape) = below(above, width, height);
    let mut sketch = Sketch::new(u64::from(width * 100 + height) + 3);
    let gradient = sketch.map(Tensor::PooledGradient(above), shape.pooled(), -1.0, 0.75);
    let into = store.destination(&mut sketch, Tensor::Gradient(below), below, shape);
    let step = Step::AveragePoolBackward(AveragePoolBackward { gradient, into, shape, rows: Rows::all(shape) });
    sketch.finish(format!("below {name} {width}x{height} {store}"), step, filters, F32_POINTWISE)
}
