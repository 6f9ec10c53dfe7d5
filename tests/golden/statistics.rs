//! Every statistic, regions, blends and edges against PyTorch in float64, from pictures and masks to a gradient.

use super::file::{Evaluation, GoldenFile};
use super::{assert_within, data, distance};
use crate::common::{self, layer, weighted};
use impasto::{
    Device, Engine,
    picture::{Mask, Picture},
    plan::{Border, Pooling, Size, Statistic, Term},
    style::{Inputs, Outline, Recipe, Scaling, StyleInput, evaluate},
    tolerance::{self, F32_GRADIENT, F32_LOSS},
    weights::generated,
};
use std::sync::Arc;

const FILES: [&str; 2] = ["statistics-odd-37x27.safetensors", "statistics-replicate-40x32.safetensors"];
const SCALINGS: [(&str, Scaling); 2] = [("mse", Scaling::Mse), ("relative", Scaling::Relative)];

fn picture(file: &GoldenFile, name: &str) -> Picture {
    let array = file.array(name);
    Picture::from_planar(array.size(), &array.values).unwrap()
}

fn mask(file: &GoldenFile, name: &str) -> Mask {
    let array = file.array(name);
    Mask::new(Size { width: array.shape[1] as u32, height: array.shape[0] as u32 }, array.values.clone()).unwrap()
}

fn recipe(file: &GoldenFile, scaling: Scaling) -> Recipe {
    let replicates = file.text("first_padding") == Some("replicate");
    Recipe {
        scaling,
        border: if replicates { Border::Replicate } else { Border::Zero },
        pooling: Pooling::Max,
        style_layers: weighted(&["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]),
        statistic: Statistic::Gram,
        ..Recipe::default()
    }
}

/// Losses and gradient of the picture against the file's.
fn compare(file: &GoldenFile, name: &str, engine: &Engine, inputs: &Inputs, recipe: &Recipe, expected: Evaluation) {
    let [content_weight, style, tv_weight] = expected.weights.map(|weight| weight as f32);
    let outline = Outline::new(inputs, recipe).unwrap();
    // A region counts as much as its part of the picture; here it is to count as if it were all.
    let style_weight = style / outline.regions[0].area as f32;
    let recipe = Recipe { content_weight, style_weight, tv_weight, ..recipe.clone() };
    let found = evaluate(engine, inputs, &picture(file, "image"), &recipe).unwrap();
    let (of_losses, of_gradient) = match recipe.statistic {
        Statistic::Gram => (F32_LOSS, F32_GRADIENT),
        Statistic::Moments => (tolerance::MOMENTS_LOSS, tolerance::MOMENTS_GRADIENT),
        Statistic::Wasserstein => (tolerance::WASSERSTEIN_LOSS, tolerance::WASSERSTEIN_GRADIENT),
    };
    let what = |loss: &str| format!("{} on {}, {name}: {loss}", file.name, engine.name());
    let styles = found.values.iter().filter(|(term, _)| matches!(term, Term::Style(_)));
    let mut checked = 0;
    for ((term, found), &expected) in styles.zip(expected.style) {
        let error = f64::from((found - expected).abs()) / f64::from(expected);
        println!("{} {error:.1e}", what(&term.to_string()));
        assert_within(error, of_losses, &what(&term.to_string()));
        checked += 1;
    }
    assert_eq!(checked, 5);
    assert_within((found.loss.total / expected.total - 1.0).abs(), of_losses, &what("total"));
    let error = distance(&found.gradient, &expected.gradient.interleaved());
    println!("{} {error:.1e}", what("gradient"));
    assert_within(error, of_gradient, &what("gradient"));
}

fn compare_all(device: &Device) {
    for name in FILES {
        let file = data(name);
        let filters = Arc::new(generated(file.number("filters_seed") as u64, layer("relu5_1")));
        let engine = Engine::new(device, filters).unwrap();
        let (content, style) = (picture(&file, "content"), picture(&file, "style"));
        let whole = Inputs::new(content.clone(), style.clone());
        for (of_scaling, scaling) in SCALINGS {
            let recipe = recipe(&file, scaling);
            let of_statistics = [("moments", Statistic::Moments), ("wasserstein", Statistic::Wasserstein)];
            for (name, statistic) in of_statistics {
                let name = format!("{name}.{of_scaling}.");
                compare(&file, &name, &engine, &whole, &Recipe { statistic, ..recipe.clone() }, file.evaluation(&name));
            }
            for (name, statistic) in [("gram", Statistic::Gram), ("wasserstein", Statistic::Wasserstein)] {
                let recipe = Recipe { statistic, ..recipe.clone() };
                let region = Inputs {
                    paintings: vec![StyleInput {
                        picture: style.clone(),
                        mask: Some(mask(&file, "style_mask")),
                        region: Some(mask(&file, "mask")),
                    }],
                    ..whole.clone()
                };
                let name = format!("region.{name}.{of_scaling}.");
                compare(&file, &name, &engine, &region, &recipe, file.evaluation(&name));
            }
            for (name, statistic) in [("gram", Statistic::Gram), ("wasserstein", Statistic::Wasserstein)] {
                let name = format!("blend.{name}.{of_scaling}.");
                if file.find(&format!("{name}loss_total")).is_none() {
                    continue;
                }
                let recipe = Recipe { statistic, blend: vec![7.0, 3.0], ..recipe.clone() };
                let mut both = whole.clone();
                both.paintings.push(StyleInput::whole(picture(&file, "style2")));
                compare(&file, &name, &engine, &both, &recipe, file.evaluation(&name));
            }
            let recipe = Recipe { content_weight: 0.0, style_weight: 0.0, tv_weight: 0.0, edge_weight: 1.0, ..recipe };
            let found = evaluate(&engine, &whole, &picture(&file, "image"), &recipe).unwrap();
            let what = |part: &str| format!("{} on {}, {scaling:?}: {part} of edges", file.name, engine.name());
            let expected = f64::from(file.array(&format!("edges.{of_scaling}.loss")).values[0]);
            assert_within((found.loss.edges / expected - 1.0).abs(), F32_LOSS, &what("loss"));
            let expected = file.array(&format!("edges.{of_scaling}.grad")).interleaved();
            assert_within(distance(&found.gradient, &expected), F32_GRADIENT, &what("gradient"));
        }
    }
}

#[test]
fn all_statistics_on_the_cpu_are_those_of_pytorch() {
    compare_all(&Device::Cpu(None));
}

#[test]
fn all_statistics_on_the_gpu_are_those_of_pytorch() {
    compare_all(&Device::Gpu(common::gpu()));
}
