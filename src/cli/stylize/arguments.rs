//! The options of `impasto stylize`.

use crate::cli::{
    CliError,
    console::Console,
    input::read_picture,
    memory_options::MemoryOptions,
    options::{DurationOptions, KernelOptions, PaintingDevices, Way, finite, positive, weighted_layer},
    output::depth,
    painting_options::{PaintingOptions, RegionOptions},
    size_options::SizeOptions,
    weights_options::WeightsOptions,
};
use clap::{ArgAction, Args};
use impasto::{
    Device,
    picture::{Depth, Picture},
    plan::{Pooling, Size},
    style::{Colours, Init, Inputs, Method, Recipe, Scaling, WeightedLayer, Weights},
    vgg19::Layer,
    weights::{Filters, Origin},
};
use std::{convert::Infallible, num::NonZeroU32, path::PathBuf, str::FromStr};

/// Paint a photograph in the style of a painting
///
/// The picture grows through several sizes. At each, its pixels move until the network sees in them the content of the
/// photograph and the strokes of the painting.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// The photograph: a PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or PNM file, or - for standard input
    pub content: PathBuf,

    /// The painting whose style is taken, a file like the photograph; given several times, paintings are blended
    #[arg(long, short, value_name = "PICTURE", required_unless_present = "region", action = ArgAction::Append)]
    pub style: Vec<PathBuf>,

    /// Where the result goes: .png, .jpg, .webp, .tiff or .bmp, or - for a PNG on standard output [default: named after
    /// both pictures, in the current directory, never one that is there; its name is printed]
    #[arg(long, short, value_name = "PICTURE")]
    pub output: Option<PathBuf>,

    /// Bits of each value of the result: 16 for PNG and TIFF files; 8 are dithered, so that a smooth sky has no bands
    #[arg(long, value_name = "8|16", value_parser = depth, default_value = "8", help_heading = "Result")]
    pub depth: Depth,

    /// Quality of the result if it is a JPEG file, 1 to 100 [default: 95]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), help_heading = "Result")]
    pub jpeg_quality: Option<u8>,

    /// Do not let the result remember how it was painted: see `impasto info`
    #[arg(long, help_heading = "Result")]
    pub no_metadata: bool,

    /// Pass on what the photograph says of its camera, its moment and its place; nothing of it otherwise
    #[arg(long, conflicts_with = "no_metadata", help_heading = "Result")]
    pub keep_exif: bool,

    #[command(flatten, next_help_heading = "Size and time")]
    pub sizes: SizeOptions,

    /// Paint only the small sizes, up to about 512 pixels, and stop with a checkpoint from which `impasto resume` goes on
    /// to the whole picture, or to another size [default checkpoint: named after the result, beside it; its name is
    /// printed]
    #[arg(long, conflicts_with = "explain", help_heading = "Size and time")]
    pub preview: bool,

    /// Long side of the smallest size the picture grows from [default: 128]
    #[arg(long, value_name = "N", help_heading = "Size and time")]
    min_scale: Option<u32>,

    #[command(flatten, next_help_heading = "Size and time")]
    duration: DurationOptions,

    /// How much of the photograph is kept [default: 1]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    content_weight: Option<f32>,

    /// How much of the painting is taken [default: 6, with learned filters 120; with --loss mse 0.0003,
    /// and 0.3 for wasserstein]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    style_weight: Option<f32>,

    /// How smooth the picture is kept (total variation) [default: 0.5, with --loss mse 100]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look")]
    tv_weight: Option<f32>,

    /// How much the edges of the photograph are kept, for faces, text and architecture: 1 is a good start [default: 0]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = 0.0, hide_default_value = true)]
    edges: f32,

    /// Whose colours the picture has: the painting's; the photograph's, so that only light and shade are painted; or the
    /// painting's, matched to the photograph's first
    #[arg(long, value_enum, value_name = "WHOSE", help_heading = "Look", default_value = "painting")]
    colors: Colours,

    /// How far --colors goes, from 0 to 1
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Look", default_value_t = 1.0)]
    color_strength: f32,

    #[command(flatten, next_help_heading = "Paintings")]
    pub paintings: PaintingOptions,

    #[command(flatten, next_help_heading = "Regions")]
    pub regions: RegionOptions,

    /// Start from the photograph, from noise, or from another picture
    #[arg(long, value_name = "content|noise|FILE", help_heading = "Look", default_value = "content")]
    pub init: InitChoice,

    /// Seed of the noise [default: 0]
    #[arg(long, value_name = "N", help_heading = "Look")]
    seed: Option<u64>,

    /// Layers that keep the photograph, with weights [default: relu4_2]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', action = ArgAction::Set, value_parser = weighted_layer, help_heading = "Network")]
    content_layers: Vec<WeightedLayer>,

    /// Layers that bring the painting, with weights [default:
    /// relu1_1=4,relu2_1=3,relu3_1=2,relu4_1=1,relu5_1=0.5, with learned filters
    /// relu1_1=20,relu2_1=6,relu3_1=2,relu4_1=1]
    #[arg(long, value_name = "LAYER[=W],..", value_delimiter = ',', action = ArgAction::Set, value_parser = weighted_layer, help_heading = "Network")]
    style_layers: Vec<WeightedLayer>,

    /// How losses are measured: relative suits all filters; the default weights of mse are for VGG19
    #[arg(long, value_enum, default_value = "relative", help_heading = "Network")]
    loss: Scaling,

    /// How the network shrinks its maps
    #[arg(long, value_enum, default_value = "max", help_heading = "Network")]
    pooling: Pooling,

    #[command(flatten, next_help_heading = "Network")]
    pub weights: WeightsOptions,

    /// What moves the pixels [default: lbfgs, with --precision f16 adam]
    #[arg(long, value_enum, help_heading = "Optimiser")]
    pub optimizer: Option<Method>,

    /// Step of the optimiser [default: 0.02 for adam, 1 for lbfgs]
    #[arg(long, value_name = "F", value_parser = finite, help_heading = "Optimiser")]
    learning_rate: Option<f32>,

    #[command(flatten, next_help_heading = "Machine and files")]
    pub device: PaintingDevices,

    #[command(flatten, next_help_heading = "Machine and files")]
    kernels: KernelOptions,

    #[command(flatten, next_help_heading = "Machine and files")]
    pub memory: MemoryOptions,

    /// Time the variants of the kernels on this GPU first, for sizes that were never timed, and keep what is fastest
    #[arg(long, conflicts_with = "variant", help_heading = "Machine and files")]
    pub tune: bool,

    /// Also save OUTPUT-<size>-<iteration>.png, with OUTPUT less its extension, every N iterations of a size
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroU32>, help_heading = "Machine and files")]
    pub save_every: Option<NonZeroU32>,

    /// Keep all that is needed to go on in this file, in case the work is interrupted: see `impasto resume`
    #[arg(long, value_name = "FILE", conflicts_with = "explain", help_heading = "Machine and files")]
    pub checkpoint: Option<PathBuf>,

    /// Seconds between two checkpoints; 0 for one after every iteration
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "checkpoint",
        default_value_t = 300,
        help_heading = "Machine and files"
    )]
    pub checkpoint_every: u64,

    /// Begin even if the largest size takes more memory than there is; the result of each finished size is then saved
    #[arg(long, help_heading = "Machine and files")]
    pub force: bool,

    /// Print what would be done at the last size, step by step and array by array, and paint nothing
    #[arg(long, help_heading = "Machine and files")]
    pub explain: bool,

    /// Write a line of JSON for every iteration: its size, number, losses and time
    #[arg(long, value_name = "FILE", help_heading = "Machine and files")]
    pub log: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(crate) enum InitChoice {
    Content,
    Noise,
    File(PathBuf),
}

