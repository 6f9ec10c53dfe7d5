//! Half precision: as good a picture as in f32, and a change to f32 when a value does not fit.

use crate::common::{distance, gpu, layer, shared, weighted};
use impasto::{
    Device, Engine,
    picture::{Picture, fit_long_side},
    plan::{Precision, Representation, Size},
    style::{Event, Inputs, Method, Outline, Recipe, ScalePlans, evaluate, features, memory, stylize},
    tolerance,
    weights::{Filters, Format, generated, load},
};
use std::sync::Arc;

/// The GPU's engine in a precision.
fn engine(filters: &Arc<Filters>, precision: Precision) -> Engine {
    let engine = Engine::new(&Device::Gpu(gpu()), filters.clone()).unwrap().with_precision(precision);
    assert_eq!(engine.precision(), precision, "the driver has half precision");
    engine
}

fn shallow_recipe(side: u32, iterations: u32) -> Recipe {
    Recipe {
        size: side,
        min_scale: side,
        iterations,
        first_iterations: iterations,
        content_layers: weighted(&["relu2_2"]),
        style_layers: weighted(&["relu1_1", "relu2_1", "relu3_1"]),
        method: Method::Adam,
        ..Recipe::default()
    }
}

/// A run's picture, the iterations it reported, and the one after which it left f16.
struct Run {
    picture: Picture,
    iterations: Vec<u32>,
    left: Option<u32>,
}

fn paint(engine: &Engine, content: &Picture, style: &Picture, recipe: &Recipe) -> Run {
    let (mut iterations, mut left) = (Vec::new(), None);
    let picture =
        stylize(engine, &Inputs::new(content.clone(), style.clone()), recipe, None, &mut |event| match event {
            Event::Iteration { iteration, .. } => iterations.push(iteration),
            Event::OutOfRange { iteration } => left = Some(iteration),
            _ => {}
        })
        .unwrap();
    Run { picture, iterations, left }
}

/// The total loss of a picture, by the CPU back end.
fn total(filters: &Arc<Filters>, content: &Picture, style: &Picture, painted: &Picture, recipe: &Recipe) -> f64 {
    let engine = Engine::new(&Device::Cpu(None), filters.clone()).unwrap();
    let style = style.resize(fit_long_side(style.size(), recipe.size));
    evaluate(&engine, &Inputs::new(content.resize(painted.size()), style.clone()), painted, recipe).unwrap().loss.total
}

fn compare_ends(filters: &Arc<Filters>, content: &Picture, style: &Picture, recipe: &Recipe) {
    let end = |precision| {
        let run = paint(&engine(filters, precision), content, style, recipe);
        assert_eq!(run.left, None);
        total(filters, content, style, &run.picture, recipe)
    };
    let (f32, f16) = (end(Precision::F32), end(Precision::F16));
    assert!((f16 / f32 - 1.0).abs() <= tolerance::F16_END, "f16 ends at {f16}, f32 at {f32}");
    let start = total(filters, content, style, &content.resize(fit_long_side(content.size(), recipe.size)), recipe);
    assert!(f32 < 0.7 * start, "{f32} after {start}: the run is too short to compare");
}

#[test]
fn f16_ends_where_f32_ends() {
    let filters = Arc::new(generated(3, layer("relu3_1")));
    let (content, style) =
        (Picture::noise(Size { width: 45, height: 37 }, 1), Picture::noise(Size { width: 31, height: 48 }, 2));
    compare_ends(&filters, &content, &style, &shallow_recipe(45, 30));
}

#[test]
fn f16_ends_where_f32_ends_on_a_photograph() {
    let Some(shared) = shared() else { return };
    let filters =
        load(&shared.join("weights/vgg19-hybrid-f16.safetensors"), Format::Torchvision, layer("relu5_1")).unwrap();
    let content = Picture::open(shared.join("images/tubingen.jpg")).unwrap();
    let style = Picture::open(shared.join("images/starry_night.jpg")).unwrap();
    let recipe =
        Recipe { size: 64, min_scale: 64, first_iterations: 25, margin: 0, method: Method::Adam, ..Recipe::default() };
    compare_ends(&Arc::new(filters), &content, &style, &recipe);
}

