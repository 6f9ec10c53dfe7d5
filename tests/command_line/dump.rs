//! `impasto dump`: names, shapes, and the values that the reference computes from the same files.

use super::folder::{Folder, picture};
use crate::common::{layer, weighted};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::{Border, FeatureShape, Pooling, Precision, Region, Representation, Statistic, Term},
    style::{Inputs, Recipe, Scaling, evaluate, features},
    tolerance,
    vgg19::Layer,
    weights::generated,
};
use safetensors::SafeTensors;
use std::{collections::BTreeMap, sync::Arc};

const STYLE: [&str; 5] = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
const PICTURES: &str = "dump --device cpu --content content.png --style style.png --image image.png";

/// Shape and values by name.
type Arrays = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn folder() -> Folder {
    let folder = Folder::empty();
    for (name, width, height, seed) in [("content", 21, 17, 1), ("style", 19, 24, 2), ("image", 21, 17, 3)] {
        picture(width, height, seed).save(folder.path(&format!("{name}.png"))).unwrap();
    }
    folder
}

fn arrays(bytes: &[u8]) -> Arrays {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let array = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
        (name, (view.shape().to_vec(), bytemuck::pod_collect_to_vec(view.data())))
    };
    file.tensors().into_iter().map(array).collect()
}

/// What the naive reference computes from the same pictures.
fn expected(folder: &Folder, recipe: &Recipe) -> Arrays {
    let engine = Engine::new(&Device::Reference, Arc::new(generated(3, layer("relu5_2")))).unwrap();
    let image = folder.open("image.png");
    let found =
        evaluate(&engine, &Inputs::new(folder.open("content.png"), folder.open("style.png")), &image, recipe).unwrap();
    let mut arrays = Arrays::new();
    let mut add = |name: String, shape: &[usize], values: Vec<f32>| arrays.insert(name, (shape.to_vec(), values));
    for (name, value) in [
        ("loss_total", found.loss.total),
        ("loss_content", found.loss.content),
        ("loss_tv", found.loss.tv),
        ("loss_edges", 0.0),
    ] {
        add(name.to_owned(), &[1], vec![value as f32]);
    }
    let style = STYLE.map(|name| *found.values.get(Term::gram(layer(name), 0)).unwrap());
    add("loss_style".to_owned(), &[5], style.to_vec());
    add("share_style".to_owned(), &[5], vec![0.2; 5]);
    let gradient = Picture::new(image.size(), found.gradient).unwrap().to_planar();
    add("gradient".to_owned(), &[3, 17, 21], gradient);
    let layers: Vec<Layer> = layer("relu5_2").up_to().collect();
    let mut wanted: Vec<Representation> = layers.iter().copied().map(Representation::Features).collect();
    wanted.extend(STYLE.map(|name| Representation::Gram(layer(name), Region::WHOLE)));
    let mut seen = features(&engine, Precision::F32, &image, Border::Zero, Pooling::Max, &wanted).unwrap();
    for (name, gram) in STYLE.iter().zip(seen.split_off(layers.len())) {
        let channels = layer(name).output_channels() as usize;
        add(format!("gram.{name}"), &[channels, channels], gram);
    }
    for (&layer, map) in layers.iter().zip(&seen) {
        let shape = FeatureShape::of_layer(layer, image.size());
        let channels = shape.channels as usize;
        let mean = |channel: usize| {
            let values = map.iter().skip(channel).step_by(channels).map(|&value| f64::from(value));
            (values.sum::<f64>() / shape.pixels() as f64) as f32
        };
        add(format!("mean.{layer}"), &[channels], (0..channels).map(mean).collect());
    }
    arrays
}

#[test]
fn everything_is_there_and_agrees_with_the_reference() {
    let folder = folder();
    folder.filters("filters.safetensors", "relu5_2");
    let classic = Recipe {
        content_weight: 1.0,
        style_weight: 1e-3,
        tv_weight: 10.0,
        scaling: Scaling::Mse,
        border: Border::Zero,
        pooling: Pooling::Max,
        statistic: Statistic::Gram,
        style_layers: weighted(&STYLE),
        ..Recipe::default()
    };
    let own = Recipe {
        content_weight: 0.5,
        style_weight: 20.0,
        tv_weight: 3.0,
        scaling: Scaling::Relative,
        ..classic.clone()
    };
    let weights = "--loss relative --content-weight 0.5 --style-weight 20 --tv-weight 3";
    for (options, recipe) in [("", classic), (weights, own)] {
        let outcome = folder.run(&format!("{PICTURES} -o out.safetensors --weights filters.safetensors {options}"));
        assert_eq!(outcome.answer(), "");
        let (found, expected) = (arrays(&folder.read("out.safetensors")), expected(&folder, &recipe));
        let shapes = |arrays: &Arrays| -> Vec<_> {
            arrays.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect()
        };
        assert_eq!(shapes(&found), shapes(&expected), "{options}");
        for (name, (_, values)) in &expected {
            let error = distance(&found[name].1, values);
            let allowed = match name.split(['_', '.']).next() {
                Some("loss") => tolerance::F32_LOSS,
                Some("gradient") => tolerance::F32_GRADIENT,
                _ => tolerance::F32_NETWORK,
            };
            assert!(error < allowed, "{name} is {error:.1e} off, {allowed:.0e} is allowed; {options}");
        }
    }
}

/// Norm of the difference over the norm of the expected values; infinite if a value is not finite, or differs from zero.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    if found == expected {
        return 0.0;
    }
    let squares: f64 = found.iter().zip(expected).map(|(&f, &e)| (f64::from(f) - f64::from(e)).powi(2)).sum();
    let all: f64 = expected.iter().map(|&e| f64::from(e).powi(2)).sum();
    let distance = (squares / all).sqrt();
    if distance.is_finite() { distance } else { f64::INFINITY }
}

#[test]
fn filters_that_end_early_leave_the_deeper_layers_out() {
    let folder = folder();
    folder.filters("filters.safetensors", "relu2_1");
    assert_eq!(folder.run(&format!("{PICTURES} -o out.safetensors --weights filters.safetensors")).answer(), "");
    let found = arrays(&folder.read("out.safetensors"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let means = ["mean.relu1_1", "mean.relu1_2", "mean.relu2_1"];
    let others = [
        "gradient",
        "gram.relu1_1",
        "gram.relu2_1",
        "loss_content",
        "loss_edges",
        "loss_style",
        "loss_total",
        "loss_tv",
    ];
    assert_eq!(names, [&others[..], &means[..], &["share_style"]].concat());
    assert_eq!(found["loss_style"].0, [2]);
}

#[test]
fn the_picture_must_have_the_photographs_size() {
    let folder = folder();
    folder.filters("filters.safetensors", "relu2_1");
    let arguments = "dump --device cpu --content content.png --style style.png --image style.png -o out.safetensors";
    folder.refuses(
        &format!("{arguments} --weights filters.safetensors"),
        2,
        &["19x24", "21x17", "--image", "one size"],
    );
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_work() {
    let folder = folder();
    std::fs::create_dir(folder.path("results")).unwrap();
    folder.refuses(&format!("{PICTURES} -o results"), 1, &["results", "is a directory", "name another file"]);
    folder.refuses(&format!("{PICTURES} -o no/out.safetensors"), 1, &["no/out.safetensors", "no directory no"]);
}
