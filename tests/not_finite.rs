//! Values that f32 cannot hold show in the loss on every device: no back end turns a NaN into a number.

use crate::common::{gpu, layer, network, weighted};
use impasto::{
    Device, Engine, Session, cpu,
    gpu::{self, DeviceFilters},
    picture::Picture,
    plan::{
        self, MaxPool, Plan, Pooling, Precision, Routine, Rows, Size, Slot, SlotId, Step, Tensor, Term, share_buffers,
    },
    read_values, reference,
    style::{Inputs, Reason, Recipe, Scaling, evaluate},
    weights::generated,
    write_values,
};
use std::sync::Arc;

#[test]
fn filters_whose_features_overflow_give_no_finite_loss() {
    let mut filters = generated(5, layer("relu2_1"));
    filters.layers.iter_mut().flat_map(|layer| &mut layer.weight).for_each(|weight| *weight *= 1e30);
    let filters = Arc::new(filters);
    let size = Size { width: 23, height: 17 };
    let [content, style, image] = [1, 2, 3].map(|seed| Picture::noise(size, seed));
    for device in [Device::Cpu(None), Device::Reference, Device::Gpu(gpu())] {
        let engine = Engine::new(&device, filters.clone()).unwrap();
        for deepest in ["relu1_1", "relu1_2", "relu2_1"] {
            for (pooling, scaling) in [(Pooling::Max, Scaling::Relative), (Pooling::Average, Scaling::Mse)] {
                let recipe = Recipe {
                    content_layers: weighted(&[deepest]),
                    style_layers: weighted(&["relu1_1"]),
                    pooling,
                    scaling,
                    ..Recipe::default()
                };
                match evaluate(&engine, &Inputs::new(content.clone(), style.clone()), &image, &recipe) {
                    Ok(evaluation) => {
                        let content = evaluation.values.get(Term::Content(layer(deepest))).unwrap();
                        assert!(!content.is_finite(), "{}: {content} at {deepest}", engine.name());
                        assert!(!evaluation.loss.is_finite());
                    }
                    Err(Reason::NotFinite { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}

/// A plan of one max pooling.
fn max_pool(size: Size) -> Plan {
    let below = layer("relu1_2");
    let shape = plan::FeatureShape::of_layer(below, size);
    let (input, output) = (plan::Map::whole(SlotId(0)), plan::Map::whole(SlotId(1)));
    let step = Step::MaxPool(MaxPool { input, output, winners: None, shape, rows: Rows::all(shape.pooled()) });
    let slot = |tensor, words| Slot { tensor, words, persistent: true, per_band: false, buffer: 0 };
    let mut slots = vec![
        slot(Tensor::Features(below), shape.values()),
        slot(Tensor::Pooled(layer("relu2_1")), shape.pooled().values()),
    ];
    let steps = vec![step];
    let buffers = share_buffers(&mut slots, &steps, &[]);
    let routines = vec![(Routine::Features, 0..1)];
    let (window, precision, terms) = (network(size).window, Precision::F32, Vec::new());
    Plan { window, precision, terms, slots, buffers, steps, routines, segments: Vec::new() }
}

#[test]
fn a_max_pooling_keeps_a_nan_wherever_it_stands() {
    let size = Size { width: 5, height: 4 };
    let plan = max_pool(size);
    let shape = plan::FeatureShape::of_layer(layer("relu1_2"), size);
    let filters = Arc::new(generated(5, layer("relu1_2")));
    let sessions: [(&str, Box<dyn Session>); 3] = [
        ("CPU", Box::new(cpu::Session::new(&plan, &filters, None).unwrap())),
        ("reference", Box::new(reference::Session::new(&plan, &filters).unwrap())),
        (
            "GPU",
            Box::new(
                gpu::Session::new(&gpu(), plan.clone(), &DeviceFilters::new(&filters), &gpu::ForcedVariants::NONE)
                    .unwrap(),
            ),
        ),
    ];
    for (name, mut session) in sessions {
        for (x, y) in [(2, 0), (3, 0), (2, 1), (3, 1)] {
            for nan in [f32::NAN, -f32::NAN] {
                let mut values = vec![0.5; shape.values()];
                values[shape.pixel(x, y) * 64 + 37] = nan;
                write_values(session.as_mut(), SlotId(0), &values).unwrap();
                session.run(Routine::Features).unwrap();
                let pooled = read_values(session.as_mut(), SlotId(1)).unwrap();
                let nans: Vec<usize> = (0..pooled.len()).filter(|&index| pooled[index].is_nan()).collect();
                assert_eq!(nans, [shape.pooled().pixel(1, 0) * 64 + 37], "{name} with a NaN at ({x}, {y})");
            }
        }
    }
}
