//! Every back end against PyTorch in float64: features, Gram matrices, losses, gradients and an optimiser's trajectory.
//!
//! Small files in tests/data, made by tools/make_test_goldens.py on filters from a seed, are always there; larger ones
//! on VGG19's filters are used where they are found (see `common::shared`).

mod evaluate;
mod file;
mod lbfgs;
mod statistics;

use crate::common::{self, distance, layer, shared};
use evaluate::{ADAM, Machine, Open};
use file::{Evaluation, GoldenFile};
use impasto::{
    cpu,
    gpu::{self},
    plan::{Border, FeatureShape, Optimizer, Pooling, Tensor, Term},
    reference,
    style::{Loss, Objective, Scaling, WeightedTerm},
    tolerance,
    vgg19::Layer,
    weights::{self, Filters, Format, generated},
};
use std::{path::Path, sync::Arc};

const STYLE: [&str; 5] = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
const CONTENT: &str = "relu4_2";

/// How fast a back end is, which decides on which of the larger files it is tested.
#[derive(Clone, Copy, PartialEq)]
enum Speed {
    /// Tested on files with a single small evaluation.
    Slow,
    /// Tested on all files.
    Fast,
}

/// The tests of one back end.
macro_rules! back_end {
    ($name:ident, $speed:expr, $open:expr) => {
        mod $name {
            use super::*;

            const OPEN: Open = $open;

            #[test]
            fn sees_what_pytorch_sees() {
                small_cases().for_each(|file| compare_features(&file, &generated_machine(&file, OPEN)));
            }

            #[test]
            fn finds_the_losses_and_gradients_of_pytorch() {
                for file in small_cases() {
                    let machine = generated_machine(&file, OPEN);
                    compare_evaluation(&file, &machine, Scaling::Mse, file.evaluation("mse."));
                    compare_evaluation(&file, &machine, Scaling::Relative, file.evaluation("relative."));
                }
            }

            #[test]
            fn goes_the_way_of_adam_in_pytorch() {
                let file = data("trajectory-adam-32x24.safetensors");
                follow_adam(&file, &generated_machine(&file, OPEN));
            }

            #[test]
            fn agrees_on_the_filters_of_vgg19() {
                compare_shared(OPEN, $speed);
            }
        }
    };
}

back_end!(on_reference, Speed::Slow, |plan, filters| Box::new(reference::Session::new(plan, filters).unwrap()));
back_end!(on_cpu, Speed::Fast, |plan, filters| Box::new(cpu::Session::new(plan, filters, None).unwrap()));
back_end!(on_gpu, Speed::Fast, |plan, filters| {
    let filters = gpu::DeviceFilters::new(filters);
    Box::new(gpu::Session::new(&common::gpu(), plan.clone(), &filters, &gpu::ForcedVariants::NONE).unwrap())
});

fn data(name: &str) -> GoldenFile {
    GoldenFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name))
}

fn small_cases() -> impl Iterator<Item = GoldenFile> {
    ["40x32", "odd-37x27", "replicate-33x42", "average-47x33", "replicate-average-25x39"]
        .into_iter()
        .map(|name| data(&format!("case-{name}.safetensors")))
}

fn generated_machine(file: &GoldenFile, open: Open) -> Machine {
    machine(file, open, Arc::new(generated(file.number("filters_seed") as u64, layer("relu5_1"))))
}

fn machine(file: &GoldenFile, open: Open, filters: Arc<Filters>) -> Machine {
    let border = match file.text("first_padding") {
        Some("replicate") => Border::Replicate,
        Some("zeros") | None => Border::Zero,
        other => panic!("{}: first_padding {other:?}", file.name),
    };
    let pooling = match file.text("pool") {
        Some("avg") => Pooling::Average,
        Some("max") | None => Pooling::Max,
        other => panic!("{}: pool {other:?}", file.name),
    };
    Machine { open, filters, border, pooling }
}

fn content_term() -> Term {
    Term::Content(layer(CONTENT))
}

fn style_terms() -> [Term; 5] {
    STYLE.map(|name| Term::gram(layer(name), 0))
}

