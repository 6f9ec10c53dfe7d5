//! Which filters a command works with: a file, the cached VGG19, or filters learned from the pictures themselves.

use super::{
    CliError,
    weights::{fetch, source, user_cache},
};
use clap::{Args, ValueEnum};
use impasto::{
    picture::Picture,
    vgg19::Layer,
    weights::{self, Filters, Format, LearnSettings},
};
use std::{
    convert::Infallible,
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
    weights_format: WeightsFormat,

    /// Fetch VGG19 from this address of a safetensors file
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WeightsFormat {
    Torchvision,
    Caffe,
}

impl WeightsOptions {
    /// Filters as deep as they go, `wanted` at most; `pictures` are what filters would be learned from.
    pub fn load(&self, wanted: Layer, pictures: &[&Picture]) -> Result<Filters, CliError> {
        match &self.weights {
            WeightsChoice::File(path) => self.load_file(path, wanted),
            WeightsChoice::Learned => learned(pictures),
            WeightsChoice::Auto => match fetch(&source(self.weights_url.as_deref(), wanted), &user_cache()?) {
                Ok(path) => self.load_file(&path, wanted),
                Err(error) if error.is_offline() => {
                    eprintln!(
                        "impasto: VGG19 cannot be fetched, so filters are learned from your two pictures; \
                         with a network \"impasto weights fetch\" gets it once and for all"
                    );
                    learned(pictures)
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    fn load_file(&self, path: &Path, wanted: Layer) -> Result<Filters, CliError> {
        let format = match self.weights_format {
            WeightsFormat::Torchvision => Format::Torchvision,
            WeightsFormat::Caffe => Format::Caffe,
        };
        let reach = weights::info(path)?.deepest.unwrap_or(wanted);
        Ok(weights::load(path, format, wanted.min(reach))?)
    }
}

/// Filters learned from pictures.
pub(crate) fn learned(pictures: &[&Picture]) -> Result<Filters, CliError> {
    Ok(weights::learn(pictures, &LearnSettings::default())?)
}
