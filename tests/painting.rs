//! A painting as an object: driven by polls, changed and saved between iterations, resumed as if never interrupted.

use crate::common::{CheckpointFolder, layer, with_version};
use impasto::{
    Device, DeviceChoice, Engine,
    picture::{Mask, Picture},
    plan::{Precision, Size, Statistic},
    style::{
        ChangeError, Checkpoint, CheckpointError, Event, Init, Input, Inputs, Method, Painting, Recipe, Status,
        WeightedLayer, stylize,
    },
    weights::{Filters, generated},
};
use std::sync::Arc;

const SIZE: Size = Size { width: 24, height: 18 };

fn filters() -> Arc<Filters> {
    Arc::new(generated(11, layer("relu2_1")))
}

fn cpu() -> Engine {
    Engine::new(&Device::Cpu(None), filters()).unwrap()
}

/// The first GPU, or a driver that stands in for one, if there is any.
fn gpu(precision: Precision) -> Option<Engine> {
    let device = Device::open(&DeviceChoice::Index(0), None, None, &mut |_| {}).ok()?;
    let can = precision == Precision::F32 || device.has_f16();
    can.then(|| Engine::new(&device, filters()).unwrap().with_precision(precision))
}

/// Every way to compute on this machine.
fn engines() -> Vec<Engine> {
    let gpus = [Precision::F32, Precision::F16].into_iter().filter_map(gpu);
    [cpu()].into_iter().chain(gpus).collect()
}

fn content() -> Picture {
    Picture::noise(SIZE, 1)
}

fn style() -> Picture {
    Picture::noise(Size { width: 27, height: 22 }, 2)
}

fn weighted(names: &[&str]) -> Vec<WeightedLayer> {
    names.iter().map(|name| WeightedLayer { layer: layer(name), weight: 1.0 }).collect()
}

fn recipe(method: Method) -> Recipe {
    Recipe {
        size: 24,
        min_scale: 12,
        first_iterations: 7,
        iterations: 6,
        content_layers: weighted(&["relu2_1"]),
        style_layers: weighted(&["relu1_1", "relu2_1"]),
        method,
        ..Recipe::default()
    }
}

fn painting(engine: &Engine, recipe: &Recipe) -> Painting {
    Painting::new(engine, Inputs::new(content(), style()), recipe.clone()).unwrap()
}

fn paint(engine: &Engine, recipe: &Recipe) -> Picture {
    finish(painting(engine, recipe))
}

fn finish(mut painting: Painting) -> Picture {
    while painting.wait().unwrap() != Status::Done {}
    painting.picture().unwrap().unwrap()
}

/// Works until an iteration of a scale is reported.
fn work_until(painting: &mut Painting, scale: usize, iteration: u32) {
    while painting.scale() < scale || painting.scale() == scale && painting.iteration() < iteration {
        assert_ne!(painting.wait().unwrap(), Status::Done, "scale {scale}, iteration {iteration} never came");
    }
}

fn apart(a: &Picture, b: &Picture) -> f32 {
    assert_eq!(a.size(), b.size());
    a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn polling_waiting_and_stylize_give_the_same_picture() {
    for engine in engines() {
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = recipe(method);
            let expected = stylize(&engine, &Inputs::new(content(), style()), &recipe, None, &mut |_| {}).unwrap();
            let mut polled = painting(&engine, &recipe);
            let mut iterations = Vec::new();
            loop {
                let status = polled.advance().unwrap();
                while let Some(event) = polled.next_event() {
                    if let Event::Iteration { size, iteration, .. } = event {
                        iterations.push((size.width, iteration));
                    }
                }
                if status == Status::Done {
                    break;
                }
            }
            assert!(polled.picture().unwrap().unwrap() == expected, "{method:?} on {}", engine.name());
            let all = [12, 17, 24]
                .into_iter()
                .flat_map(|width| (1..=if width == 12 { 7 } else { 6 }).map(move |i| (width, i)));
            assert_eq!(iterations, all.collect::<Vec<_>>(), "{method:?} on {}", engine.name());
        }
    }
}

