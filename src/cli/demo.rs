//! `impasto demo`.

use super::{
    CliError,
    console::Console,
    finish::finish,
    machine_options::DeviceOptions,
    output::Destination,
    paint::Keeping,
    progress::Progress,
    record::{Painted, Record},
    weights_options::learned,
};
use clap::Args;
use impasto::{
    Device, Engine,
    demo::{DRAWN, brushwork, townscape},
    picture::{Depth, Picture},
    printable::printable,
    style::{Inputs, Painting, Recipe},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Draw a town and a painting, and paint one like the other: needs no file
///
/// The drawn pictures and the result are saved side by side. Filters are learned from the two pictures on the spot, so
/// neither a network nor a weights file is needed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the result goes; the drawn pictures go to OUT-content.png and OUT-style.png beside it
    #[arg(long, short, value_name = "PICTURE", default_value = "demo.png")]
    output: PathBuf,

    #[command(flatten)]
    device: DeviceOptions,
}

pub(crate) fn run(arguments: &Arguments, console: &Console, answer: &mut dyn Write) -> Result<(), CliError> {
    let mut destination = Destination::new(arguments.output.clone(), None, Depth::default())?;
    destination.check(DRAWN)?;
    let device = arguments.device.open(console)?;
    let (content, style) = (townscape(DRAWN), brushwork(DRAWN));
    let drawn = [(&content, "content"), (&style, "style")].map(|(picture, name)| (picture, beside(arguments, name)));
    for (picture, path) in &drawn {
        picture.save(path)?;
    }
    paint(arguments, &device, &content, &style, &mut destination, console)?;
    let (content, style) = (drawn[0].1.display(), drawn[1].1.display());
    let line = format!("{}: {content} painted like {style}", destination.name());
    writeln!(answer, "{}", printable(&line))?;
    Ok(())
}

fn beside(arguments: &Arguments, name: &str) -> PathBuf {
    let stem = arguments.output.file_stem().unwrap_or_else(|| Path::new("demo").as_os_str()).to_string_lossy();
    arguments.output.with_file_name(format!("{stem}-{name}.png"))
}

fn paint(
    arguments: &Arguments,
    device: &Device,
    content: &Picture,
    style: &Picture,
    destination: &mut Destination,
    console: &Console,
) -> Result<(), CliError> {
    let filters = learned(&[content, style], arguments.device.threads, console)?;
    let recipe = Recipe { size: 512, ..Recipe::for_filters(&filters) };
    let engine = Engine::new(device, Arc::new(filters))?;
    let mut painting = Painting::new(&engine, Inputs::new(content.clone(), style.clone()), recipe).map_err(Box::new)?;
    let (recipe, size) = (painting.recipe(), painting.last_size());
    let record = Record::new("demo", &[], &Painted { engine: &engine, recipe, size, inputs: Vec::new() });
    destination.remember(record.to_text(), console);
    let mut progress = Progress::new(console, painting.recipe(), painting.sizes());
    // Its size is fixed.
    let named = |_| "a device with more memory".to_owned();
    finish(&mut painting, &engine, &Keeping::only(destination), &mut progress, named)?;
    Ok(())
}
