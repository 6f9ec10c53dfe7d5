//! Filters learned from a few pictures, without a file: layer by layer, each 3x3 filter of VGG19's topology is a
//! direction that many whitened patches of the layer below point in.

mod covariance;
mod kmeans;
mod maps;
mod product;
mod whitening;

use super::filters::{ConvolutionFilters, Filters, Normalisation};
use crate::{BackendError, picture::Picture, plan::Size, random::Random, vgg19::Layer};
use covariance::{Statistics, centre, covariance};
use maps::{Forward, Map};
use product::Matrix;
use rayon::prelude::*;
use std::{num::NonZeroUsize, sync::Arc};

/// How filters are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnSettings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The last layer that gets filters.
    pub deepest: Layer,
    /// Pictures are resized to `size * size` pixels, their aspect kept.
    pub size: u32,
    /// Patches that a layer learns from, at most.
    pub patches: usize,
    /// Rounds of k-means.
    pub rounds: usize,
    /// Threads; none for one per core. They change nothing but the time.
    pub threads: Option<NonZeroUsize>,
}

impl Default for LearnSettings {
    fn default() -> Self {
        LearnSettings {
            seed: 0,
            deepest: Layer::DEEPEST.up_to().find(|layer| layer.name() == "relu4_1").unwrap_or(Layer::DEEPEST),
            size: 333,
            patches: 20_000,
            rounds: 8,
            threads: None,
        }
    }
}

/// Pixels that a picture needs on each side.
const MINIMUM_SIDE: u32 = 16;
/// Variance of normalised pixels below which pictures are taken for flat: less than one step of 255 in one pixel of a
/// hundred.
const MINIMUM_VARIANCE: f32 = 1e-6;
/// Directions that are kept of a patch at least, if it has as many.
const MINIMUM_DIRECTIONS: usize = 32;

/// Why no filters were learned.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Nothing to learn from.
    #[error("no picture is given to learn filters from: give at least one")]
    NoPicture,
    /// A picture of a few pixels.
    #[error(
        "picture {number} has {size} pixels, too few to learn filters from: use one of at least {MINIMUM_SIDE} on each side"
    )]
    TooSmall {
        /// Which picture, from 1.
        number: usize,
        /// Its size.
        size: Size,
    },
    /// All pictures are of one colour.
    #[error(
        "there is nothing to learn from pictures of a single colour: add one with structure, or use a weights file"
    )]
    Flat,
    /// More filters than patches to learn them from.
    #[error(
        "the pictures give {found} patches to learn the {needed} filters of {layer} from: use larger or more pictures, or end at a layer nearer to the picture"
    )]
    TooFewPatches {
        /// The layer.
        layer: Layer,
        /// Patches there are.
        found: usize,
        /// Filters of the layer.
        needed: usize,
    },
    /// The CPU back end failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Learns filters from pictures, which all count the same.
///
/// # Errors
/// If a picture is too small, all are flat, or the memory or the threads are not to be had.
pub fn learn(pictures: &[&Picture], settings: &LearnSettings) -> Result<Filters, LearnError> {
    if pictures.is_empty() {
        return Err(LearnError::NoPicture);
    }
    for (index, picture) in pictures.iter().enumerate() {
        if picture.size.width.min(picture.size.height) < MINIMUM_SIDE {
            return Err(LearnError::TooSmall { number: index + 1, size: picture.size });
        }
    }
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads.map_or(0, NonZeroUsize::get))
        .build()
        .map_err(|error| BackendError::Threads { reason: error.to_string() })?;
    let filters = Arc::new(Filters { normalisation: Normalisation::IMAGENET, layers: Vec::new() });
    let mut forward = Forward { filters, threads: settings.threads };
    let mut maps = Vec::with_capacity(pictures.len());
    for picture in pictures {
        maps.push(forward.network_input(&picture.resize(learning_size(picture.size, settings.size)))?);
    }
    let each = |maps: &[Map], step: &dyn Fn(&Map) -> Result<Map, BackendError>| {
        maps.iter().map(step).collect::<Result<Vec<_>, _>>()
    };
    for layer in settings.deepest.up_to() {
        let time = std::time::Instant::now();
        if layer.is_after_pooling() {
            maps = each(&maps, &|map| forward.max_pool(map, layer))?;
        }
        let learned = threads.install(|| learn_layer(&maps, layer, settings))?;
        let t1 = time.elapsed();
        Arc::make_mut(&mut forward.filters).layers.push(learned);
        if layer != settings.deepest {
            maps = each(&maps, &|map| forward.conv3x3(map, layer))?;
        }
        eprintln!("{layer}: learn {:.3} all {:.3}", t1.as_secs_f64(), time.elapsed().as_secs_f64());
    }
    Ok(Arc::unwrap_or_clone(forward.filters))
}

/// The size with the same aspect and about `side * side` pixels.
fn learning_size(size: Size, side: u32) -> Size {
    let scale = f64::from(side) / (f64::from(size.width) * f64::from(size.height)).sqrt();
    let scaled = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    Size { width: scaled(size.width), height: scaled(size.height) }
}

