//! The options of `impasto stylize`.

use crate::cli::{
    CliError,
    console::Console,
    input::read_picture,
    machine_options::{KernelOptions, PaintingDevices, Way},
    memory_options::MemoryOptions,
    painting_options::{MaskOptions, RegionOptions},
    weights_options::WeightsOptions,
};
use clap::{ArgAction, Args};
use impasto::{
    Device,
    options::{RecipeOptions, SizeOptions, depth, positive},
    picture::{Depth, Picture},
    plan::Pooling,
    style::{Init, Inputs, Recipe},
    weights::Filters,
};
use std::{convert::Infallible, num::NonZeroU32, path::PathBuf, str::FromStr, sync::Arc};

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

    #[command(flatten)]
    pub look: RecipeOptions,

    #[command(flatten, next_help_heading = "Paintings")]
    pub masks: MaskOptions,

    #[command(flatten, next_help_heading = "Regions")]
    pub regions: RegionOptions,

    /// Start from the photograph, from noise, or from another picture
    #[arg(long, value_name = "content|noise|FILE", help_heading = "Look", default_value = "content")]
    pub init: InitChoice,

    #[command(flatten, next_help_heading = "Network")]
    pub weights: WeightsOptions,

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
        let init = match &self.init {
            InitChoice::Content => Init::Content,
            InitChoice::Noise => Init::Noise,
            InitChoice::File(path) => {
                Init::Picture(Arc::new(read_picture(path, self.sizes.detail(), console)?.picture))
            }
        };
        Ok(self.look.recipe(size, init, self.kernels.default_method()))
    }

    /// Loads the filters for the recipe's pooling, and lets what is by default follow from them; layers that were named must
    /// be in them.
    pub fn filters(&self, recipe: &mut Recipe, inputs: &Inputs, console: &Console) -> Result<Filters, CliError> {
        let (wanted, named) = self.look.depth(recipe);
        let paintings = inputs.paintings.iter().map(|painting| &painting.picture);
        let pictures: Vec<&Picture> = [&inputs.content].into_iter().chain(paintings).collect();
        let filters = self.weights.load(wanted, named, &pictures, self.device.threads, console)?;
        if let Some(reach) = filters.deepest() {
            self.look.follow(recipe, reach, filters.origin);
        }
        Ok(match recipe.pooling {
            Pooling::Max => filters,
            Pooling::Average => filters.for_average_pooling(),
        })
    }
}
