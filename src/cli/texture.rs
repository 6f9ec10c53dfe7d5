//! `impasto texture`.

use super::{
    CliError,
    console::Console,
    finish::finish,
    machine_options::{KernelOptions, PaintingDevices, engine_of},
    memory::{Lacking, check_memory},
    memory_options::MemoryOptions,
    output::{Destination, named_after},
    overwrite::{Input, Output, check_files},
    paint::Keeping,
    painting_options::{MaskOptions, PaintingFile},
    progress::Progress,
    record::{Painted, Record},
    weights_options::WeightsOptions,
};
use clap::Args;
use impasto::{
    Engine,
    options::{BlendOptions, DurationOptions, finite, size},
    picture::{Depth, Picture, fit_long_side},
    plan::{Border, Size},
    printable::printable,
    style::{Init, Inputs, Method, Outline, Painting, Recipe, Shortage},
    vgg19::Layer,
    weights::Filters,
};
use std::{io::Write, path::PathBuf, time::Instant};

/// Paint a texture in the style of a painting, from noise, without a photograph
///
/// What comes out has the strokes and colours of the painting and no subject. With --seamless it can be laid side by side
/// like tiles: the network sees the picture repeated in every direction.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Arguments {
    /// The painting whose style is taken: a PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or PNM file, or - for standard input;
    /// several are blended
    #[arg(required = true, value_name = "PAINTING")]
    style: Vec<PathBuf>,

    /// Where the result goes: .png, .jpg, .webp, .tiff or .bmp, or - for a PNG on standard output [default: named after the
    /// paintings, in the current directory, never one that is there; its name is printed]
    #[arg(long, short, value_name = "PICTURE")]
    output: Option<PathBuf>,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "512x512")]
    size: Size,

    /// Let opposite edges fit together; sides must then be multiples of 16
    #[arg(long)]
    seamless: bool,

    /// Seed of the noise: another one for another texture
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    duration: DurationOptions,

    /// How smooth the picture is kept (total variation)
    #[arg(long, value_name = "F", value_parser = finite, default_value_t = Recipe::default().tv_weight)]
    tv_weight: f32,

    /// What moves the pixels: from noise, adam leaves coloured grain [default: lbfgs, with --precision f16 adam]
    #[arg(long, value_enum)]
    optimizer: Option<Method>,

    #[command(flatten, next_help_heading = "Paintings")]
    blend: BlendOptions,

    #[command(flatten, next_help_heading = "Paintings")]
    masks: MaskOptions,

    #[command(flatten, next_help_heading = "Network")]
    weights: WeightsOptions,

    #[command(flatten, next_help_heading = "Machine")]
    device: PaintingDevices,

    #[command(flatten, next_help_heading = "Machine")]
    kernels: KernelOptions,

    #[command(flatten, next_help_heading = "Machine")]
    memory: MemoryOptions,
}

