//! What a golden file holds; tools/make_test_goldens.py says how it was made.

use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::{collections::HashMap, path::Path};

/// A golden file in memory.
pub struct GoldenFile {
    pub name: String,
    arrays: HashMap<String, Array>,
    metadata: HashMap<String, String>,
}

/// Values in the order of the file, outermost dimension first.
#[derive(Clone)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Unweighted losses at the picture `image`, and the gradient of their weighted sum.
pub struct Evaluation<'a> {
    /// Of content, of the mean of the style losses, and of total variation.
    pub weights: [f64; 3],
    pub total: f64,
    pub content: f64,
    pub style: &'a [f32],
    pub total_variation: f64,
    pub gradient: &'a Array,
}

impl GoldenFile {
    pub fn read(path: &Path) -> GoldenFile {
        let bytes = std::fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let header = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let metadata: Metadata = serde_json::from_slice(&bytes[8..header]).unwrap();
        let float = tensors.iter().filter(|(_, tensor)| tensor.dtype() == Dtype::F32);
        let arrays = float
            .map(|(name, tensor)| {
                let values = bytemuck::pod_collect_to_vec(tensor.data());
                (name.to_owned(), Array { shape: tensor.shape().to_vec(), values })
            })
            .collect();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        GoldenFile { name, arrays, metadata: metadata.metadata().clone().unwrap_or_default() }
    }

    pub fn array(&self, name: &str) -> &Array {
        self.find(name).unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }

    pub fn find(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    pub fn number(&self, key: &str) -> f64 {
        self.text(key).unwrap_or_else(|| panic!("{} has no {key}", self.name)).parse().unwrap()
    }

    /// The evaluation whose arrays are called `<prefix>loss_total` and so on.
    pub fn evaluation(&self, prefix: &str) -> Evaluation<'_> {
        let values = |name: &str| &self.array(&format!("{prefix}{name}")).values[..];
        let number = |name: &str| f64::from(values(name)[0]);
        let weights = values("weights");
        Evaluation {
            weights: [0, 1, 2].map(|index| f64::from(weights[index])),
            total: number("loss_total"),
            content: number("loss_content"),
            style: values("loss_style"),
            total_variation: number("loss_tv"),
            gradient: self.array(&format!("{prefix}grad_total")),
        }
    }
}

impl Array {
    /// Width and height of `[C, H, W]`.
    pub fn size(&self) -> impasto::plan::Size {
        impasto::plan::Size { width: self.shape[2] as u32, height: self.shape[1] as u32 }
    }

    /// From `[C, H, W]` to `[H][W][C]`.
    pub fn interleaved(&self) -> Vec<f32> {
        let [channels, height, width] = self.shape[..] else { panic!("shape {:?}", self.shape) };
        let pixels = height * width;
        (0..pixels * channels).map(|i| self.values[i % channels * pixels + i / channels]).collect()
    }
}