#[test]
fn a_painting_that_was_saved_goes_on_to_the_same_bits() {
    for engine in engines() {
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = recipe(method);
            let expected = paint(&engine, &recipe);
            for (scale, iteration) in [(0, 0), (0, 1), (1, 4), (2, 0), (2, 5)] {
                let folder = CheckpointFolder::new();
                let mut first = painting(&engine, &recipe);
                work_until(&mut first, scale, iteration);
                first.save(&folder.file()).unwrap();
                drop(first);
                let mut second = Painting::load(&engine, Inputs::new(content(), style()), &folder.file()).unwrap();
                assert!(second.scale() >= scale);
                // And once more, before it was looked at.
                second.save(&folder.file()).unwrap();
                let second = Painting::load(&engine, Inputs::new(content(), style()), &folder.file()).unwrap();
                assert!(
                    finish(second) == expected,
                    "{method:?} on {} in {}, saved at scale {scale}, iteration {iteration}",
                    engine.name(),
                    engine.precision()
                );
            }
        }
    }
}

#[test]
fn saving_and_looking_on_the_way_change_nothing() {
    for method in [Method::Adam, Method::Lbfgs] {
        let (engine, recipe, folder) = (cpu(), recipe(method), CheckpointFolder::new());
        let expected = paint(&engine, &recipe);
        let mut watched = painting(&engine, &recipe);
        while watched.wait().unwrap() != Status::Done {
            watched.save(&folder.file()).unwrap();
            watched.picture().unwrap();
        }
        assert!(watched.picture().unwrap().unwrap() == expected, "{method:?}");
        // The last save has the whole picture.
        watched.save(&folder.file()).unwrap();
        let loaded = Painting::load(&engine, Inputs::new(content(), style()), &folder.file()).unwrap();
        assert!(finish(loaded) == expected);
    }
}

#[test]
fn a_start_from_another_picture_is_saved_with_it() {
    let (engine, folder) = (cpu(), CheckpointFolder::new());
    let recipe = Recipe { init: Init::Picture(Arc::new(Picture::noise(SIZE, 9))), ..recipe(Method::Adam) };
    let mut first = painting(&engine, &recipe);
    first.save(&folder.file()).unwrap();
    let loaded = Painting::load(&engine, Inputs::new(content(), style()), &folder.file()).unwrap();
    assert_eq!(*loaded.recipe(), recipe);
    assert!(finish(loaded) == paint(&engine, &recipe));
}

#[test]
fn all_weights_together_change_nothing() {
    for engine in engines() {
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = Recipe { margin: 0, statistic: Statistic::Gram, ..recipe(method) };
            let expected = paint(&engine, &recipe);
            let at = |factor: f32| {
                let Recipe { content_weight, style_weight, tv_weight, .. } = recipe;
                let (content_weight, style_weight) = (factor * content_weight, factor * style_weight);
                paint(
                    &engine,
                    &Recipe { content_weight, style_weight, tv_weight: factor * tv_weight, ..recipe.clone() },
                )
            };
            // Powers of two do not change any rounding.
            for factor in [2_f32.powi(-20), 2_f32.powi(20)] {
                assert!(at(factor) == expected, "{method:?} on {} in {}, {factor}", engine.name(), engine.precision());
            }
            // Other factors change the rounding of every gradient, which Adam's first steps and a line search's choices
            // magnify: in f16 too much to compare.
            for factor in [1e-6, 1e6].into_iter().filter(|_| engine.precision() == Precision::F32) {
                let distance = apart(&at(factor), &expected);
                let what = format!("{method:?} on {} in {}, {factor}", engine.name(), engine.precision());
                assert!(distance < 0.02, "{what}: apart by {distance}");
            }
        }
    }
}

/// A picture with smooth parts, edges and texture.
fn scene(size: Size) -> Picture {
    let value = |index: usize| {
        let (pixel, channel) = (index / 3, index % 3);
        let (x, y) = ((pixel % size.width as usize) as f32, (pixel / size.width as usize) as f32);
        let waves = (0.31 * x + 0.2 * channel as f32).sin() * (0.23 * y).cos();
        let house = if x > 14.0 && y > 11.0 + 0.3 * x { 0.3 } else { 0.0 };
        0.4 + 0.2 * waves + house
    };
    Picture::new(size, (0..3 * size.pixels()).map(value).collect()).unwrap()
}

