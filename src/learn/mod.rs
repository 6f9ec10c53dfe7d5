//! Filters learned from a few pictures, without a file: layer by layer, the 3x3 filters of VGG19's topology become
//! directions that many whitened patches of the layer below point in.
//!
//! `docs/learned-filters.md` has the alternatives that were compared.

mod covariance;
mod directions;
mod error;
mod layer;
mod maps;
mod patches;
mod whitening;

pub use error::LearnError;

use crate::{
    BackendError,
    picture::Picture,
    plan::Size,
    random::Random,
    vgg19::{Layer, Normalisation},
    weights::Filters,
};
use error::MINIMUM_SIDE;
use maps::{Forward, Map};
use std::num::NonZeroUsize;

/// How filters are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnSettings {
    /// Decides everything that is random.
    pub seed: u64,
    /// The last layer that gets filters.
    pub deepest: Layer,
    /// Every picture is resized to `size * size` pixels, its aspect kept, and to a quarter of that.
    pub size: u32,
    /// Patches that a layer learns from, at most.
    pub patches: usize,
    /// Threads; none for one per core. They change only the time.
    pub threads: Option<NonZeroUsize>,
}

impl Default for LearnSettings {
    fn default() -> Self {
        LearnSettings {
            seed: 0,
            deepest: "relu4_1".parse().expect("a layer of VGG19"),
            size: 336,
            patches: 20_000,
            threads: None,
        }
    }
}

/// Sizes at which a picture is looked at, as multiples of [`LearnSettings::size`]: pictures are painted at several
/// sizes, and strokes that are too large for a filter at one of them fit at the next.
const SCALES: [f64; 2] = [1.0, 0.5];
/// Mean variance of normalised pixels below which pictures are considered flat: a step of 255 in every tenth pixel.
const MINIMUM_VARIANCE: f64 = 1e-5;

/// How far learning has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnProgress {
    /// The layer whose filters are learned now.
    pub layer: Layer,
    /// Which of all layers it is, from 1.
    pub number: usize,
    /// How many layers get filters.
    pub count: usize,
}

/// Learns filters from pictures, which all count the same. The same pictures and settings give the same bits.
///
/// Directions among whitened patches, greedily from the picture upwards, after Coates and Ng, "Learning Feature
/// Representations with K-means" (2012). Filters change as little as the pictures do: on processors that round differently
/// they are the same but for rounding.
///
/// # Errors
/// If there is no picture, one is too small, a pixel is not a number, all are flat, or the memory or the threads are
/// not available.
pub fn learn_filters(pictures: &[&Picture], settings: &LearnSettings) -> Result<Filters, LearnError> {
    learn_filters_observed(pictures, settings, &mut |_| {})
}

/// As [`learn_filters`]; `progress` is called before each layer.
///
/// # Errors
/// As [`learn_filters`].
pub fn learn_filters_observed(
    pictures: &[&Picture],
    settings: &LearnSettings,
    progress: &mut dyn FnMut(LearnProgress),
) -> Result<Filters, LearnError> {
    check(pictures)?;
    let mut forward = Forward::new(Normalisation::IMAGENET, settings.threads)?;
    let mut maps = Vec::new();
    for picture in pictures {
        for scale in SCALES {
            let size = learning_size(picture.size(), f64::from(settings.size) * scale);
            maps.push(forward.network_input(&picture.resize(size))?);
        }
    }
    for layer in settings.deepest.up_to() {
        progress(LearnProgress { layer, number: layer.index() + 1, count: settings.deepest.index() + 1 });
        if layer.is_after_pooling() {
            maps = each(&maps, |map| forward.max_pool(map, layer))?;
        }
        let shapes: Vec<_> = maps.iter().map(|map| map.shape).collect();
        let mut random = Random::new(settings.seed.wrapping_mul(1000).wrapping_add(500 + layer.index() as u64));
        let places = patches::places(&shapes, settings.patches, &mut random);
        let needed = layer.output_channels() as usize;
        if places.len() < needed {
            return Err(LearnError::TooFewPatches { layer, found: places.len(), needed });
        }
        let learned = forward.install(|| layer::learn_layer(maps.clone(), layer, settings.seed, &places));
        forward.push(learned);
        if layer != settings.deepest {
            maps = each(&maps, |map| forward.conv3x3(map, layer))?;
        }
    }
    Ok(forward.into_filters())
}

fn each(maps: &[Map], step: impl Fn(&Map) -> Result<Map, BackendError>) -> Result<Vec<Map>, BackendError> {
    maps.iter().map(step).collect()
}

fn check(pictures: &[&Picture]) -> Result<(), LearnError> {
    if pictures.is_empty() {
        return Err(LearnError::NoPicture);
    }
    let mut structure = false;
    for (index, picture) in pictures.iter().enumerate() {
        let number = index + 1;
        if picture.size().short_side() < MINIMUM_SIDE {
            return Err(LearnError::TooSmall { number, size: picture.size() });
        }
        if let Some(value) = picture.pixels().iter().find(|value| !value.is_finite()) {
            return Err(LearnError::NotFinite { number, value: *value });
        }
        structure |= (0..3).any(|channel| variance(picture, channel) > MINIMUM_VARIANCE);
    }
    if structure { Ok(()) } else { Err(LearnError::Flat) }
}

/// Variance of a channel over the pixels.
fn variance(picture: &Picture, channel: usize) -> f64 {
    let values = || picture.pixels().iter().skip(channel).step_by(3).map(|value| f64::from(*value));
    let count = picture.size().pixels() as f64;
    let mean = values().sum::<f64>() / count;
    values().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

/// The size with the same aspect and about `side * side` pixels.
fn learning_size(size: Size, side: f64) -> Size {
    let scale = side / (f64::from(size.width) * f64::from(size.height)).sqrt();
    let scaled = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    Size { width: scaled(size.width), height: scaled(size.height) }
}
