//! Filters learned from pictures: repeatable, balanced, and good enough to paint with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::common::{distance, layer};
use impasto::{
    Device, Engine, demo,
    learn::{LearnError, LearnProgress, LearnSettings, learn_filters, learn_filters_observed},
    picture::Picture,
    plan::{Border, Pooling, Precision, Representation, Size},
    random::Random,
    style::{self, Event, Inputs, Recipe},
    vgg19::Layer,
    weights::{self, Filters, Format},
};
use std::{
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
};
use tempfile::TempDir;

const SIZE: Size = Size { width: 129, height: 97 };
/// The distance between neighbouring f32, as a part of their value.
const ROUNDING: f32 = f32::EPSILON;

/// Less than the defaults, to save time.
fn settings(deepest: &str) -> LearnSettings {
    LearnSettings { deepest: layer(deepest), size: 200, patches: 4000, ..LearnSettings::default() }
}

fn learned(settings: &LearnSettings) -> Filters {
    learn_filters(&[&demo::townscape(SIZE), &demo::brushwork(SIZE)], settings).unwrap()
}

/// Down to relu4_1, on two threads.
static DEEP: LazyLock<Filters> =
    LazyLock::new(|| learned(&LearnSettings { threads: NonZeroUsize::new(2), ..settings("relu4_1") }));

fn two_threads() -> Device {
    Device::Cpu(NonZeroUsize::new(2))
}

#[test]
fn a_seed_gives_the_same_bits_on_any_number_of_threads() {
    let on =
        |threads, seed| learned(&LearnSettings { threads: NonZeroUsize::new(threads), seed, ..settings("relu2_2") });
    let one = on(1, 0);
    for threads in [1, 2, 3, 8] {
        assert!(on(threads, 0) == one, "{threads} threads");
    }
    let other = on(2, 1);
    for (index, (a, b)) in one.layers.iter().zip(&other.layers).enumerate() {
        assert!(a.weight != b.weight, "layer {index} is the same for another seed");
    }
}

#[test]
fn deep_layers_give_the_same_bits_on_any_number_of_threads() {
    let five = learned(&LearnSettings { threads: NonZeroUsize::new(5), ..settings("relu4_1") });
    assert!(five == *DEEP);
}

/// What a processor that rounds differently does to a map, and more, must not make other filters.
#[test]
fn pictures_that_differ_in_the_last_digits_give_the_same_filters_but_for_rounding() {
    let mut random = Random::new(8);
    let mut rounded = |picture: &Picture| {
        let pixels = picture.pixels().iter().map(|value| value * (1.0 + ROUNDING * random.normal())).collect();
        Picture::new(picture.size(), pixels).unwrap()
    };
    let others = [rounded(&demo::townscape(SIZE)), rounded(&demo::brushwork(SIZE))];
    let filters = learn_filters(&others.each_ref(), &settings("relu4_1")).unwrap();
    for (index, (found, expected)) in filters.layers.iter().zip(&DEEP.layers).enumerate() {
        let relative = distance(&found.weight, &expected.weight);
        assert!(relative > 0.0 && relative < 1e-3, "layer {index} differs by {relative}");
    }
}

#[test]
fn filters_reach_the_layer_asked_for_and_are_finite() {
    assert_eq!(LearnSettings::default().deepest, layer("relu4_1"));
    let filters = &*DEEP;
    assert_eq!(filters.deepest(), Some(layer("relu4_1")));
    for (layer, filters) in Layer::DEEPEST.up_to().zip(&filters.layers) {
        let (cin, cout) = (layer.input_channels().next_multiple_of(4) as usize, layer.output_channels() as usize);
        assert_eq!((filters.input_channels, filters.output_channels), (cin, cout), "{layer}");
        assert_eq!((filters.weight.len(), filters.bias.len()), (9 * cin * cout, cout), "{layer}");
        assert!(filters.weight.iter().chain(&filters.bias).all(|value| value.is_finite()), "{layer}");
    }
    let first = &filters.layers[0];
    assert!(first.weight.chunks(64).skip(3).step_by(4).flatten().all(|value| *value == 0.0), "the fourth channel");
}