pub(crate) fn run(arguments: &Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let files: Vec<PaintingFile<'_>> =
        arguments.style.iter().map(|painting| PaintingFile { painting, region: None }).collect();
    arguments.masks.check(&arguments.blend, files.len())?;
    let path = arguments
        .output
        .clone()
        .unwrap_or_else(|| named_after(arguments.style.iter().map(|path| (path.as_path(), "painting")), "-texture"));
    let mut destination = Destination::new(path, None, Depth::default())?;
    let inputs = arguments.inputs();
    let output = destination.file().map(|path| Output { option: "-o", path });
    check_files(&inputs, &output.into_iter().collect::<Vec<_>>())?;
    destination.check(arguments.size)?;
    let long = arguments.size.long_side();
    let paintings = arguments.masks.read(&files, &arguments.blend, Some(long), console)?;
    let devices = arguments.device.open(console)?;
    let ways = arguments.kernels.ways(&devices, console)?;
    let pictures: Vec<&Picture> = paintings.iter().map(|painting| &painting.picture).collect();
    let filters = arguments.weights.load(Layer::DEEPEST, None, &pictures, arguments.device.threads, console)?;
    let recipe = arguments.recipe(long, &filters);
    check_seamless(arguments, &recipe)?;
    let engine = engine_of(&devices, ways, filters, &arguments.memory)?;
    // Nothing is compared with it: it only gives the size, and is made when that is known to fit.
    let content = |size: Size| Picture::new(size, vec![0.5; 3 * size.pixels()]);
    let dot = Inputs { content: content(Size { width: 1, height: 1 })?, alpha: None, keep: None, paintings };
    recipe.check()?;
    let outline = Outline { content: arguments.size, ..Outline::new(&dot, &recipe).map_err(Box::new)? };
    let named = |long| format!("--size {}", fit_long_side(arguments.size, long));
    check_memory(&engine, &outline, &recipe, Lacking::Refused, console).map_err(|error| match error {
        CliError::Shortage(Shortage { fitting: Some(long), .. }) => {
            CliError::Advised { error: Box::new(error), advice: format!("use {}", named(long)) }
        }
        error => error,
    })?;
    let painted_from = Inputs { content: content(arguments.size)?, ..dot };
    let start = Instant::now();
    let mut painting = Painting::new(&engine, painted_from, recipe).map_err(Box::new)?;
    remember(&inputs, &painting, &engine, &mut destination, console);
    let mut progress = Progress::new(console, painting.recipe(), painting.sizes());
    let keeping = Keeping::only(&destination);
    let (picture, _) = finish(&mut painting, &engine, &keeping, &mut progress, named)?;
    let (name, seconds) = (destination.name(), start.elapsed().as_secs_f64());
    console.note(&format!("{name}: {} in {seconds:.1} s on {}", picture.size(), engine.name()));
    if arguments.output.is_none() {
        writeln!(answer, "{}", printable(&name))?;
    }
    Ok(())
}

impl Arguments {
    /// Every file that is read.
    fn inputs(&self) -> Vec<Input> {
        let styles = self.style.iter().map(|path| Input::new("the painting", path));
        let filters = self.weights.file().map(|path| Input::new("the file of filters", path));
        styles.chain(self.masks.inputs()).chain(filters).collect()
    }

    fn recipe(&self, long: u32, filters: &Filters) -> Recipe {
        let method = self.optimizer.unwrap_or_else(|| self.kernels.default_method());
        let (first_iterations, iterations) = self.duration.iterations(method);
        Recipe {
            size: long,
            iterations,
            first_iterations,
            style_scales: self.blend.style_scale.clone(),
            blend: self.blend.blend.clone(),
            statistic: self.blend.statistic(),
            init: Init::Noise,
            seed: self.seed,
            method,
            content_layers: Vec::new(),
            tv_weight: self.tv_weight,
            border: if self.seamless { Border::Wrap } else { Recipe::default().border },
            ..Recipe::for_filters(filters)
        }
    }
}

/// Refuses a size that poolings do not halve.
fn check_seamless(arguments: &Arguments, recipe: &Recipe) -> Result<(), CliError> {
    let multiple = 1 << recipe.deepest().map_or(0, Layer::poolings);
    let Size { width, height } = arguments.size;
    if !arguments.seamless || width.is_multiple_of(multiple) && height.is_multiple_of(multiple) {
        return Ok(());
    }
    let nearest = |side: u32| ((side + multiple / 2) / multiple).max(1) * multiple;
    Err(CliError::Usage(format!(
        "--seamless needs sides that are multiples of {multiple}, and --size is {}: {}x{} is near",
        arguments.size,
        nearest(width),
        nearest(height)
    )))
}

fn remember(inputs: &[Input], painting: &Painting, engine: &Engine, destination: &mut Destination, console: &Console) {
    let size = painting.last_size();
    let inputs = inputs.iter().map(|input| (input.clone(), Some(input.path.clone()))).collect();
    let call: Vec<_> = std::env::args_os().collect();
    let record = Record::new("texture", &call, &Painted { engine, recipe: painting.recipe(), size, inputs });
    destination.remember(record.to_text(), console);
}
