//! Judges painted pictures by what no loss looks at: how much of the painting's manner and of the photograph's structure
//! they have, how fine their grain is, and whether they have a frame. `docs/choosing-defaults.md` explains the numbers.
//!
//! The style is seen through the VGG19 that its authors trained, whichever filters a picture was painted with.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a tool for developers may panic")]

mod measures;

use impasto::{
    Device, Engine,
    picture::{Picture, fit_long_side},
    plan::{Border, FeatureShape, Pooling, Precision, Representation, Size},
    style::features,
    vgg19::Layer,
    weights::{self, Format},
};
use measures::{
    grain::{calm, grain},
    plane::Plane,
    rings::rings,
    structure::structure_distance,
    wasserstein::sliced_distance,
};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

const USAGE: &str = "usage: judge [--weights FILE] [--rings] --content PHOTOGRAPH --style PAINTING RESULT..
   or: judge [--weights FILE] [--rings] --table FILE
  --weights FILE  the judge's VGG19, in safetensors [weights/vgg19-hybrid-f16.safetensors in IMPASTO_SHARED, or in
                  the folder `shared` beside the repository]
  --table FILE    pairs to judge: on each line a photograph, a painting and results, separated by tabs, as paths from
                  the table's folder; where there are several results, the first is what the others are compared with
  --rings         mean colours by distance from the edge too";

/// Where the judge looks for style.
const LAYERS: [&str; 4] = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"];
/// Rings at the edge that are listed.
const RINGS: usize = 10;

/// A photograph, a painting, and pictures made of both.
struct Pair {
    content: PathBuf,
    style: PathBuf,
    results: Vec<PathBuf>,
}

/// What is asked for.
struct Settings {
    weights: PathBuf,
    rings: bool,
    pairs: Vec<Pair>,
}

/// Numbers of a result; less is better.
#[derive(Clone, Copy)]
struct Verdict {
    style: f64,
    content: f64,
}

