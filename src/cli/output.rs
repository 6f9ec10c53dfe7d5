//! Where a painted picture goes: a file or standard output; where neither takes it, some other place that does.

use super::{CliError, console::Console, input::is_standard_stream, machine_options::cache};
use directories::BaseDirs;
use impasto::{
    picture::{Depth, Encoding, Mask, Omission, Opened, Picture, check_writable, record_fits},
    plan::Size,
};
use std::{
    fs,
    io::{self, IsTerminal},
    num::NonZeroU16,
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

/// What goes from the photograph into the result, besides what is painted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// How opaque it is.
    pub alpha: Option<Mask>,
    /// What it says of camera and place, if that is to be kept.
    pub exif: Option<Vec<u8>>,
}

impl Carried {
    pub fn of(photograph: &Opened, keep_exif: bool, console: &Console) -> Carried {
        let exif = photograph.exif.clone().filter(|_| keep_exif);
        if keep_exif && exif.is_none() {
            console.say("--keep-exif keeps nothing: the photograph has no EXIF data that can be passed on");
        }
        Carried { alpha: photograph.alpha.clone(), exif }
    }
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
    pub fn new(path: PathBuf, jpeg_quality: Option<u8>, depth: Depth) -> Result<Destination, CliError> {
        let encoding = Encoding { depth, ..Encoding::default() };
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match jpeg_quality {
            None => Ok(Destination { path, encoding }),
            Some(_) if !matches!(extension.as_deref(), Some("jpg" | "jpeg")) => Err(CliError::Usage(format!(
                "--jpeg-quality is for JPEG files, but {} is none: leave it out, or name a .jpg",
                path.display()
            ))),
            Some(jpeg_quality) => Ok(Destination { path, encoding: Encoding { jpeg_quality, ..encoding } }),
        }
    }

    /// Lets the file say how many of its pixels make an inch.
    pub fn at_density(self, density: Option<NonZeroU16>) -> Destination {
        Destination { encoding: Encoding { density, ..self.encoding }, ..self }
    }

    /// Takes what goes from the photograph into the result, and says what of it has no place there.
    pub fn carry(&mut self, carried: Carried, console: &Console) {
        self.encoding.alpha = carried.alpha;
        self.encoding.exif = carried.exif;
        for omission in self.file().map(|path| self.encoding.omissions(path)).unwrap_or_default() {
            console.say(&omission.to_string());
        }
    }

    /// Lets the picture remember how it was made.
    pub fn remember(&mut self, record: String, console: &Console) {
        if !record_fits(&record) {
            console.say("the options are too many for the picture to remember: it is written without them");
            return;
        }
        self.encoding.record = Some(record);
        let omissions = self.file().map(|path| self.encoding.omissions(path)).unwrap_or_default();
        for omission in omissions.iter().filter(|omission| matches!(omission, Omission::Record(_))) {
            console.note(&omission.to_string());
        }
    }

    /// How pictures are written, those on the way too.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
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
            None => Ok(picture.write_png(STANDARD_OUTPUT, &self.encoding, io::stdout().lock())?),
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
        match other_places().into_iter().find_map(|directory| self.keep(picture, &directory)) {
            Some(path) => Ok(Placed::Elsewhere { error: Box::new(error), path }),
            None => Err(error),
        }
    }

    /// Saves a picture as a new PNG in a directory; none if that fails.
    fn keep(&self, picture: &Picture, directory: &Path) -> Option<PathBuf> {
        let stem = match self.file() {
            Some(path) => path.file_stem()?.to_string_lossy(),
            None => "impasto".into(),
        };
        let path = free_name(directory, &stem, "png")?;
        picture.save_as(&path, &self.encoding).is_ok().then(|| fs::canonicalize(&path).unwrap_or(path))
    }
}

/// Directories that may have room where another has not, the likeliest to be looked into first.
fn other_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from(".")];
    places.extend(BaseDirs::new().map(|user| user.home_dir().to_owned()));
    places.extend(cache());
    places.push(std::env::temp_dir());
    places
}

/// A new picture in the current directory, named after all that it is made of: files, or what to call standard input.
pub(crate) fn named_after<'a>(parts: impl IntoIterator<Item = (&'a Path, &'static str)>, ending: &str) -> PathBuf {
    let stem = |(path, stream): (&Path, &str)| {
        let stem = if is_standard_stream(path) { None } else { path.file_stem() };
        stem.map_or(stream.to_owned(), |stem| stem.to_string_lossy().into_owned())
    };
    let name = parts.into_iter().map(stem).collect::<Vec<_>>().join("-") + ending;
    free_name(Path::new(""), &name, "png").unwrap_or_else(|| format!("{name}.png").into())
}

/// `stem.extension`, or `stem-2.extension` and so on if that is taken.
pub(crate) fn free_name(directory: &Path, stem: &str, extension: &str) -> Option<PathBuf> {
    let names = (1..10_000).map(|number| match number {
        1 => format!("{stem}.{extension}"),
        _ => format!("{stem}-{number}.{extension}"),
    });
    names.map(|name| directory.join(name)).find(|path| path.symlink_metadata().is_err())
}
