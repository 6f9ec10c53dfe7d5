//! Which filters a command works with: a file, the cached VGG19, or filters learned from the pictures themselves.

use super::{
    CliError,
    console::Console,
    weights::{fetch, source, user_cache},
};
use clap::Args;
use impasto::{
    learn::{LearnSettings, learn_filters},
    picture::Picture,
    vgg19::Layer,
    weights::{self, FetchError, Filters, Format},
};
use std::{
    convert::Infallible,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Options that name filters.
#[derive(Args)]
pub(crate) struct WeightsOptions {
    /// Filters: auto (VGG19 from the cache, else fetched once, else learned), learned (from the two pictures), or a
    /// safetensors file with torchvision's names
    #[arg(long, value_name = "auto|learned|FILE", default_value = "auto")]
    weights: WeightsChoice,

    /// What the file's first convolution expects: torchvision (RGB, normalised) or caffe (BGR, 0 to 255 less the mean)
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "torchvision")]
    weights_format: Format,

    /// Fetch this safetensors file, not torchvision's VGG19 from the Hugging Face hub or the mirror in HF_ENDPOINT
    #[arg(long, value_name = "URL")]
    weights_url: Option<String>,
}

#[derive(Clone, Debug)]
enum WeightsChoice {
    Auto,
    Learned,
    File(PathBuf),
}

impl FromStr for WeightsChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => WeightsChoice::Auto,
            "learned" => WeightsChoice::Learned,
            path => WeightsChoice::File(path.into()),
        })
    }
}

impl WeightsOptions {
    /// Filters as deep as they go, at most to `wanted`; a file that ends before `needed` is refused. If filters have to
    /// be learned, they are learned from `pictures`.
    pub fn load(
        &self,
        wanted: Layer,
        needed: Option<Layer>,
        pictures: &[&Picture],
        threads: Option<NonZeroUsize>,
        console: &Console,
    ) -> Result<Filters, CliError> {
        self.check()?;
        match &self.weights {
            WeightsChoice::File(path) => self.load_file(path, wanted, needed),
            WeightsChoice::Learned => learned(pictures, threads, console),
            WeightsChoice::Auto => match fetch(&source(self.weights_url.as_deref(), wanted), &user_cache()?) {
                Ok(path) => self.load_file(&path, wanted, needed),
                Err(error) if error.is_offline() => {
                    let way_out = match error {
                        FetchError::NotBuilt { .. } => "this impasto was built without fetching",
                        _ => "with a network \"impasto weights fetch\" gets it once and for all",
                    };
                    eprintln!(
                        "impasto: VGG19 cannot be fetched, so filters are learned from your two pictures; {way_out}"
                    );
                    learned(pictures, threads, console)
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    /// How deep [`Self::load`] would get, without loading, fetching or learning anything: a VGG19 that would have to be
    /// fetched counts as there.
    pub fn reach(&self, wanted: Layer) -> Result<Layer, CliError> {
        self.check()?;
        Ok(match &self.weights {
            WeightsChoice::File(path) => wanted.min(weights::info(path)?.deepest.unwrap_or(wanted)),
            WeightsChoice::Learned => LearnSettings::default().deepest,
            WeightsChoice::Auto => wanted,
        })
    }

    /// The file that is named, if one is.
    pub fn file(&self) -> Option<&Path> {
        match &self.weights {
            WeightsChoice::File(path) => Some(path),
            WeightsChoice::Auto | WeightsChoice::Learned => None,
        }
    }

    /// Resolves a relative path against another directory than the current one.
    pub fn look_in(&mut self, directory: &Path) {
        if let WeightsChoice::File(path) = &mut self.weights {
            *path = directory.join(&*path);
        }
    }

    /// Whether the options can be combined.
    fn check(&self) -> Result<(), CliError> {
        let (url, caffe) = (self.weights_url.is_some(), matches!(self.weights_format, Format::Caffe));
        match &self.weights {
            WeightsChoice::File(_) | WeightsChoice::Learned if url => {
                Err(CliError::Usage("--weights-url goes with --weights auto: leave one of the two out".to_owned()))
            }
            WeightsChoice::Auto | WeightsChoice::Learned if caffe && !url => Err(CliError::Usage(
                "--weights-format caffe is about a file of your own: name it with --weights or --weights-url"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn load_file(&self, path: &Path, wanted: Layer, needed: Option<Layer>) -> Result<Filters, CliError> {
        let reach = weights::info(path)?.deepest.unwrap_or(wanted);
        Ok(weights::load(path, self.weights_format, Some(wanted.min(reach)).max(needed).unwrap_or(wanted))?)
    }
}

/// Filters learned from pictures.
pub(crate) fn learned(
    pictures: &[&Picture],
    threads: Option<NonZeroUsize>,
    _console: &Console,
) -> Result<Filters, CliError> {
    Ok(learn_filters(pictures, &LearnSettings { threads, ..LearnSettings::default() })?)
}
