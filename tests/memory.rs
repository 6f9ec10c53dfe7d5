//! The memory that painting takes is known beforehand: the prediction against what sessions hold, on GPU and CPU.

use crate::common::gpu;
use impasto::{
    Device, Engine,
    gpu::{ForcedVariants, Variant},
    plan::{Pooling, Precision, Size},
    style::{Method, Outline, Recipe, ScalePlans, memory},
    weights::{Filters, Normalisation, Origin, generated},
};
use std::sync::Arc;

const PHOTOGRAPH: Size = Size { width: 97, height: 71 };
const PAINTING: Size = Size { width: 61, height: 83 };

fn recipe(size: u32, deepest: &str) -> Recipe {
    let deepest = deepest.parse().unwrap();
    Recipe {
        size,
        min_scale: size,
        content_layers: Recipe::content_layers_within(deepest, Origin::Network),
        style_layers: Recipe::style_layers_within(deepest, Origin::Network),
        ..Recipe::default()
    }
}

/// The most bytes that the sessions of a scale hold, when they are made and dropped in turn as in painting.
fn held(engine: &Engine, recipe: &Recipe) -> u64 {
    let plans = ScalePlans::last(engine, &Outline::simple(PHOTOGRAPH, PAINTING, recipe), recipe).unwrap();
    let sessions = plans.targets.iter().chain([&plans.iteration]);
    sessions.map(|planned| engine.session(planned.on_device(0)).unwrap().bytes()).max().unwrap()
}

/// `staged` says whether the host and the device copy to each other.
#[track_caller]
fn assert_predicted(engine: impl Fn(Filters) -> Engine, recipe: &Recipe, staged: bool) {
    let deepest = recipe.deepest().unwrap();
    let filters = Filters { origin: Origin::Network, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
    // Without filters: the prediction needs none loaded.
    let predicted = memory(&engine(filters), &Outline::simple(PHOTOGRAPH, PAINTING, recipe), recipe).unwrap();
    let held = held(&engine(generated(5, deepest)), recipe);
    assert_eq!(predicted.held(), held);
    assert_eq!(predicted.staging > 0, staged, "{predicted:?}");
    assert!(predicted.held() + predicted.staging < 2 * held, "{predicted:?}");
}

#[test]
fn a_gpu_holds_what_was_predicted() {
    let device = Device::Gpu(gpu());
    let engine = |precision, variant: Option<Variant>| {
        let device = &device;
        move |filters: Filters| {
            let engine = Engine::new(device, Arc::new(filters)).unwrap().with_precision(precision);
            engine.with_variants(variant.map_or(ForcedVariants::NONE, ForcedVariants::from))
        }
    };
    assert_predicted(engine(Precision::F32, None), &recipe(97, "relu4_1"), true);
    assert_predicted(engine(Precision::F16, None), &recipe(33, "relu3_3"), true);
    let winograd = engine(Precision::F16, Some(Variant::Winograd4));
    assert_predicted(winograd, &Recipe { pooling: Pooling::Average, ..recipe(64, "relu2_2") }, true);
    assert_predicted(engine(Precision::F16, None), &Recipe { method: Method::Lbfgs, ..recipe(60, "relu3_1") }, true);
    // The painting is taken four times as large.
    assert_predicted(engine(Precision::F32, None), &Recipe { style_scales: vec![4.0], ..recipe(20, "relu2_1") }, true);
}

#[test]
fn the_cpu_holds_what_was_predicted() {
    let engine = |filters: Filters| Engine::new(&Device::Cpu(None), Arc::new(filters)).unwrap();
    assert_predicted(engine, &recipe(97, "relu4_1"), false);
    assert_predicted(engine, &Recipe { method: Method::Lbfgs, ..recipe(40, "relu2_1") }, false);
    // Large enough for bands.
    let banded = recipe(320, "relu3_1");
    let plans = ScalePlans::last(
        &engine(generated(5, "relu3_1".parse().unwrap())),
        &Outline::simple(PHOTOGRAPH, PAINTING, &banded),
        &banded,
    );
    assert!(!plans.unwrap().iteration.plan().is_plain());
    assert_predicted(engine, &banded, false);
}
