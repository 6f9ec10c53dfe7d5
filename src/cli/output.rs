//! Where a painted picture goes: a file or standard output; where neither takes it, some other place that does.

use super::{CliError, input::is_standard_stream};
use directories::BaseDirs;
use impasto::{
    cache_directory::{CACHE_VARIABLE, cache_directory},
    picture::{Encoding, Picture, PictureError, check_writable},
    plan::Size,
};
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// What errors call standard output.
const STANDARD_OUTPUT: &str = "standard output";

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// The file; `-` for standard output.
    path: PathBuf,
    encoding: Encoding,
}

/// Where a picture is.
#[derive(Debug)]
pub(crate) enum Placed {
    /// Where it was to go.
    AsAsked,
    /// Elsewhere, because of an error.
    Elsewhere { error: Box<CliError>, path: PathBuf },
}

impl Destination {
    /// # Errors
    /// If a quality is given for a file that has none.
    pub fn new(path: PathBuf, jpeg_quality: Option<u8>) -> Result<Destination, CliError> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match jpeg_quality {
            None => Ok(Destination { path, encoding: Encoding::default() }),
            Some(_) if !matches!(extension.as_deref(), Some("jpg" | "jpeg")) => Err(CliError::Usage(format!(
                "--quality is for JPEG files, but {} is none: leave it out, or name a .jpg",
                path.display()
            ))),
            Some(jpeg_quality) => Ok(Destination { path, encoding: Encoding { jpeg_quality, ..Encoding::default() } }),
        }
    }

    /// The file, unless it is standard output.
    pub fn file(&self) -> Option<&Path> {
        (!is_standard_stream(&self.path)).then_some(&self.path)
    }

    /// What the user calls it.
    pub fn name(&self) -> String {
        self.file().map_or(STANDARD_OUTPUT.to_owned(), |path| path.display().to_string())
    }

    /// Checks, before the work, that a picture of this size can be written.
    pub fn check(&self, size: Size) -> Result<(), CliError> {
        match self.file() {
            Some(path) => Ok(check_writable(path, size, &self.encoding)?),
            None if io::stdout().is_terminal() => Err(CliError::Usage(
                "-o - writes a PNG to standard output, which is a terminal: send it to a file or a program".to_owned(),
            )),
            None => Ok(()),
        }
    }

    /// Writes a picture.
    pub fn save(&self, picture: &Picture) -> Result<(), CliError> {
        match self.file() {
            Some(path) => Ok(picture.save_as(path, &self.encoding)?),
            None => {
                let bytes = picture.to_png(STANDARD_OUTPUT, &self.encoding)?;
                let mut output = io::stdout().lock();
                output.write_all(&bytes).and_then(|()| output.flush()).map_err(|reason| {
                    let path = STANDARD_OUTPUT.into();
                    PictureError::Write { path, reason }.into()
                })
            }
        }
    }

    /// Writes a picture or, where that fails, keeps it elsewhere: it took long to paint.
    ///
    /// # Errors
    /// If it cannot be kept anywhere.
    pub fn place(&self, picture: &Picture) -> Result<Placed, CliError> {
        let error = match self.save(picture) {
            Ok(()) => return Ok(Placed::AsAsked),
            Err(error) => error,
        };
        match other_places().into_iter().find_map(|directory| keep(picture, &self.path, &directory)) {
            Some(path) => Ok(Placed::Elsewhere { error: Box::new(error), path }),
            None => Err(error),
        }
    }
}

/// Directories that may have room where another has not, the likeliest to be looked into first.
fn other_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from(".")];
    places.extend(BaseDirs::new().map(|user| user.home_dir().to_owned()));
    places.extend(cache_directory(std::env::var_os(CACHE_VARIABLE).as_deref()).ok());
    places.push(std::env::temp_dir());
    places
}

/// Saves a picture as a new PNG in a directory; none if that fails.
fn keep(picture: &Picture, meant: &Path, directory: &Path) -> Option<PathBuf> {
    let stem = if is_standard_stream(meant) { "impasto".into() } else { meant.file_stem()?.to_string_lossy() };
    let path = free_name(directory, &stem)?;
    picture.save(&path).is_ok().then(|| fs::canonicalize(&path).unwrap_or(path))
}

/// `stem.png`, or `stem-2.png` and so on if that is taken.
pub(crate) fn free_name(directory: &Path, stem: &str) -> Option<PathBuf> {
    let names = (1..10_000).map(|number| match number {
        1 => format!("{stem}.png"),
        _ => format!("{stem}-{number}.png"),
    });
    names.map(|name| directory.join(name)).find(|path| path.symlink_metadata().is_err())
}