#[test]
fn every_layer_is_announced_once_before_it_is_learned() {
    let (pictures, settings) = ([&demo::townscape(SIZE), &demo::brushwork(SIZE)], settings("relu2_1"));
    let mut seen = Vec::new();
    let filters = learn_filters_observed(&pictures, &settings, &mut |progress| seen.push(progress)).unwrap();
    let expected = ["relu1_1", "relu1_2", "relu2_1"].map(layer).into_iter().zip(1..);
    let expected: Vec<_> = expected.map(|(layer, number)| LearnProgress { layer, number, count: 3 }).collect();
    assert_eq!(seen, expected);
    assert!(filters == learned(&settings));
    let mut calls = 0;
    learn_filters_observed(&[], &settings, &mut |_| calls += 1).unwrap_err();
    assert_eq!(calls, 0);
}

/// A channel's mean and variance before the ReLU, and the share of its pixels above zero after it.
struct Activity {
    mean: f64,
    variance: f64,
    positive: f64,
}

/// Activities of a layer's channels; the features come from the CPU back end.
fn activities(filters: &Filters, layer: Layer) -> Vec<Activity> {
    // A large bias keeps every value above the ReLU's cut.
    const LIFT: f32 = 100.0;
    let mut lifted = filters.clone();
    lifted.layers.truncate(layer.index() + 1);
    lifted.layers[layer.index()].bias.iter_mut().for_each(|bias| *bias += LIFT);
    let engine = Engine::new(&two_threads(), Arc::new(lifted)).unwrap();
    let wanted = [Representation::Features(layer)];
    let side = Size { width: 232, height: 174 };
    let channels = layer.output_channels() as usize;
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); channels];
    for picture in [demo::townscape(SIZE), demo::brushwork(SIZE)] {
        let features =
            style::features(&engine, Precision::F32, &picture.resize(side), Border::Replicate, Pooling::Max, &wanted)
                .unwrap();
        for pixel in features[0].chunks_exact(channels).filter(|pixel| pixel[0] != 0.0) {
            values.iter_mut().zip(pixel).for_each(|(values, value)| values.push(f64::from(value - LIFT)));
        }
    }
    let activity = |values: &Vec<f64>| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Activity { mean, variance, positive: values.iter().filter(|value| **value > 0.0).count() as f64 / count }
    };
    values.iter().map(activity).collect()
}

#[test]
fn channels_vary_by_one_and_are_neither_dead_nor_saturated() {
    for layer in ["relu1_1", "relu1_2", "relu2_2", "relu3_3", "relu4_1"].map(layer) {
        let all = activities(&DEEP, layer);
        let share = |test: fn(&Activity) -> bool| all.iter().filter(|a| test(a)).count() as f64 / all.len() as f64;
        let mean = |value: fn(&Activity) -> f64| all.iter().map(value).sum::<f64>() / all.len() as f64;
        let variance = mean(|a| a.variance);
        println!("{layer}: variance {variance:.2}, mean {:.2}, positive {:.2}", mean(|a| a.mean), mean(|a| a.positive));
        // Half of the patches come from the smaller size, which varies more; the unit test of the layer is exact.
        assert!((0.7..1.4).contains(&variance), "{layer}: mean variance {variance}");
        let usual = share(|a| (0.2..4.0).contains(&a.variance));
        assert!(usual > 0.9, "{layer}: {usual} of the channels have a variance near one");
        assert!(share(|a| a.positive > 0.01 && a.positive < 0.99) > 0.98, "{layer} has dead or saturated channels");
        assert!((0.2..0.8).contains(&mean(|a| a.positive)), "{layer}: {} positive", mean(|a| a.positive));
    }
}