#[test]
fn gradients_neither_vanish_nor_overflow() {
    let filters = Arc::new(generated(3, layer("relu3_1")));
    let (content, style) =
        (Picture::noise(Size { width: 45, height: 37 }, 1), Picture::noise(Size { width: 31, height: 48 }, 2));
    let start = Picture::noise(content.size(), 3);
    // From a gradient that f16 would round to zero to one too large for it.
    for weight in [1e-12, 1.0, 1e15] {
        let recipe = Recipe { content_weight: weight, style_weight: weight, tv_weight: 0.0, ..shallow_recipe(45, 1) };
        let gradient = |precision| {
            evaluate(&engine(&filters, precision), &Inputs::new(content.clone(), style.clone()), &start, &recipe)
                .unwrap()
                .gradient
        };
        let (exact, half) = (gradient(Precision::F32), gradient(Precision::F16));
        let apart = distance(&half, &exact);
        assert!(apart <= tolerance::F16_GRADIENT, "{weight}: {apart}");
    }
}

/// The engine with less memory than the whole picture takes, so that it is painted in windows.
fn in_windows(engine: Engine, inputs: [Size; 2], recipe: &Recipe) -> Engine {
    let outline = Outline::simple(inputs[0], inputs[1], recipe);
    let whole = memory(&engine, &outline, recipe).unwrap().on(&engine);
    let engine = engine.with_memory(Some(whole - 1));
    let plans = ScalePlans::last(&engine, &outline, recipe).unwrap();
    assert!(plans.iteration.windows().is_some_and(|cover| cover.gradients.len() > 1), "{whole} bytes");
    assert_eq!(plans.iteration.precision(), recipe.precision(engine.precision()));
    engine
}

#[test]
fn windows_in_f16_end_where_f32_ends() {
    let filters = Arc::new(generated(3, layer("relu2_1")));
    let (content, style) =
        (Picture::noise(Size { width: 95, height: 78 }, 1), Picture::noise(Size { width: 31, height: 48 }, 2));
    let recipe = Recipe {
        content_layers: weighted(&["relu1_2"]),
        style_layers: weighted(&["relu1_1", "relu2_1"]),
        margin: 0,
        ..shallow_recipe(95, 12)
    };
    let end = |engine: &Engine| {
        let run = paint(engine, &content, &style, &recipe);
        assert_eq!((run.left, run.iterations.len()), (None, 12));
        total(&filters, &content, &style, &run.picture, &recipe)
    };
    let half = in_windows(engine(&filters, Precision::F16), [content.size(), style.size()], &recipe);
    let (exact, half) = (end(&engine(&filters, Precision::F32)), end(&half));
    assert!((half / exact - 1.0).abs() <= tolerance::F16_END, "windows in f16 end at {half}, f32 at {exact}");
}

#[test]
fn windows_whose_features_f16_cannot_hold_are_made_in_f32() {
    let filters = loud(1e6);
    let (content, style) =
        (Picture::noise(Size { width: 95, height: 78 }, 1), Picture::noise(Size { width: 31, height: 48 }, 2));
    let recipe = Recipe { margin: 0, style_layers: weighted(&["relu1_1"]), ..shallow_recipe(95, 2) };
    let recipe = Recipe { content_layers: weighted(&["relu1_2"]), ..recipe };
    let half = in_windows(engine(&filters, Precision::F16), [content.size(), style.size()], &recipe);
    let half = paint(&half, &content, &style, &recipe);
    assert_eq!((half.left, half.iterations.as_slice()), (Some(0), &[1, 2][..]));
    assert!(half.picture.pixels().iter().all(|value| value.is_finite()) && half.picture != content);
}

/// Filters whose features are larger by the given factor in the first layer, and so in all above.
fn loud(factor: f32) -> Arc<Filters> {
    let mut filters = generated(3, layer("relu3_1"));
    let first = &mut filters.layers[0];
    first.weight.iter_mut().chain(&mut first.bias).for_each(|value| *value *= factor);
    Arc::new(filters)
}

