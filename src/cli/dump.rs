//! `impasto dump`.

use super::{
    CliError,
    console::Console,
    creatable::{check_creatable, write_whole},
    input::read_picture,
    machine_options::DeviceOptions,
    overwrite::{Input, Output, check_files},
    painting_options::{MaskOptions, RegionOptions, used_mask},
    weights_options::WeightsOptions,
};
use clap::{ArgAction, Args, ValueEnum};
use impasto::{
    Engine,
    options::{BlendOptions, finite},
    picture::{Detail, Picture},
    plan::{Border, FeatureShape, Pooling, Precision, Region, Representation, Term},
    style::{Inputs, Outline, Recipe, Scaling, WeightedLayer, evaluate, features},
    vgg19::Layer,
    weights::Origin,
};
use safetensors::{Dtype, View};
use std::{borrow::Cow, collections::HashMap, path::PathBuf, sync::Arc};

/// Write losses, gradients and feature statistics, to compare with other implementations
///
/// The pictures are taken at their own sizes. Content loss at relu4_2, style losses at relu1_1, relu2_1, relu3_1, relu4_1
/// and relu5_1, zero padding, max pooling.
///
/// OUT gets loss_total, loss_content, loss_tv, loss_edges, loss_style (region by region, in each layer by layer; the
/// metadata entry style_losses says which is which), share_style (what each counts in the style loss), gradient [3, H, W],
/// gram.<layer> for the style layers and mean.<layer> for every layer up to relu5_2, both of the whole picture. Filters
/// that end before a layer leave it out.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The photograph
    #[arg(long, value_name = "PICTURE")]
    content: PathBuf,

    /// The painting; several are blended
    #[arg(long, value_name = "PICTURE", required_unless_present = "region", action = ArgAction::Append)]
    style: Vec<PathBuf>,

    /// The picture that is evaluated, of the photograph's size
    #[arg(long, value_name = "PICTURE")]
    image: PathBuf,

    /// Where the safetensors file goes
    #[arg(long, short, value_name = "OUT")]
    output: PathBuf,

    /// How losses are measured
    #[arg(long, value_enum, default_value = "mse")]
    loss: Scaling,

    /// Weight of the content loss
    #[arg(long, value_name = "F", value_parser = finite, default_value_t = 1.0)]
    content_weight: f32,

    /// Weight of the mean of the style losses
    #[arg(long, value_name = "F", value_parser = finite, default_value_t = 1e-3)]
    style_weight: f32,

    /// Weight of the total variation
    #[arg(long, value_name = "F", value_parser = finite, default_value_t = 10.0)]
    tv_weight: f32,

    /// Weight of the edge loss
    #[arg(long, value_name = "F", value_parser = finite, default_value_t = 0.0)]
    edges: f32,

    #[command(flatten)]
    blend: BlendOptions,

    #[command(flatten)]
    masks: MaskOptions,

    #[command(flatten)]
    regions: RegionOptions,

    /// Soften the edges of regions over so many pixels
    #[arg(long, value_name = "PX", value_parser = finite, default_value_t = 0.0)]
    feather: f32,

    #[command(flatten)]
    weights: WeightsOptions,

    #[command(flatten)]
    device: DeviceOptions,
}