#[test]
fn a_photograph_that_is_the_painting_stays_and_its_loss_ends_no_higher_than_it_began() {
    let picture = scene(Size { width: 68, height: 50 });
    for engine in engines() {
        for method in [Method::Adam, Method::Lbfgs] {
            let recipe = Recipe { size: 68, min_scale: 34, first_iterations: 60, iterations: 60, ..recipe(method) };
            let mut scales: Vec<Vec<f64>> = Vec::new();
            let painted = stylize(
                &engine,
                &Inputs::new(picture.clone(), picture.clone()),
                &recipe,
                None,
                &mut |event| match event {
                    Event::Scale { .. } => scales.push(Vec::new()),
                    Event::Iteration { loss, .. } => scales.last_mut().unwrap().push(loss.total),
                    _ => {}
                },
            )
            .unwrap();
            let what = format!("{method:?} on {} in {}", engine.name(), engine.precision());
            assert_eq!(scales.len(), 3, "{what}");
            for losses in &scales {
                let (first, last) = (losses[0], losses[losses.len() - 1]);
                let most = losses.iter().copied().fold(0.0, f64::max);
                assert!(most <= 1.5 * first, "{what}: from {first} up to {most}");
                assert!(last <= first, "{what}: from {first} to {last}");
            }
            assert!(apart(&painted, &picture) < 0.25, "{what}: apart by {}", apart(&painted, &picture));
        }
    }
}

#[test]
fn weights_far_from_one_paint_the_same_picture() {
    for method in [Method::Adam, Method::Lbfgs] {
        let (engine, recipe) = (cpu(), recipe(method));
        let expected = paint(&engine, &recipe);
        for factor in [2_f32.powi(-100), 2_f32.powi(100)] {
            let mut far = recipe.clone();
            for weight in [&mut far.content_weight, &mut far.style_weight, &mut far.tv_weight] {
                *weight *= factor;
            }
            assert!(paint(&engine, &far) == expected, "{method:?}, {factor}");
        }
        // Squares of gradients of this size would leave the range of f32.
        let style_only = Recipe { content_weight: 0.0, tv_weight: 0.0, style_weight: 1.0, ..recipe.clone() };
        let heavy = Recipe { style_weight: 2_f32.powi(100), ..recipe.clone() };
        let distance = apart(&paint(&engine, &heavy), &paint(&engine, &style_only));
        assert!(distance < 1e-3, "{method:?}: apart by {distance}");
    }
}

#[test]
fn weights_learning_rate_and_iterations_change_in_flight() {
    for method in [Method::Adam, Method::Lbfgs] {
        let (engine, recipe) = (cpu(), recipe(method));
        let expected = paint(&engine, &recipe);
        let mut painting = painting(&engine, &recipe);
        work_until(&mut painting, 2, 2);
        painting.change(|recipe| recipe.iterations = 20).unwrap();
        painting.change(|recipe| recipe.learning_rate = Some(0.5 * recipe.learning_rate())).unwrap();
        work_until(&mut painting, 2, 8);
        // Nothing but total variation: the picture grows smooth.
        painting
            .change(|recipe| {
                (recipe.content_weight, recipe.style_weight, recipe.tv_weight) = (0.0, 0.0, 1.0);
                recipe.iterations = 60;
            })
            .unwrap();
        work_until(&mut painting, 2, 12);
        let before = painting.loss().unwrap().tv;
        while painting.wait().unwrap() != Status::Done {}
        let smooth = painting.picture().unwrap().unwrap();
        assert!(smooth != expected);
        let mut events = Vec::new();
        events.extend(std::iter::from_fn(|| painting.next_event()));
        let Some(Event::Iteration { loss, iteration, .. }) =
            events.iter().rev().find(|event| matches!(event, Event::Iteration { .. }))
        else {
            panic!("no iteration")
        };
        assert!(*iteration > 12 && loss.tv < before, "{method:?}: {} after {before}", loss.tv);
    }
}

#[test]
fn a_larger_size_is_a_further_scale_even_of_a_painting_that_was_done() {
    let (engine, recipe) = (cpu(), recipe(Method::Adam));
    let mut painting = painting(&engine, &recipe);
    while painting.wait().unwrap() != Status::Done {}
    painting.change(|recipe| recipe.size = 36).unwrap();
    assert_eq!(painting.advance().unwrap(), Status::Worked);
    while painting.wait().unwrap() != Status::Done {}
    assert_eq!(painting.picture().unwrap().unwrap().size(), Size { width: 36, height: 27 });
    assert_eq!(painting.sizes().first(), Some(&Size { width: 12, height: 9 }));
}