/// Grain in pictures comes from filters that see it: the gradient paints nothing else.
#[test]
fn the_first_filters_see_edges_and_hardly_any_coloured_grain() {
    let first = &DEEP.layers[0];
    let mean_square = |pattern: &dyn Fn(usize, usize) -> f32| {
        let response = |filter: usize| {
            let taps = (0..9).flat_map(|tap| (0..3).map(move |colour| (tap, colour)));
            taps.map(|(tap, colour)| first.weight[(4 * tap + colour) * 64 + filter] * pattern(tap, colour)).sum::<f32>()
        };
        (0..64).map(|filter| response(filter).powi(2)).sum::<f32>() / 64.0
    };
    let edge = mean_square(&|tap, _| [-1.0, 0.0, 1.0][tap % 3]);
    // Red against green, one pixel against the next.
    let grain = mean_square(&|tap, colour| [1.0, -1.0, 0.0][colour] * [1.0, -1.0][tap % 2]);
    println!("edge {edge}, grain {grain}");
    assert!(grain < 0.07 * edge, "grain moves filters by {grain}, an edge by {edge}");
}

#[test]
fn saved_filters_come_back_bit_for_bit() {
    let filters = learned(&settings("relu2_1"));
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("learned.safetensors");
    weights::save(&filters, &path).unwrap();
    assert!(weights::load_all(&path, Format::Torchvision).unwrap() == filters);
}

fn flat(width: u32, height: u32, value: f32) -> Picture {
    let size = Size { width, height };
    Picture::new(size, vec![value; 3 * size.pixels()]).unwrap()
}

#[test]
fn pictures_that_do_not_serve_are_refused_in_words() {
    let good = demo::townscape(SIZE);
    let message = |pictures: &[&Picture]| learn_filters(pictures, &settings("relu1_1")).unwrap_err().to_string();
    assert!(message(&[]).contains("at least one"));
    let small = message(&[&good, &demo::brushwork(Size { width: 200, height: 15 })]);
    assert!(small.contains("picture 2 has 200x15 pixels") && small.contains("16"), "{small}");
    let flat_only = message(&[&flat(40, 30, 0.3), &flat(30, 30, 0.8)]);
    assert!(flat_only.contains("single colour"), "{flat_only}");
    let mut broken = good.clone();
    broken.pixels_mut()[100] = f32::NAN;
    let broken = message(&[&broken]);
    assert!(broken.contains("picture 1 holds NaN"), "{broken}");
    let narrow = demo::townscape(Size { width: 16, height: 900 });
    let error = learn_filters(&[&narrow], &settings("relu4_1")).unwrap_err();
    assert!(matches!(error, LearnError::TooFewPatches { needed, found, .. } if found < needed), "{error}");
}

#[test]
fn a_blank_canvas_beside_a_painting_and_a_plain_gradient_give_finite_filters() {
    let settings = settings("relu3_1");
    let painting = demo::brushwork(SIZE);
    let size = Size { width: 64, height: 64 };
    let gradient = Picture::new(size, (0..3 * size.pixels()).map(|i| (i / 3 % 64) as f32 / 63.0).collect()).unwrap();
    for pictures in [vec![&flat(64, 48, 0.5), &painting], vec![&gradient]] {
        let filters = learn_filters(&pictures, &settings).unwrap();
        let largest = filters.layers.iter().flat_map(|l| l.weight.iter().chain(&l.bias)).fold(0.0, |a: f32, v| {
            assert!(v.is_finite());
            a.max(v.abs())
        });
        assert!(largest < 1e3, "{largest}");
    }
}

#[test]
fn painting_with_learned_filters_lowers_the_style_loss() {
    let (content, painting) = (demo::townscape(SIZE), demo::brushwork(SIZE));
    let engine = Engine::new(&two_threads(), Arc::new(DEEP.clone())).unwrap();
    let recipe = Recipe { size: 64, first_iterations: 60, ..Recipe::for_filters(&DEEP) };
    let mut losses = Vec::new();
    let painted =
        style::stylize(&engine, &Inputs::new(content.clone(), painting.clone()), &recipe, None, &mut |event| {
            if let Event::Iteration { loss, .. } = event {
                losses.push(loss.style);
            }
        });
    assert!(painted.unwrap().pixels().iter().all(|value| (0.0..=1.0).contains(value)));
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < first / 4.0, "style loss from {first} to {last}");
}