#[test]
fn features_that_f16_cannot_hold_are_made_in_f32_from_the_start() {
    let filters = loud(1e6);
    let (content, style) =
        (Picture::noise(Size { width: 24, height: 19 }, 1), Picture::noise(Size { width: 21, height: 28 }, 2));
    let recipe = shallow_recipe(24, 4);
    let half = paint(&engine(&filters, Precision::F16), &content, &style, &recipe);
    let exact = paint(&engine(&filters, Precision::F32), &content, &style, &recipe);
    assert_eq!((half.left, exact.left), (Some(0), None));
    assert_eq!(half.picture, exact.picture);
    assert_eq!(half.iterations, [1, 2, 3, 4]);
}

#[test]
fn what_f16_cannot_hold_is_infinite_and_no_nan() {
    let filters = loud(3e4);
    let picture = Picture::noise(Size { width: 13, height: 9 }, 1);
    let engine = engine(&filters, Precision::F16);
    let recipe = Recipe::default();
    let wanted = ["relu1_1", "relu1_2"].map(|name| Representation::Features(layer(name)));
    let seen = features(&engine, Precision::F16, &picture, recipe.border, recipe.pooling, &wanted).unwrap();
    for features in &seen {
        assert!(features.iter().any(|value| value.is_infinite()) && !features.iter().any(|value| value.is_nan()));
    }
    assert!(seen[0].iter().any(|value| value.is_finite() && *value > 0.0), "too loud to tell");
}

#[test]
fn features_that_grow_too_large_on_the_way_go_on_in_f32() {
    let size = Size { width: 24, height: 19 };
    // A faint picture, whose features fit in f16, and steps that turn it into a stark one, whose features do not.
    let faint = |seed| {
        let mut picture = Picture::noise(size, seed);
        picture.pixels_mut().iter_mut().for_each(|value| *value = 0.45 + 0.05 * *value);
        picture
    };
    let (content, style) = (faint(1), faint(2));
    let recipe = Recipe { learning_rate: Some(0.15), style_weight: 100.0, ..shallow_recipe(24, 12) };
    let quiet = loud(1.0);
    let largest = |filters: &Arc<Filters>, picture: &Picture| {
        let wanted = [Representation::Features(layer("relu3_1"))];
        let engine = Engine::new(&Device::Cpu(None), filters.clone()).unwrap();
        let (border, pooling) = (recipe.border, recipe.pooling);
        let seen = features(&engine, Precision::F32, picture, border, pooling, &wanted).unwrap();
        seen[0].iter().copied().fold(0.0, f32::max)
    };
    let most = largest(&quiet, &content).max(largest(&quiet, &style));
    let filters = loud(50_000.0 / most);
    let half = paint(&engine(&filters, Precision::F16), &content, &style, &recipe);
    let exact = paint(&engine(&filters, Precision::F32), &content, &style, &recipe);
    assert!(half.left.is_some_and(|iteration| iteration > 0), "left after {:?}", half.left);
    assert_eq!(half.iterations, exact.iterations);
    let end = |run: &Run| total(&filters, &content, &style, &run.picture, &recipe);
    let (half, exact) = (end(&half), end(&exact));
    assert!(half.is_finite() && (half / exact - 1.0).abs() < 0.2, "{half} after f16, {exact} in f32 alone");
}

#[test]
fn lbfgs_works_in_f32() {
    let filters = Arc::new(generated(3, layer("relu3_1")));
    let size = Size { width: 24, height: 19 };
    let (content, style) = (Picture::noise(size, 1), Picture::noise(size, 2));
    let recipe = Recipe { method: Method::Lbfgs, learning_rate: None, ..shallow_recipe(24, 3) };
    let half = paint(&engine(&filters, Precision::F16), &content, &style, &recipe);
    let exact = paint(&engine(&filters, Precision::F32), &content, &style, &recipe);
    assert_eq!(half.picture, exact.picture);
}