fn main() -> ExitCode {
    let Some(settings) = settings(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match judge(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("judge: {error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Option<Settings> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let shared = std::env::var_os("IMPASTO_SHARED").map_or_else(beside, PathBuf::from);
    let weights = shared.join("weights/vgg19-hybrid-f16.safetensors");
    let mut settings = Settings { weights, rings: false, pairs: Vec::new() };
    let (mut content, mut style, mut results) = (None, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--weights" => settings.weights = arguments.next()?.into(),
            "--rings" => settings.rings = true,
            "--content" => content = Some(PathBuf::from(arguments.next()?)),
            "--style" => style = Some(PathBuf::from(arguments.next()?)),
            "--table" => settings.pairs = table(Path::new(&arguments.next()?))?,
            option if option.starts_with("--") => return None,
            result => results.push(PathBuf::from(result)),
        }
    }
    if let (Some(content), Some(style)) = (content, style) {
        settings.pairs.push(Pair { content, style, results });
    }
    (!settings.pairs.is_empty() && settings.pairs.iter().all(|pair| !pair.results.is_empty())).then_some(settings)
}

fn table(path: &Path) -> Option<Vec<Pair>> {
    let text = fs::read_to_string(path).inspect_err(|error| eprintln!("{}: {error}", path.display())).ok()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let pair = |line: &str| {
        let mut paths = line.split('\t').map(|path| folder.join(path));
        Some(Pair { content: paths.next()?, style: paths.next()?, results: paths.collect() })
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(pair).collect()
}

fn judge(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let layers = LAYERS.map(|name| name.parse::<Layer>().expect("a layer of VGG19"));
    let filters = weights::load(&settings.weights, Format::Torchvision, layers[3])?;
    let engine = Engine::new(&Device::Cpu(None), Arc::new(filters))?;
    println!(
        "{:44} {:>6} {:>5} {:>6} {:>5}  {:23} {:>15} {:>15}",
        "picture", "style", "x", "cont.", "x", "style by layer", "grain Y/Cb/Cr", "calm Y/Cb/Cr"
    );
    let mut columns: Vec<Vec<(Verdict, Verdict)>> = Vec::new();
    for pair in &settings.pairs {
        let (photograph, painting) = (Picture::open(&pair.content)?, Picture::open(&pair.style)?);
        let mut first = None;
        for (column, path) in pair.results.iter().enumerate() {
            let result = Picture::open(path)?;
            let size = result.size();
            let (photograph, painting) = (photograph.resize(size), painting.resize(shown_size(painting.size(), size)));
            let resting = calm(&Plane::levels(&photograph)[0]);
            if first.is_none() {
                print_grain(&pair.content, &photograph, Some(&resting));
                print_grain(&pair.style, &painting, None);
            }
            let distances = style_distances(&engine, &layers, &result, &painting)?;
            let verdict = Verdict {
                style: distances.iter().sum::<f64>() / distances.len() as f64,
                content: structure_distance(&Plane::levels(&result)[0], &Plane::levels(&photograph)[0]),
            };
            let compared = *first.get_or_insert(verdict);
            let by_layer: Vec<String> = distances.iter().map(|distance| format!("{distance:.3}")).collect();
            println!(
                "{:44} {:6.3} {:5.2} {:6.3} {:5.2}  {:23} {}",
                name(path),
                verdict.style,
                verdict.style / compared.style,
                verdict.content,
                verdict.content / compared.content,
                by_layer.join(" "),
                grains(&result, Some(&resting))
            );
            if settings.rings {
                print_rings(&result);
            }
            columns.resize_with(columns.len().max(column + 1), Vec::new);
            columns[column].push((verdict, compared));
        }
    }
    if settings.pairs.len() > 1 {
        print_means(&columns);
    }
    Ok(())
}

/// The size at which a painting is seen beside a result: as long, and never enlarged.
fn shown_size(painting: Size, result: Size) -> Size {
    fit_long_side(painting, result.long_side().min(painting.long_side()))
}

/// Distance of the features of a result from those of the painting, for each layer.
fn style_distances(
    engine: &Engine,
    layers: &[Layer],
    result: &Picture,
    painting: &Picture,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let wanted: Vec<_> = layers.iter().map(|layer| Representation::Features(*layer)).collect();
    let see = |picture| features(engine, Precision::F32, picture, Border::Replicate, Pooling::Max, &wanted);
    let (found, target) = (see(result)?, see(painting)?);
    let rows = |map: &[f32], layer: Layer, picture: &Picture| {
        let shape = FeatureShape::of_layer(layer, picture.size());
        let pixels = map.chunks_exact(shape.channels as usize).enumerate();
        pixels.filter(|(pixel, _)| !shape.is_halo(*pixel)).flat_map(|(_, values)| values.to_vec()).collect::<Vec<f32>>()
    };
    let distance = |(index, layer): (usize, &Layer)| {
        let (found, target) = (rows(&found[index], *layer, result), rows(&target[index], *layer, painting));
        sliced_distance(&found, &target, layer.output_channels() as usize)
    };
    Ok(layers.iter().enumerate().map(distance).collect())
}

/// Grain of luma, blue and red difference: everywhere, and where the photograph is calm.
fn grains(picture: &Picture, resting: Option<&[bool]>) -> String {
    let planes = Plane::levels(picture);
    let triple = |chosen: &dyn Fn(usize) -> bool| {
        let [luma, blue, red] = [0, 1, 2].map(|i| grain(&planes[i], chosen));
        format!("{luma:5.1}{blue:5.1}{red:5.1}")
    };
    let calm = resting.map_or(String::new(), |resting| triple(&|index| resting[index]));
    format!("{} {calm}", triple(&|_| true))
}

fn print_grain(path: &Path, picture: &Picture, resting: Option<&[bool]>) {
    println!("{:44} {:49} {}", name(path), "", grains(picture, resting));
}

fn print_rings(picture: &Picture) {
    for (ring, [red, green, blue]) in rings(picture, RINGS).into_iter().enumerate() {
        let place = if ring == RINGS { "inside".to_owned() } else { format!("ring {ring}") };
        println!("  {place:8} {red:6.1} {green:6.1} {blue:6.1}");
    }
}

/// For each place in the lines of the table: mean distances and mean ratios.
fn print_means(columns: &[Vec<(Verdict, Verdict)>]) {
    for (column, verdicts) in columns.iter().enumerate() {
        let mean = |value: &dyn Fn(&(Verdict, Verdict)) -> f64| {
            verdicts.iter().map(value).sum::<f64>() / verdicts.len() as f64
        };
        println!(
            "{:44} {:6.3} {:5.2} {:6.3} {:5.2}",
            format!("mean of {} pictures in place {}", verdicts.len(), column + 1),
            mean(&|(verdict, _)| verdict.style),
            mean(&|(verdict, first)| verdict.style / first.style),
            mean(&|(verdict, _)| verdict.content),
            mean(&|(verdict, first)| verdict.content / first.content),
        );
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
