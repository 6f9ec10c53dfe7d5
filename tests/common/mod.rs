//! What several tests need.

#[cfg(all(feature = "studio", feature = "fetch"))]
pub mod browser;
#[cfg(feature = "fetch")]
pub mod server;

use half::{bf16, f16};
use impasto::{
    Session,
    gpu::{Adapter, Gpu, ShaderChecks, adapters},
    plan::{Border, FeatureShape, Network, Plan, Pooling, Routine, Size, SlotId, Storage, Style, Tensor, Term, Window},
    random::Random,
    style::WeightedLayer,
    vgg19::Layer,
    weights::{Filters, Normalisation, generated},
};
use safetensors::{Dtype, View};
use std::{
    borrow::Cow,
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;

/// The directory with files too large for the repository, if there is one: IMPASTO_SHARED, or `shared` beside the
/// repository.
pub fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    Some(std::env::var_os("IMPASTO_SHARED").map_or_else(beside, PathBuf::from)).filter(|directory| directory.is_dir())
}

/// A number of the system's about a process, such as `VmHWM`, the most memory that it took, in KiB.
#[cfg(target_os = "linux")]
pub fn in_status(process: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux says what a process takes");
    let mut entries = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = entries.find(|(name, _)| *name == what).expect("a process that lives has a size");
    value.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

pub fn layer(name: &str) -> Layer {
    name.parse().unwrap()
}

/// Content losses against the photograph, style losses against one painting, and total variation.
pub fn terms(content: &[&str], style: &[&str]) -> Vec<Term> {
    let content = content.iter().map(|name| Term::Content(layer(name)));
    let style = style.iter().map(|name| Term::gram(layer(name), 0));
    content.chain(style).chain([Term::TotalVariation]).collect()
}

/// Layers with equal weights.
pub fn weighted(names: &[&str]) -> Vec<WeightedLayer> {
    names.iter().map(|name| WeightedLayer { layer: layer(name), weight: 1.0 }).collect()
}

/// The default recipe's network for a whole picture, on whole maps in f32.
pub fn network(size: Size) -> Network {
    Network {
        window: Window::whole(size),
        border: Border::Replicate,
        pooling: Pooling::Max,
        normalisation: Normalisation::IMAGENET,
        storage: Storage::PLAIN,
    }
}

/// The first GPU, which may be a software driver.
pub fn adapter() -> Adapter {
    adapters().into_iter().next().expect("a Vulkan driver: tools/setup installs one")
}

/// That GPU, opened once for all tests that do not change it, so that each pipeline is compiled once.
pub fn gpu() -> Arc<Gpu> {
    static GPU: OnceLock<Arc<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| Gpu::open(&adapter(), ShaderChecks::default()).unwrap()).clone()
}

/// A tensor on its way into a file.
#[derive(Clone)]
pub struct RawTensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub data: Vec<u8>,
}

impl RawTensor {
    pub fn new(dtype: Dtype, shape: Vec<usize>, values: &[f32]) -> Self {
        let data = match dtype {
            Dtype::F16 => values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect(),
            Dtype::BF16 => values.iter().flat_map(|&v| bf16::from_f32(v).to_le_bytes()).collect(),
            Dtype::F64 => values.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect(),
            Dtype::I32 => values.iter().flat_map(|&v| (v as i32).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|&v| v.to_le_bytes()).collect(),
        };
        RawTensor { dtype, shape, data }
    }
}

impl View for &RawTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }

    fn data_len(&self) -> usize {
        self.data.len()
    }
}

/// Tensors by name: the contents of a safetensors file.
pub type Tensors = HashMap<String, RawTensor>;

/// Filters under torchvision's names.
pub fn torchvision_tensors(filters: &Filters, dtype: Dtype) -> Tensors {
    let mut tensors = Tensors::new();
    for (layer, filters) in Layer::DEEPEST.up_to().zip(&filters.layers) {
        let (cin, cout) = (layer.input_channels() as usize, layer.output_channels() as usize);
        let index = layer.features_index();
        let kernel = RawTensor::new(dtype, vec![cout, cin, 3, 3], &filters.to_pytorch(cin));
        tensors.insert(format!("features.{index}.weight"), kernel);
        tensors.insert(format!("features.{index}.bias"), RawTensor::new(dtype, vec![cout], &filters.bias));
    }
    tensors
}

