//! Which bytes of a safetensors file on a server are kept, and where they go in the new file.

use crate::{
    vgg19::Layer,
    weights::{
        error::FileFault,
        header::{self, Header},
        names::ExpectedTensor,
    },
};
use std::ops::Range;

/// A new header and the tensors of the wanted layers, in the server's order.
#[derive(Debug)]
pub(super) struct Layout {
    /// First bytes of the new file.
    pub header: Vec<u8>,
    /// Length of the new file.
    pub bytes: u64,
    runs: Vec<Run>,
}

/// Bytes that are contiguous both on the server and in the new file.
#[derive(Debug)]
struct Run {
    remote: Range<u64>,
    local: u64,
}

impl Layout {
    /// The layout for the filters down to `deepest`.
    pub fn new(remote: &Header, deepest: Layer) -> Result<Layout, FileFault> {
        let mut kept = Vec::new();
        for layer in deepest.up_to() {
            for expected in [ExpectedTensor::weight(layer), ExpectedTensor::bias(layer)] {
                let info = remote.expect(&expected)?;
                kept.push((info.data_offsets, expected.name, info.dtype, expected.shape));
            }
        }
        kept.sort();
        let tensors: Vec<_> =
            kept.iter().map(|(_, name, dtype, shape)| (name.clone(), *dtype, shape.clone())).collect();
        let header = header::encode(&remote.all_texts(), &tensors);
        let mut bytes = header.len() as u64;
        let mut runs: Vec<Run> = Vec::new();
        for &((start, end), ..) in &kept {
            let range = remote.data_start + start as u64..remote.data_start + end as u64;
            let length = range.end - range.start;
            match runs.last_mut() {
                Some(run) if run.remote.end == range.start => run.remote.end = range.end,
                _ => runs.push(Run { remote: range, local: bytes }),
            }
            bytes += length;
        }
        Ok(Layout { header, bytes, runs })
    }

    /// The bytes on the server that belong at `local` in the new file, as far as they are contiguous.
    pub fn remote(&self, local: u64) -> Option<Range<u64>> {
        let run = self.runs.iter().rev().find(|run| run.local <= local)?;
        let start = run.remote.start + (local - run.local);
        (start < run.remote.end).then_some(start..run.remote.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::Dtype;

    #[test]
    fn only_the_layers_wanted_are_kept_and_neighbours_are_fetched_together() {
        let layer: Layer = "relu1_2".parse().unwrap();
        let mut tensors = vec![("other".to_owned(), Dtype::F32, vec![5])];
        for expected in [ExpectedTensor::bias(layer), ExpectedTensor::weight(Layer::FIRST)] {
            tensors.push((expected.name, Dtype::F32, expected.shape));
        }
        tensors.push(("classifier".to_owned(), Dtype::F32, vec![100]));
        for expected in [ExpectedTensor::weight(layer), ExpectedTensor::bias(Layer::FIRST)] {
            tensors.push((expected.name, Dtype::F16, expected.shape));
        }
        let file = header::encode(&[("origin".to_owned(), "here".to_owned())].into(), &tensors);
        let remote = Header::parse(&file[header::LENGTH_BYTES..]).unwrap();
        let layout = Layout::new(&remote, layer).unwrap();
        let (start, first) = (layout.header.len() as u64, remote.data_start + 20);
        let (one, two) = (4 * (64 + 64 * 27), 2 * (64 * 64 * 9 + 64));
        assert_eq!(layout.bytes, start + one + two);
        assert_eq!(layout.remote(start), Some(first..first + one));
        assert_eq!(layout.remote(start + 10), Some(first + 10..first + one));
        let second = first + one + 400;
        assert_eq!(layout.remote(start + one), Some(second..second + two));
        assert_eq!(layout.remote(start + one + two - 1), Some(second + two - 1..second + two));
        assert_eq!(layout.remote(layout.bytes), None);
        let made = Header::parse(&layout.header[header::LENGTH_BYTES..]).unwrap();
        assert_eq!(
            (made.text("origin"), made.deepest(), made.file_length()),
            (Some("here"), Some(layer), layout.bytes)
        );
    }
}
