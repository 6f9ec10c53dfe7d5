//! The header of a safetensors file: eight bytes with its length, then JSON with every tensor's dtype, shape and place
//! in the data that follows (<https://github.com/huggingface/safetensors#format>).

use super::{error::FileFault, filters::Origin, names::ExpectedTensor};
use crate::{printable::shortened, vgg19::Layer};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use std::collections::BTreeMap;

/// Bytes of the number that gives the header's length.
pub(crate) const LENGTH_BYTES: usize = 8;
/// A longer header is taken for damage; VGG19's has about three thousand bytes.
pub(crate) const LONGEST: u64 = 16 << 20;
/// Entry that says where the filters come from.
pub(super) const ORIGIN: &str = "origin";
/// What it says of learned ones. There is no such entry in files of a network.
pub(super) const LEARNED: &str = "learned";
/// Characters of a file's own text in a message, at most.
pub(super) const QUOTED: usize = 200;

/// Where the tensors of a file are.
#[derive(Debug)]
pub(crate) struct Header {
    metadata: Metadata,
    /// Byte of the file at which the data begin.
    pub data_start: u64,
}

impl Header {
    /// Length of the JSON part, read from the first bytes of a file that may be of any kind.
    pub fn length(first: &[u8]) -> Result<u64, FileFault> {
        let Some(bytes) = first.first_chunk::<LENGTH_BYTES>() else {
            return Err(FileFault::NotSafetensors { reason: format!("it has {} bytes", first.len()) });
        };
        let length = u64::from_le_bytes(*bytes);
        if length <= LONGEST {
            return Ok(length);
        }
        let known = [
            (&b"PK\x03\x04"[..], "it looks like a PyTorch or NumPy archive"),
            (b"\x80\x02", "it looks like a PyTorch pickle"),
            (b"\x89HDF", "it looks like a Keras HDF5 file"),
            (b"\x93NUMPY", "it looks like a NumPy array"),
            (b"\x89PNG", "it looks like a PNG picture"),
            (b"\xFF\xD8\xFF", "it looks like a JPEG picture"),
            (b"<", "it looks like a web page"),
            (b"version ", "it looks like a Git LFS pointer instead of the file"),
        ];
        // A web page may begin with empty lines.
        let trimmed = first.trim_ascii_start();
        let reason = match known.iter().find(|(start, _)| first.starts_with(start) || trimmed.starts_with(start)) {
            Some((_, reason)) => (*reason).to_owned(),
            None => format!("its first eight bytes announce a header of {length} bytes"),
        };
        Err(FileFault::NotSafetensors { reason })
    }

    /// Parses the JSON part; tensors must lie end to end and fill the data.
    pub fn parse(json: &[u8]) -> Result<Header, FileFault> {
        let metadata = serde_json::from_slice(json).map_err(|error| {
            // The parser quotes the file.
            let reason = format!("its header does not parse: {}", shortened(&error.to_string(), QUOTED));
            FileFault::NotSafetensors { reason }
        })?;
        Ok(Header { metadata, data_start: (LENGTH_BYTES + json.len()) as u64 })
    }

    /// Length of the file if it is whole. No file is as long as the largest number, which an absurd header may reach.
    pub fn file_length(&self) -> u64 {
        self.data_start.saturating_add(self.metadata.data_len() as u64)
    }

    /// A free-text entry.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts()?.get(key).map(String::as_str)
    }

    /// All free-text entries, by key.
    pub fn all_texts(&self) -> BTreeMap<String, String> {
        self.texts().into_iter().flatten().map(|(key, text)| (key.clone(), text.clone())).collect()
    }

    /// Where the filters come from.
    pub fn origin(&self) -> Origin {
        if self.text(ORIGIN) == Some(LEARNED) { Origin::Learned } else { Origin::Network }
    }

    fn texts(&self) -> Option<&std::collections::HashMap<String, String>> {
        self.metadata.metadata().as_ref()
    }

    /// Names of all tensors in the order of their data.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// What is known of a tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// A tensor of the network, checked for its shape and for a supported dtype.
    pub fn expect(&self, expected: &ExpectedTensor) -> Result<&TensorInfo, FileFault> {
        let tensor = expected.name.clone();
        let Some(info) = self.tensor(&tensor) else {
            return Err(FileFault::MissingTensor { tensor, layer: expected.layer });
        };
        if info.shape != expected.shape {
            let (expected, found) = (expected.shape.clone(), info.shape.clone());
            return Err(FileFault::WrongShape { tensor, expected, found });
        }
        if !matches!(info.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64) {
            return Err(FileFault::WrongDtype { tensor, found: info.dtype.to_string() });
        }
        Ok(info)
    }

    /// The deepest layer down to which every tensor is there and has its shape.
    pub fn deepest(&self) -> Option<Layer> {
        let complete = |layer: &Layer| {
            self.expect(&ExpectedTensor::weight(*layer)).is_ok() && self.expect(&ExpectedTensor::bias(*layer)).is_ok()
        };
        Layer::DEEPEST.up_to().take_while(complete).last()
    }
}

/// The first bytes of a safetensors file: length and JSON, padded with spaces to a multiple of eight. `tensors` are
/// laid end to end in the order given; entries are sorted by name, so that the same contents give the same bytes.
pub(crate) fn encode(texts: &BTreeMap<String, String>, tensors: &[(String, Dtype, Vec<usize>)]) -> Vec<u8> {
    let mut entries = BTreeMap::from([("__metadata__", serde_json::json!(texts))]);
    let mut start = 0;
    for (name, dtype, shape) in tensors {
        let end = start + shape.iter().product::<usize>() * dtype.bitsize() / 8;
        let entry = serde_json::json!({ "dtype": dtype.to_string(), "shape": shape, "data_offsets": [start, end] });
        entries.insert(name, entry);
        start = end;
    }
    let mut json = serde_json::json!(entries).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(LENGTH_BYTES), b' ');
    [&(json.len() as u64).to_le_bytes(), json.as_slice()].concat()
}
