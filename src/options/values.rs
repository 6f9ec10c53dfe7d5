//! The values that options take, from text. What is wrong with one is said in words that quote it.

use crate::{
    picture::Depth,
    plan::Size,
    style::{LONGEST_SIDE, Quality, WeightedLayer},
    vgg19::Layer,
};
use clap::ValueEnum;
use std::str::FromStr;

/// `relu4_2` or `relu4_2=0.5`.
pub fn weighted_layer(text: &str) -> Result<WeightedLayer, String> {
    let (name, weight) = text.split_once('=').map_or((text, None), |(name, weight)| (name, Some(weight)));
    let layer = name.trim().parse::<Layer>().map_err(|error| error.to_string())?;
    let weight = weight.map_or(Ok(1.0), |weight| finite(weight.trim()))?;
    Ok(WeightedLayer { layer, weight })
}

/// A finite number: no NaN, no infinity.
pub fn finite(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("\"{text}\" is not a finite number")),
        Err(_) => Err(format!("\"{text}\" is not a number")),
    }
}

/// A finite number above zero.
pub fn positive_number(text: &str) -> Result<f32, String> {
    match finite(text)? {
        value if value > 0.0 => Ok(value),
        value => Err(format!("{value} is not above zero")),
    }
}

/// A whole number of a type that excludes zero.
pub fn positive<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a whole number above zero"))
}

/// `WxH`.
pub fn size(text: &str) -> Result<Size, String> {
    let sides =
        text.split_once(['x', 'X']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width, height)) if width.max(height) > LONGEST_SIDE => {
            Err(format!("{width}x{height} is too large: a picture has at most {LONGEST_SIDE} pixels on a side"))
        }
        Some((width @ 1.., height @ 1..)) => Ok(Size { width, height }),
        _ => Err(format!("\"{text}\" is not a size: write width x height in pixels, like 512x384")),
    }
}

/// `draft`, `normal` or `fine`.
pub(super) fn quality(name: &str) -> Result<Quality, String> {
    Quality::from_str(name, true).map_err(|_| match name.parse::<u8>() {
        Ok(number) => format!("for the quality of a JPEG file say --jpeg-quality {number}"),
        Err(_) => "there are draft, normal and fine".to_owned(),
    })
}

/// 8 or 16 bits.
pub fn depth(text: &str) -> Result<Depth, String> {
    match text {
        "8" => Ok(Depth::Eight),
        "16" => Ok(Depth::Sixteen),
        _ => Err(format!("\"{text}\" is not 8 or 16")),
    }
}