impl FromStr for InitChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "content" => InitChoice::Content,
            "noise" => InitChoice::Noise,
            path => InitChoice::File(path.into()),
        })
    }
}

impl Arguments {
    /// How each device computes, if it can do what is asked for.
    pub fn ways(&self, devices: &[Device], console: &Console) -> Result<Vec<Way>, CliError> {
        match devices.iter().find(|device| matches!(device, Device::Cpu(_) | Device::Reference)) {
            Some(device) if self.tune => Err(CliError::Usage(format!(
                "--tune is for GPUs, but {} computes: leave it out, or choose a GPU with --device",
                device.name()
            ))),
            _ => self.kernels.ways(devices, console),
        }
    }

    /// The recipe for a result of this long side, with the layers named or the defaults for the deepest filters.
    pub fn recipe(&self, size: u32, console: &Console) -> Result<Recipe, CliError> {
        let (default, weights) = (Recipe::default(), self.default_weights(Origin::Network));
        let method = self.optimizer.unwrap_or_else(|| self.kernels.default_method());
        let (first_iterations, iterations) = self.duration.iterations(method);
        let layers = |named: &[WeightedLayer], default: Vec<WeightedLayer>| {
            if named.is_empty() { default } else { named.to_vec() }
        };
        Ok(Recipe {
            size,
            min_scale: self.min_scale.unwrap_or(default.min_scale),
            iterations,
            first_iterations,
            style_scales: self.paintings.style_scale.clone(),
            blend: self.paintings.blend.clone(),
            statistic: self.paintings.statistic(),
            colours: self.colors,
            colour_strength: self.color_strength,
            feather: self.regions.feather,
            init: match &self.init {
                InitChoice::Content => Init::Content,
                InitChoice::Noise => Init::Noise,
                InitChoice::File(path) => Init::Picture(read_picture(path, self.sizes.detail(), console)?.picture),
            },
            seed: self.seed.unwrap_or(default.seed),
            method,
            learning_rate: self.learning_rate,
            content_layers: layers(&self.content_layers, default.content_layers),
            style_layers: layers(&self.style_layers, default.style_layers),
            content_weight: self.content_weight.unwrap_or(weights.content),
            style_weight: self.style_weight.unwrap_or(weights.style),
            tv_weight: self.tv_weight.unwrap_or(weights.tv),
            edge_weight: self.edges,
            scaling: self.loss,
            pooling: self.pooling,
            border: default.border,
            margin: default.margin,
        })
    }