/// `weights` apply to content, to the mean of the style losses, and to total variation.
fn objective([content, style, tv]: [f64; 3], scaling: Scaling) -> Objective {
    let mut terms = vec![WeightedTerm { term: content_term(), share: 1.0, weight: content }];
    terms.extend(style_terms().map(|term| WeightedTerm { term, share: 1.0 / STYLE.len() as f64, weight: style }));
    terms.push(WeightedTerm { term: Term::TotalVariation, share: 1.0, weight: tv });
    Objective { scaling, terms }
}

/// Largest difference, relative to the largest value expected; infinite if a value is not finite.
fn largest_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |largest, &value| largest.max(f64::from(value).abs()));
    let apart = found.iter().zip(expected).map(|(&f, &e)| (f64::from(f) - f64::from(e)).abs());
    // f64::max would drop a NaN.
    apart.fold(0.0, |worst: f64, error| if error.is_nan() { f64::INFINITY } else { worst.max(error) }) / largest
}

#[track_caller]
fn assert_within(error: f64, tolerance: f64, what: &str) {
    assert!(error < tolerance, "{what}: off by {error:.2e}, and {tolerance:.0e} is allowed");
}

/// From haloed NHWC to `[C, H, W]`.
fn planes(shape: FeatureShape, values: &[f32]) -> Vec<f32> {
    let channels = shape.channels as usize;
    let (width, height) = (shape.width as usize, shape.height as usize);
    let value = |c: usize, y: usize, x: usize| values[shape.pixel(x, y) * channels + c];
    (0..channels * height * width).map(|i| value(i / (height * width), i / width % height, i % width)).collect()
}

fn compare_features(file: &GoldenFile, machine: &Machine) {
    let layers: Vec<Layer> =
        Layer::DEEPEST.up_to().filter(|layer| file.find(&format!("mean.{layer}")).is_some()).collect();
    assert!(layers.len() >= 13, "{} has the means of {} layers", file.name, layers.len());
    let style = STYLE.map(layer);
    let seen = machine.look(file.array("image"), &layers, &style);
    for (layer, (shape, values)) in layers.iter().zip(&seen.features) {
        let planes = planes(*shape, values);
        let mean = |plane: &[f32]| (plane.iter().map(|&v| f64::from(v)).sum::<f64>() / plane.len() as f64) as f32;
        let means: Vec<f32> = planes.chunks(shape.pixels()).map(mean).collect();
        let error = largest_error(&means, &file.array(&format!("mean.{layer}")).values);
        assert_within(error, tolerance::F32_NETWORK, &format!("{}: means of {layer}", file.name));
        if let Some(expected) = file.find(&format!("features.{layer}")) {
            let error = largest_error(&planes, &expected.values);
            assert_within(error, tolerance::F32_NETWORK, &format!("{}: features of {layer}", file.name));
        }
    }
    for (layer, gram) in style.iter().zip(&seen.grams) {
        if let Some(expected) = file.find(&format!("gram.{layer}")) {
            let error = largest_error(gram, &expected.values);
            assert_within(error, tolerance::F32_NETWORK, &format!("{}: Gram matrix of {layer}", file.name));
        }
        if let Some(expected) = file.find(&format!("gram_norm.{layer}")) {
            let norm = gram.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32;
            let error = largest_error(&[norm], &expected.values);
            assert_within(error, tolerance::F32_NETWORK, &format!("{}: norm of the Gram matrix of {layer}", file.name));
        }
    }
}

fn compare_evaluation(file: &GoldenFile, machine: &Machine, scaling: Scaling, expected: Evaluation) {
    let objective = objective(expected.weights, scaling);
    let (content, style) = (file.array("content"), file.array("style"));
    let mut running = machine.start(&objective, content, style, Optimizer::default());
    running.set_picture(file.array("image"));
    let losses = running.evaluate();
    let what = |loss: &str| format!("{}, {scaling:?}: {loss}", file.name);
    let mut expected_losses =
        vec![(content_term(), expected.content), (Term::TotalVariation, expected.total_variation)];
    expected_losses.extend(style_terms().into_iter().zip(expected.style.iter().copied().map(f64::from)));
    assert_eq!((losses.iter().count(), expected.style.len()), (expected_losses.len(), STYLE.len()));
    for (term, expected) in expected_losses {
        let error = (f64::from(*losses.get(term).unwrap()) / expected - 1.0).abs();
        assert_within(error, tolerance::F32_LOSS, &what(&term.to_string()));
    }
    let error = (objective.loss(&losses).total / expected.total - 1.0).abs();
    assert_within(error, tolerance::F32_LOSS, &what("total"));
    let gradient = running.read(Tensor::ImageGradient);
    let error = distance(&gradient, &expected.gradient.interleaved());
    assert_within(error, tolerance::F32_GRADIENT, &what("gradient"));
}

