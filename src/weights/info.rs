//! What a weights file holds.

use super::{error::WeightsError, filters::Origin, load::WeightsFile};
use crate::vgg19::Layer;
use std::{collections::BTreeMap, path::Path};

/// What the header of a weights file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Length of the file.
    pub bytes: u64,
    /// All tensors, in the order of their data.
    pub tensors: Vec<TensorInfo>,
    /// Free text, by key.
    pub metadata: BTreeMap<String, String>,
    /// The deepest layer of VGG19 down to which the file has all filters; none if it lacks the first.
    pub deepest: Option<Layer>,
    /// Where the filters come from.
    pub origin: Origin,
}

/// What the header says about one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Kind of its numbers, such as `F32`.
    pub dtype: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<usize>,
}

/// Reads the header of a safetensors file.
///
/// # Errors
/// If the file cannot be read or is not a whole safetensors file.
pub fn info(path: &Path) -> Result<FileInfo, WeightsError> {
    let file = WeightsFile::open(path)?;
    let describe = |name: String| {
        let tensor = file.header.tensor(&name)?;
        Some(TensorInfo { dtype: tensor.dtype.to_string(), shape: tensor.shape.clone(), name })
    };
    Ok(FileInfo {
        bytes: file.bytes,
        tensors: file.header.names().into_iter().filter_map(describe).collect(),
        metadata: file.header.all_texts(),
        deepest: file.header.deepest(),
        origin: file.header.origin(),
    })
}