#[test]
fn what_would_begin_anew_is_refused_and_nothing_changes() {
    let (engine, recipe) = (cpu(), recipe(Method::Adam));
    let mut painting = painting(&engine, &recipe);
    work_until(&mut painting, 0, 2);
    let error = painting.change(|recipe| recipe.method = Method::Lbfgs).unwrap_err();
    assert_eq!(error.to_string(), "the optimiser cannot change while a picture is painted: start a new one");
    let error = painting.change(|recipe| recipe.style_layers.truncate(1)).unwrap_err();
    assert!(matches!(error, ChangeError::Fixed { name: "the list of style layers" }), "{error}");
    let error = painting.change(|recipe| recipe.tv_weight = f32::NAN).unwrap_err();
    assert!(matches!(error, ChangeError::Reason(_)), "{error}");
    assert_eq!(*painting.recipe(), recipe);
    assert!(finish(painting) == paint(&engine, &recipe));
}

#[test]
fn other_inputs_and_damaged_files_are_refused_by_name() {
    let (engine, folder) = (cpu(), CheckpointFolder::new());
    let mut first = painting(&engine, &recipe(Method::Lbfgs));
    work_until(&mut first, 0, 2);
    first.save(&folder.file()).unwrap();
    let other = Engine::new(&Device::Cpu(None), Arc::new(generated(12, layer("relu2_1")))).unwrap();
    let refused = |engine: &Engine, content: Picture, style: Picture| {
        Painting::load(engine, Inputs::new(content, style), &folder.file()).err().unwrap()
    };
    let masked =
        Inputs { keep: Some(Mask::new(SIZE, vec![0.5; SIZE.pixels()]).unwrap()), ..Inputs::new(content(), style()) };
    let masked = Painting::load(&engine, masked, &folder.file()).err().unwrap();
    let cases = [
        (masked, Input::Masks, "another mask of the photograph"),
        (refused(&other, content(), style()), Input::Filters, "other filters"),
        (refused(&engine, style(), style()), Input::Photograph, "another photograph"),
        (refused(&engine, content(), content()), Input::Painting, "another painting"),
    ];
    for (error, input, words) in cases {
        assert!(matches!(error, CheckpointError::OtherInput(found) if found == input), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let whole = std::fs::read(folder.file()).unwrap();
    let read = |bytes: &[u8]| {
        std::fs::write(folder.file(), bytes).unwrap();
        Checkpoint::read(&folder.file()).err()
    };
    assert!(read(&whole).is_none());
    for length in [0, 7, 9, 100, whole.len() / 2, whole.len() - 1] {
        let error = read(&whole[..length]).unwrap();
        assert!(
            matches!(error, CheckpointError::Damaged { .. } | CheckpointError::Foreign { .. }),
            "{length}: {error}"
        );
    }
    // A flipped bit anywhere, in the header or in the arrays.
    for position in (8..whole.len()).step_by(whole.len() / 97) {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        assert!(read(&damaged).is_some(), "byte {position}");
    }
    let error = read(&with_version(&whole, b'9')).unwrap();
    assert!(matches!(&error, CheckpointError::Version { found, .. } if found == "9"), "{error}");
    let foreign = safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView)>::new(), None).unwrap();
    let error = read(&foreign).unwrap();
    assert!(matches!(error, CheckpointError::Foreign { .. }), "{error}");
}

#[test]
fn a_style_weight_grows_with_each_scale_beyond_256_pixels() {
    let engine = cpu();
    let plain = recipe(Method::Lbfgs);
    let grown = Recipe { style_growth: 1.0, ..plain.clone() };
    assert!(paint(&engine, &grown) == paint(&engine, &plain), "both scales are small");
    // Of two scales only the second is larger, and from there on it is as with that weight.
    let of = |recipe: Recipe| Recipe { size: 288, min_scale: 200, first_iterations: 2, iterations: 2, ..recipe };
    let expected = {
        let mut painting = painting(&engine, &of(plain.clone()));
        let first = painting.scale();
        while painting.scale() == first {
            painting.wait().unwrap();
        }
        painting.change(|recipe| recipe.style_weight *= 1.125).unwrap();
        finish(painting)
    };
    let found = paint(&engine, &of(grown));
    assert!(found == expected && found != paint(&engine, &of(plain)));
}