fn follow_adam(file: &GoldenFile, machine: &Machine) {
    let weights = ["content_weight", "style_weight", "tv_weight"].map(|key| file.number(key));
    let scaling = if file.text("scaling") == Some("relative") { Scaling::Relative } else { Scaling::Mse };
    let learning_rate = if file.text("learning_rate").is_some() { file.number("learning_rate") as f32 } else { 0.02 };
    let (content, style) = (file.array("content"), file.array("style"));
    let objective = objective(weights, scaling);
    let mut running = machine.start(&objective, content, style, Optimizer::Adam(ADAM));
    running.set_picture(content);
    running.start_adam(learning_rate);
    let history = file.array("history");
    for (step, expected) in history.values.chunks(history.shape[1]).enumerate() {
        let Loss { total, content, style, tv, .. } = objective.loss(&running.evaluate());
        let found = [total, content, style, tv];
        for (column, (found, &expected)) in ["total", "content", "style", "tv"].iter().zip(found.iter().zip(expected)) {
            let error = (found - f64::from(expected)).abs() / f64::from(expected).abs().max(1e-3);
            if step < tolerance::TRAJECTORY_STEPS {
                assert_within(error, tolerance::F32_TRAJECTORY, &format!("{}, step {step}: {column}", file.name));
            }
        }
        running.adam();
    }
    let error = distance(&running.read(Tensor::Image), &file.array("final").interleaved());
    assert_within(error, tolerance::F32_TRAJECTORY_END, &format!("{}: last picture", file.name));
    if let Some(expected) = file.find("average") {
        let correction = 1.0 - ADAM.decay.powi(history.shape[0] as i32);
        let average: Vec<f32> = running.read(Tensor::Average).iter().map(|value| value / correction).collect();
        let error = distance(&average, &expected.interleaved());
        assert_within(error, tolerance::F32_TRAJECTORY_END, &format!("{}: running average", file.name));
    }
}

fn compare_shared(open: Open, speed: Speed) {
    let Some(shared) = shared() else { return };
    let path = shared.join("weights/vgg19-hybrid-f16.safetensors");
    if !path.exists() {
        return;
    }
    let filters = Arc::new(weights::load_all(&path, Format::Torchvision).unwrap());
    let mut names = vec!["vgg19-56x40", "vgg19-odd-77x53", "vgg19-replicate-64x64", "vgg19-avgpool-64x48"];
    names.extend((speed == Speed::Fast).then_some("vgg19-256x192"));
    for name in names {
        let file = GoldenFile::read(&shared.join("golden").join(format!("{name}.safetensors")));
        let machine = machine(&file, open, filters.clone());
        compare_features(&file, &machine);
        compare_evaluation(&file, &machine, Scaling::Mse, file.evaluation(""));
    }
    if speed == Speed::Fast {
        let file = GoldenFile::read(&shared.join("golden/trajectory-adam-96x72.safetensors"));
        follow_adam(&file, &machine(&file, open, filters));
    }
}

#[test]
fn errors_are_measured_and_nan_is_one() {
    assert_eq!(largest_error(&[1.0, 2.5], &[1.0, 2.0]), 0.25);
    assert_eq!(distance(&[3.0, 0.0], &[3.0, 4.0]), 0.8);
    for wrong in [f32::NAN, f32::INFINITY] {
        for error in [largest_error(&[wrong, 2.0], &[1.0, 2.0]), distance(&[1.0, wrong], &[1.0, 2.0])] {
            assert!(std::panic::catch_unwind(|| assert_within(error, 1e-3, "nothing")).is_err(), "{wrong} passed");
        }
    }
}
