//! Options that several subcommands share, and the values they take.

use super::CliError;
use clap::{Args, ValueEnum};
use impasto::{
    Device, DeviceChoice, Engine,
    plan::Size,
    style::{Scaling, WeightedLayer},
    vgg19::Layer,
    weights::{self, Filters, Format},
};
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

/// Where to compute.
#[derive(Args)]
pub(crate) struct DeviceOptions {
    /// What computes: auto, cpu, or a GPU by its index or part of its name (see `impasto devices`)
    #[arg(long, value_name = "auto|cpu|INDEX|NAME", default_value = "auto")]
    pub device: DeviceChoice,

    /// Threads of the CPU back end [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

impl DeviceOptions {
    pub fn open(&self) -> Result<Device, CliError> {
        Ok(Device::open(&self.device, self.threads)?)
    }
}

/// Which filters.
#[derive(Args)]
pub(crate) struct WeightsOptions {
    /// Filters of VGG19: a safetensors file with torchvision's names
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,

    /// What the file's first convolution expects: torchvision (RGB, normalised) or caffe (BGR, 0 to 255 less the mean)
    #[arg(long, value_enum, default_value = "torchvision")]
    pub weights_format: WeightsFormat,
}

impl WeightsOptions {
    /// Loads the filters up to `deepest`, or as deep as the file goes.
    pub fn load(&self, deepest: Option<Layer>) -> Result<Filters, CliError> {
        let format = match self.weights_format {
            WeightsFormat::Torchvision => Format::Torchvision,
            WeightsFormat::Caffe => Format::Caffe,
        };
        Ok(match deepest {
            Some(deepest) => weights::load(&self.weights, format, deepest)?,
            None => weights::load_all(&self.weights, format)?,
        })
    }
}

/// Opens the device and copies the filters to it.
pub(crate) fn engine(device: &DeviceOptions, filters: Filters) -> Result<Engine, CliError> {
    Ok(Engine::new(&device.open()?, Arc::new(filters))?)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WeightsFormat {
    Torchvision,
    Caffe,
}

/// How losses are measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LossScaling {
    /// Squared error over the target's squares: free of units
    Relative,
    /// Mean squared error: the classic values
    Mse,
}

impl From<LossScaling> for Scaling {
    fn from(scaling: LossScaling) -> Scaling {
        match scaling {
            LossScaling::Relative => Scaling::Relative,
            LossScaling::Mse => Scaling::Mse,
        }
    }
}

/// `relu4_2` or `relu4_2=0.5`.
pub(crate) fn weighted_layer(text: &str) -> Result<WeightedLayer, String> {
    let (name, weight) = text.split_once('=').map_or((text, None), |(name, weight)| (name, Some(weight)));
    let layer = name.trim().parse::<Layer>().map_err(|error| error.to_string())?;
    let weight = weight.map_or(Ok(1.0), |weight| finite(weight.trim()))?;
    Ok(WeightedLayer { layer, weight })
}

/// A number that is one: no NaN, no infinity.
pub(crate) fn finite(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("\"{text}\" is not a finite number")),
        Err(_) => Err(format!("\"{text}\" is not a number")),
    }
}

/// `WxH`.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let sides =
        text.split_once(['x', 'X']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width, height)) if (1..=32768).contains(&width) && (1..=32768).contains(&height) => {
            Ok(Size { width, height })
        }
        _ => Err(format!("\"{text}\" is not a size: write width x height in pixels, like 512x384")),
    }
}
