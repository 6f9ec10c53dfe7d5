//! After as many evaluations as PyTorch's, L-BFGS's loss is no higher.

use super::{data, file::GoldenFile};
use crate::common::{gpu, layer, shared, weighted};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::{Border, Pooling, Size, Statistic},
    style::{Event, Inputs, Method, Recipe, Scaling, stylize},
    tolerance,
    weights::{self, Format, generated},
};
use std::sync::Arc;

fn picture(file: &GoldenFile, name: &str) -> Picture {
    let array = file.array(name);
    let size = Size { width: array.shape[2] as u32, height: array.shape[1] as u32 };
    Picture::from_planar(size, &array.values).unwrap()
}

fn compare(device: &Device, file: &GoldenFile, filters: weights::Filters) {
    let (content, style) = (picture(file, "content"), picture(file, "style"));
    let number = |key| file.number(key) as f32;
    let size = content.size().width.max(content.size().height);
    let history = file.array("history");
    let evaluations = history.shape[0] as u32;
    let recipe = Recipe {
        size,
        min_scale: size,
        style_scales: vec![style.size().width.max(style.size().height) as f32 / size as f32],
        margin: 0,
        first_iterations: evaluations,
        method: Method::Lbfgs,
        style_layers: weighted(&["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]),
        statistic: Statistic::Gram,
        content_layers: weighted(&["relu4_2"]),
        content_weight: number("content_weight"),
        style_weight: number("style_weight"),
        tv_weight: number("tv_weight"),
        scaling: if file.text("scaling") == Some("relative") { Scaling::Relative } else { Scaling::Mse },
        border: Border::Zero,
        pooling: if file.text("pool") == Some("avg") { Pooling::Average } else { Pooling::Max },
        ..Recipe::default()
    };
    let mut losses = Vec::new();
    let engine = Engine::new(device, Arc::new(filters)).unwrap();
    stylize(&engine, &Inputs::new(content.clone(), style.clone()), &recipe, None, &mut |event| {
        if let Event::Iteration { evaluations: so_far, loss, .. } = event
            && so_far <= evaluations
        {
            losses.push(loss.total);
        }
    })
    .unwrap();
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "the loss rises: {losses:?}");
    let (found, expected) = (losses[losses.len() - 1], f64::from(history.values[history.values.len() - 4]));
    assert!(
        found < expected * (1.0 + tolerance::LBFGS_END),
        "{}: ends at {found} after {evaluations} evaluations, PyTorch at {expected}",
        file.name
    );
}

#[test]
fn ends_where_pytorch_ends_on_generated_filters() {
    let file = data("trajectory-lbfgs-32x24.safetensors");
    let filters = generated(file.number("filters_seed") as u64, layer("relu5_1"));
    compare(&Device::Cpu(None), &file, filters.clone());
    compare(&Device::Gpu(gpu()), &file, filters);
}

#[test]
fn ends_where_pytorch_ends_on_the_filters_of_vgg19() {
    let Some(shared) = shared() else { return };
    let file = GoldenFile::read(&shared.join("golden/trajectory-lbfgs-96x72.safetensors"));
    let path = shared.join("weights/vgg19-hybrid-f16.safetensors");
    compare(&Device::Cpu(None), &file, weights::load_all(&path, Format::Torchvision).unwrap());
}