fn learn_layer(maps: &[Map], layer: Layer, settings: &LearnSettings) -> Result<ConvolutionFilters, LearnError> {
    let mut random = Random::new(settings.seed.wrapping_mul(1000).wrapping_add(layer.index() as u64));
    let (channels, count) = (maps[0].shape.channels as usize, layer.output_channels() as usize);
    let dims = 9 * channels;
    let time = std::time::Instant::now();
    let mut centred = maps.to_vec();
    let mean = centre(&mut centred);
    let statistics = Statistics { mean, covariance: covariance(&centred) };
    let varying = (0..dims).filter(|i| statistics.covariance[i * dims + i] > 0.0).count();
    let variance = (0..dims).map(|i| statistics.covariance[i * dims + i]).sum::<f32>() / dims as f32;
    if layer == Layer::FIRST && (variance.is_nan() || variance < MINIMUM_VARIANCE) {
        return Err(LearnError::Flat);
    }
    let t_cov = time.elapsed();
    let directions = varying.min(count.max(MINIMUM_DIRECTIONS));
    let whitening = whitening::whitening(&statistics.covariance, dims, directions, &mut random);
    let t_white = time.elapsed();
    let places = places(&centred, settings.patches, &mut random);
    if places.len() < count {
        return Err(LearnError::TooFewPatches { layer, found: places.len(), needed: count });
    }
    let projected = project(&centred, &places, &whitening, directions);
    let t_proj = time.elapsed();
    let mut rows = projected.clone();
    rows.par_chunks_mut(directions).for_each(|row| {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter_mut().for_each(|value| *value /= length + 1e-3);
    });
    let clusters = kmeans::spherical_k_means(&rows, directions, count, settings.rounds, &mut random);
    let t_km = time.elapsed();
    let scores =
        Matrix::of_rows(&projected, directions).times(Matrix::of_rows(&clusters.directions, directions).transposed());
    let mut deviation = vec![0.0_f64; count];
    let mut means = vec![0.0_f64; count];
    for row in scores.chunks_exact(count) {
        for j in 0..count {
            means[j] += f64::from(row[j]);
            deviation[j] += f64::from(row[j]).powi(2);
        }
    }
    let n = places.len() as f64;
    let scale: Vec<f32> = (0..count)
        .map(|j| {
            let m = means[j] / n;
            (1.0 / (deviation[j] / n - m * m).max(1e-12).sqrt()) as f32
        })
        .collect();
    let mut scaled = clusters.directions.clone();
    scaled.chunks_exact_mut(directions).zip(&scale).for_each(|(d, s)| d.iter_mut().for_each(|v| *v *= s));
    let weight = Matrix::of_rows(&whitening, directions).times(Matrix::of_rows(&scaled, directions).transposed());
    let mut bias = vec![0.0_f32; count];
    for (row, values) in weight.chunks_exact(count).enumerate() {
        let m = statistics.mean[row % channels];
        bias.iter_mut().zip(values).for_each(|(b, w)| *b -= m * w);
    }
    eprintln!(
        "  cov {:.3} white {:.3} proj {:.3} km {:.3} n {} k {} explained {:?}",
        t_cov.as_secs_f64(),
        (t_white - t_cov).as_secs_f64(),
        (t_proj - t_white).as_secs_f64(),
        (t_km - t_proj).as_secs_f64(),
        places.len(),
        directions,
        clusters.explained
    );
    Ok(ConvolutionFilters { input_channels: channels, output_channels: count, weight, bias })
}

/// Which patches are looked at: map and first value of the patch's upper left pixel. The same number from each map, as
/// far as it has them, all inside the map.
fn places(maps: &[Map], patches: usize, random: &mut Random) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (index, map) in maps.iter().enumerate() {
        let (width, height) = (map.shape.width as usize, map.shape.height as usize);
        let (across, down) = (width.saturating_sub(2), height.saturating_sub(2));
        let mut inside: Vec<usize> = (0..across * down).collect();
        let count = (patches / maps.len()).min(inside.len());
        for chosen in 0..count {
            let other = chosen + random.below(inside.len() - chosen);
            inside.swap(chosen, other);
        }
        inside.truncate(count);
        inside.sort_unstable();
        places.extend(
            inside.into_iter().map(|i| (index, map.shape.pixel(i % across, i / across) * map.shape.channels as usize)),
        );
    }
    places
}

fn project(maps: &[Map], places: &[(usize, usize)], whitening: &[f32], directions: usize) -> Vec<f32> {
    let mut projected = vec![0.0; places.len() * directions];
    projected.par_chunks_mut(512 * directions).zip(places.par_chunks(512)).for_each(|(output, places)| {
        let dims = whitening.len() / directions;
        let mut patches = Vec::with_capacity(places.len() * dims);
        for &(map, first) in places {
            let map = &maps[map];
            let channels = map.shape.channels as usize;
            for dy in 0..3 {
                patches
                    .extend_from_slice(&map.values[first + dy * map.shape.padded_width() * channels..][..3 * channels]);
            }
        }
        product::multiply(Matrix::of_rows(&patches, dims), Matrix::of_rows(whitening, directions), output, 0.0);
    });
    projected
}
