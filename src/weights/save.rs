//! From filters to a safetensors file.

use super::{
    error::WeightsError,
    filters::{Filters, Origin},
    header::{self, LEARNED, ORIGIN},
    load::{DEVIATION, MEAN},
    names::ExpectedTensor,
};
use crate::{replace_file::replace_file, vgg19::Layer};
use safetensors::Dtype;
use std::{collections::BTreeMap, io::Write, path::Path};

/// Writes filters as f32 with torchvision's names, and where they come from and what they expect of a pixel as metadata, so that
/// [`super::load_all`] gives them back bit for bit. The file appears whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save(filters: &Filters, path: &Path) -> Result<(), WeightsError> {
    // Debug is JSON here, and unlike serde_json's values it does not turn 0.485 into 0.48500001430511475.
    let [mean, deviation] = [filters.normalisation.mean, filters.normalisation.deviation].map(|n| format!("{n:?}"));
    let origin = match filters.origin {
        Origin::Network => None,
        Origin::Learned => Some((ORIGIN, LEARNED.to_owned())),
    };
    let texts =
        [("architecture", "VGG19".to_owned()), ("format", "pt".to_owned()), (MEAN, mean), (DEVIATION, deviation)];
    let texts: BTreeMap<_, _> = texts.into_iter().chain(origin).map(|(key, text)| (key.to_owned(), text)).collect();
    let layers = || Layer::DEEPEST.up_to().zip(&filters.layers);
    let tensors: Vec<_> = layers()
        .flat_map(|(layer, _)| [ExpectedTensor::weight(layer), ExpectedTensor::bias(layer)])
        .map(|tensor| (tensor.name, Dtype::F32, tensor.shape))
        .collect();
    replace_file(path, |file| {
        file.write_all(&header::encode(&texts, &tensors))?;
        for (layer, convolution) in layers() {
            let kernel = convolution.to_pytorch(layer.input_channels() as usize);
            for value in kernel.iter().chain(&convolution.bias) {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    })
    .map_err(|source| WeightsError::Write { path: path.to_owned(), source })
}
