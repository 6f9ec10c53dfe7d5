//! The files of `impasto stylize`: which are read and written, and that none is both.

use super::arguments::{Arguments, InitChoice};
use crate::cli::{
    CliError,
    console::Console,
    input::{is_standard_stream, read_picture},
    output::{Carried, Destination, named_after},
    overwrite::{Input, Output, check_files},
    paint::Checkpoints,
    painting_options::used_mask,
    resume::Notes,
};
use impasto::{options::detail_for, plan::Size, style::Inputs};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What is painted from.
pub(crate) struct Pictures {
    pub inputs: Inputs,
    /// The photograph's own size.
    pub own: Size,
    /// The long side of the result.
    pub long: u32,
    /// What goes from the photograph into the result.
    pub carried: Carried,
}

impl Arguments {
    /// Reads all pictures.
    pub fn pictures(&self, console: &Console) -> Result<Pictures, CliError> {
        let files = self.regions.paintings(&self.style);
        self.masks.check(&self.look.paintings, files.len())?;
        let content = read_picture(&self.content, self.sizes.detail(), console)?;
        let long = self.sizes.long_side(content.size);
        if let Some(filled) = self.sizes.on_paper(content.size) {
            console.detail(&filled);
        }
        let keep = self.regions.keep.as_deref();
        let keep = keep.map(|path| used_mask(path, detail_for(long), "of what is kept")).transpose()?;
        let paintings = self.masks.read(&files, &self.look.paintings, Some(long), console)?;
        let carried = Carried::of(&content, self.keep_exif, console);
        let own = content.size;
        Ok(Pictures {
            inputs: Inputs { content: content.picture, alpha: content.alpha, keep, paintings },
            own,
            long,
            carried,
        })
    }

    /// Where the checkpoints go and how often. `notes` go into them.
    pub fn checkpoints(
        &self,
        notes: impl FnOnce() -> Result<Notes, CliError>,
    ) -> Result<Option<Checkpoints>, CliError> {
        let of_path = |path: &PathBuf| {
            Ok(Checkpoints { path: path.clone(), every: Duration::from_secs(self.checkpoint_every), notes: notes()? })
        };
        self.checkpoint.as_ref().map(of_path).transpose()
    }

    /// Where the result goes.
    pub fn destination(&self) -> Result<Destination, CliError> {
        let path = self.output.clone().unwrap_or_else(|| self.free_output());
        if is_standard_stream(&path) && self.save_every.is_some() {
            return Err(CliError::Usage(
                "--save-every names its pictures after the result's file: name one with -o".to_owned(),
            ));
        }
        Ok(Destination::new(path, self.jpeg_quality, self.depth)?.at_density(self.sizes.density()))
    }

    /// A new file in the current directory, named after all pictures.
    fn free_output(&self) -> PathBuf {
        let paintings = self.regions.paintings(&self.style);
        let paintings = paintings.iter().map(|file| (file.painting, "painting"));
        named_after([(self.content.as_path(), "photograph")].into_iter().chain(paintings), "")
    }

    /// Every file that is read.
    pub fn inputs(&self) -> Vec<Input> {
        let mut inputs = vec![Input::new("the photograph", &self.content)];
        inputs.extend(self.style.iter().map(|path| Input::new("the painting", path)));
        inputs.extend(self.masks.inputs().chain(self.regions.inputs()));
        if let InitChoice::File(path) = &self.init {
            inputs.push(Input::new("the picture to start from", path));
        }
        inputs.extend(self.weights.file().map(|path| Input::new("the file of filters", path)));
        inputs
    }

    /// Checks, before anything is read or written, that files are named once.
    pub fn check_files(&self, destination: &Destination) -> Result<(), CliError> {
        let inputs = self.inputs();
        let outputs =
            [("-o", destination.file()), ("--log", self.log.as_deref()), ("--checkpoint", self.checkpoint.as_deref())];
        let outputs = outputs.into_iter().filter_map(|(option, path)| Some(Output { option, path: path? }));
        check_files(&inputs, &outputs.collect::<Vec<_>>())
    }

    /// Resolves relative paths against another directory than the current one.
    pub fn look_in(&mut self, directory: &Path) {
        let optional = [&mut self.output, &mut self.log, &mut self.checkpoint].into_iter().flatten();
        for path in [&mut self.content].into_iter().chain(&mut self.style).chain(optional) {
            if !is_standard_stream(path) {
                *path = directory.join(&*path);
            }
        }
        if let InitChoice::File(path) = &mut self.init {
            *path = directory.join(&*path);
        }
        self.masks.look_in(directory);
        self.regions.look_in(directory);
        self.weights.look_in(directory);
    }
}