/// Filters made from a seed down to `deepest`, with a classifier behind them.
pub fn vgg19_with_classifier(seed: u64, deepest: &str, dtype: Dtype) -> Tensors {
    let mut tensors = torchvision_tensors(&generated(seed, layer(deepest)), dtype);
    let values: Vec<f32> = (0..7000).map(|value| value as f32).collect();
    tensors.insert("classifier.0.weight".to_owned(), RawTensor::new(dtype, vec![10, 700], &values));
    tensors.insert("a.first.tensor".to_owned(), RawTensor::new(dtype, vec![7], &values[..7]));
    tensors
}

/// The bytes of a checkpoint with another version.
pub fn with_version(checkpoint: &[u8], version: u8) -> Vec<u8> {
    let key = br#""impasto_checkpoint":""#;
    let place = checkpoint.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let mut other = checkpoint.to_vec();
    other[place] = version;
    other
}

/// A folder of its own for a checkpoint.
pub struct CheckpointFolder(pub TempDir);

impl CheckpointFolder {
    pub fn new() -> CheckpointFolder {
        CheckpointFolder(tempfile::tempdir().unwrap())
    }

    pub fn file(&self) -> PathBuf {
        self.0.path().join("painting.checkpoint")
    }
}

/// `|found - expected| / |expected|`.
#[track_caller]
pub fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let whole = length(&mut expected.iter().map(|value| f64::from(*value)));
    assert!(whole > 0.0, "nothing is compared");
    length(&mut found.iter().zip(expected).map(|(found, expected)| f64::from(*found) - f64::from(*expected))) / whole
}

/// The bytes of a safetensors file.
pub fn file_bytes(tensors: &Tensors, metadata: &[(&str, &str)]) -> Vec<u8> {
    let metadata = metadata.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    safetensors::serialize(tensors, Some(metadata)).unwrap()
}

/// Writes a picture, targets, weights of regions and which pixels move, all random, the same for every plan of the same
/// losses at the same size, and prepares the targets.
pub fn write_random_inputs(plan: &Plan, session: &mut dyn Session) {
    for (index, slot) in plan.slots.iter().enumerate() {
        // By name, because plans number their slots in the order of first use.
        let seed = slot.tensor.to_string().bytes().fold(11, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut random = Random::new(seed % (1 << 40));
        let mut values = match slot.tensor {
            Tensor::Image => random.uniform_values(slot.words, 0.05, 0.95),
            Tensor::Target(Term::Content(layer)) => {
                random.uniform_values(FeatureShape::of_layer(layer, plan.window.size).values(), 0.0, 1.5)
            }
            Tensor::Target(Term::Edges) => random.uniform_values(slot.words, -0.5, 0.5),
            Tensor::Target(_) => random.uniform_values(slot.words, 0.0, 0.5),
            Tensor::TargetMean(_) => random.uniform_values(slot.words, 0.0, 0.5 / (slot.words as f32).sqrt()),
            // The last is the trace of the covariance, about what the matrices below have.
            Tensor::TargetScalars(Term::Style(style)) => {
                vec![0.02, 0.5, 2.0, 3.0, 0.75 * style.layer.output_channels() as f32]
            }
            Tensor::RegionWeights(..) => random.uniform_values(slot.words, 0.0, 2.0),
            Tensor::Freedom => {
                random.uniform_values(slot.words, -0.5, 1.0).iter().map(|v| v.signum().max(0.0)).collect()
            }
            _ => continue,
        };
        match slot.tensor {
            Tensor::Target(Term::Content(layer)) => {
                let shape = FeatureShape::of_layer(layer, plan.window.size);
                let channels = shape.channels as usize;
                for pixel in (0..shape.padded_pixels()).filter(|&pixel| shape.is_halo(pixel)) {
                    values[channels * pixel..][..channels].fill(0.0);
                }
            }
            Tensor::RegionWeights(layer, _) => {
                let shape = FeatureShape::of_layer(layer, plan.window.size);
                for pixel in (0..values.len()).filter(|&pixel| shape.is_halo(pixel)) {
                    values[pixel] = 0.0;
                }
                // Only weights with a mean of one give covariances.
                let scale = shape.pixels() as f32 / values.iter().sum::<f32>();
                values.iter_mut().for_each(|value| *value *= scale);
            }
            // A second moment that may be: symmetric, and more than the square of the mean.
            Tensor::Target(Term::Style(Style { layer, .. })) => {
                let channels = layer.output_channels() as usize;
                for row in 0..channels {
                    for column in 0..row {
                        values[row * channels + column] /= channels as f32;
                        values[column * channels + row] = values[row * channels + column];
                    }
                    values[row * channels + row] = 0.75;
                }
            }
            _ => {}
        }
        session.write(SlotId(index), &plan.precision_of(SlotId(index)).encode(&values)).unwrap();
    }
    session.run(Routine::Targets).unwrap();
}