pub(crate) fn run(arguments: Arguments, console: &Console) -> Result<(), CliError> {
    let mut inputs = vec![
        Input::new("the photograph", &arguments.content),
        Input::new("the picture that is evaluated", &arguments.image),
    ];
    inputs.extend(arguments.style.iter().map(|path| Input::new("the painting", path)));
    inputs.extend(arguments.masks.inputs().chain(arguments.regions.inputs()));
    inputs.extend(arguments.weights.file().map(|path| Input::new("the file of filters", path)));
    check_files(&inputs, &[Output { option: "-o", path: &arguments.output }])?;
    let files = arguments.regions.paintings(&arguments.style);
    arguments.masks.check(&arguments.blend, files.len())?;
    let content = read_picture(&arguments.content, Detail::Full, console)?;
    let keep = arguments.regions.keep.as_deref();
    let keep = keep.map(|path| used_mask(path, Detail::Full, "of what is kept")).transpose()?;
    let paintings = arguments.masks.read(&files, &arguments.blend, None, console)?;
    let inputs = Inputs { content: content.picture, alpha: content.alpha, keep, paintings };
    let image = read_picture(&arguments.image, Detail::Full, console)?.picture;
    if inputs.content.size() != image.size() {
        return Err(CliError::Usage(format!(
            "--image is {} but --content is {}: give pictures of one size",
            image.size(),
            inputs.content.size()
        )));
    }
    check_creatable(&arguments.output)?;
    let device = arguments.device.open(console)?;
    let last = "relu5_2".parse().unwrap_or(Layer::DEEPEST);
    let paintings = inputs.paintings.iter().map(|painting| &painting.picture);
    let pictures: Vec<&Picture> = [&inputs.content].into_iter().chain(paintings).collect();
    let filters = arguments.weights.load(last, None, &pictures, arguments.device.threads, console)?;
    let reach = filters.deepest().unwrap_or(Layer::FIRST);
    let recipe = Recipe {
        content_weight: arguments.content_weight,
        style_weight: arguments.style_weight,
        tv_weight: arguments.tv_weight,
        edge_weight: arguments.edges,
        scaling: arguments.loss,
        style_scales: arguments.blend.style_scale.clone(),
        blend: arguments.blend.blend.clone(),
        statistic: arguments.blend.compared_statistic(),
        feather: arguments.feather,
        size: image.size().long_side(),
        border: Border::Zero,
        pooling: Pooling::Max,
        content_layers: Recipe::content_layers_within(reach, Origin::Network),
        style_layers: Recipe::style_layers_within(reach, filters.origin)
            .into_iter()
            .map(|weighted| WeightedLayer { weight: 1.0, ..weighted })
            .collect(),
        ..Recipe::default()
    };
    let engine = Engine::new(&device, Arc::new(filters))?;
    let evaluation = evaluate(&engine, &inputs, &image, &recipe).map_err(Box::new)?;
    let styles: Vec<(Term, f32)> = evaluation
        .values
        .iter()
        .filter(|(term, _)| matches!(term, Term::Style(_)))
        .map(|(term, value)| (term, *value))
        .collect();
    let outline = Outline::new(&inputs, &recipe).map_err(Box::new)?;
    let weighted = recipe.weighted_terms(&outline, recipe.size);
    let share = |wanted: Term| weighted.iter().find(|weighted| weighted.term == wanted).map_or(0.0, |w| w.share as f32);
    let mut tensors = vec![
        Array::new("loss_total", &[1], vec![evaluation.loss.total as f32]),
        Array::new("loss_content", &[1], vec![evaluation.loss.content as f32]),
        Array::new("loss_tv", &[1], vec![evaluation.loss.tv as f32]),
        Array::new("loss_edges", &[1], vec![evaluation.loss.edges as f32]),
        Array::new("loss_style", &[styles.len()], styles.iter().map(|(_, value)| *value).collect()),
        Array::new("share_style", &[styles.len()], styles.iter().map(|(term, _)| share(*term)).collect()),
    ];
    let (width, height) = (image.size().width as usize, image.size().height as usize);
    let gradient = Picture::new(image.size(), evaluation.gradient)?.to_planar();
    tensors.push(Array::new("gradient", &[3, height, width], gradient));
    let grams = recipe.style_layers.iter().map(|weighted| Representation::Gram(weighted.layer, Region::WHOLE));
    let wanted: Vec<Representation> = grams.chain(reach.up_to().map(Representation::Features)).collect();
    let seen = features(&engine, Precision::F32, &image, recipe.border, recipe.pooling, &wanted)?;
    for (representation, values) in wanted.iter().zip(seen) {
        tensors.push(match representation {
            Representation::Gram(layer, _) => {
                let channels = layer.output_channels() as usize;
                Array::new(&format!("gram.{layer}"), &[channels, channels], values)
            }
            Representation::Features(layer) => {
                let means = means(FeatureShape::of_layer(*layer, image.size()), &values);
                Array::new(&format!("mean.{layer}"), &[means.len()], means)
            }
            Representation::Mean(layer, _) => Array::new(&format!("mean.{layer}"), &[values.len()], values),
        });
    }
    let named = tensors.into_iter().map(|array| (array.name.clone(), array));
    let of_statistic = arguments.blend.compared_statistic().to_possible_value();
    let statistic = of_statistic.map(|value| value.get_name().to_owned()).unwrap_or_default();
    let losses: Vec<String> = styles.iter().map(|(term, _)| format!("{term} ({statistic})")).collect();
    let metadata = HashMap::from([("style_losses".to_owned(), losses.join("; "))]);
    let bytes = safetensors::serialize(named, Some(metadata)).map_err(|error| CliError::Failed(error.to_string()))?;
    write_whole(&arguments.output, &bytes)
}

/// Mean of each channel; the zero halo adds nothing to the sums.
fn means(shape: FeatureShape, map: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0f64; shape.channels as usize];
    for pixel in map.chunks_exact(sums.len()) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.iter().map(|sum| (sum / shape.pixels() as f64) as f32).collect()
}

struct Array {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    fn new(name: &str, shape: &[usize], values: Vec<f32>) -> Array {
        Array { name: name.to_owned(), shape: shape.to_vec(), values }
    }
}

impl View for Array {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        bytemuck::cast_slice(&self.values).into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}