    fn default_weights(&self, origin: Origin) -> Weights {
        Weights::default_for(self.loss, self.paintings.statistic(), origin)
    }

    /// The deepest layer for which filters are wanted, and the deepest that was named, for which they are needed.
    pub fn depth(&self, recipe: &Recipe) -> (Layer, Option<Layer>) {
        let named = self.content_layers.iter().chain(&self.style_layers).map(|weighted| weighted.layer).max();
        (recipe.deepest().max(named).unwrap_or(Layer::DEEPEST), named)
    }

    /// Default layers depend on how deep the filters reach, default weights on where they come from.
    pub fn follow(&self, recipe: &mut Recipe, reach: Layer, origin: Origin) {
        if self.style_weight.is_none() {
            recipe.style_weight = self.default_weights(origin).style;
        }
        if self.content_layers.is_empty() {
            recipe.content_layers = Recipe::content_layers_within(reach);
        }
        if self.style_layers.is_empty() {
            recipe.style_layers = Recipe::style_layers_within(reach, origin);
        }
    }

    /// Lets another optimiser paint, for as long as it takes.
    pub fn paint_by(&self, method: Method, recipe: &Recipe) -> Recipe {
        let (first_iterations, iterations) = self.duration.iterations(method);
        Recipe { method, first_iterations, iterations, ..recipe.clone() }
    }

    /// Loads the filters for the recipe's pooling, and lets what is by default follow from them; layers that were named must
    /// be in them.
    pub fn filters(&self, recipe: &mut Recipe, inputs: &Inputs, console: &Console) -> Result<Filters, CliError> {
        let (wanted, named) = self.depth(recipe);
        let paintings = inputs.paintings.iter().map(|painting| &painting.picture);
        let pictures: Vec<&Picture> = [&inputs.content].into_iter().chain(paintings).collect();
        let filters = self.weights.load(wanted, named, &pictures, self.device.threads, console)?;
        if let Some(reach) = filters.deepest() {
            self.follow(recipe, reach, filters.origin);
        }
        Ok(match recipe.pooling {
            Pooling::Max => filters,
            Pooling::Average => filters.for_average_pooling(),
        })
    }

    /// What is probably not meant, in sentences.
    pub fn remarks(&self, recipe: &Recipe, paintings: &[Size]) -> Vec<String> {
        let mut remarks: Vec<String> = recipe.remarks(paintings).iter().map(ToString::to_string).collect();
        if let Some(seed) = self.seed
            && !matches!(self.init, InitChoice::Noise)
        {
            remarks.push(format!("--seed {seed} changes nothing without --init noise"));
        }
        if let Some(smallest) = self.min_scale
            && smallest > recipe.size
        {
            let size = recipe.size;
            remarks.push(format!("--min-scale {smallest} is above the size, so that {size} is the only size painted"));
        }
        remarks
    }
}
