//! From a safetensors file to filters.

use super::{
    error::{FileFault, WeightsError},
    filters::{ConvolutionFilters, Filters},
    header::{Header, LENGTH_BYTES},
    names::ExpectedTensor,
};
use crate::vgg19::{Layer, Normalisation};
use half::{bf16, f16};
use safetensors::Dtype;
use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Entry with the three numbers subtracted from red, green and blue.
pub(super) const MEAN: &str = "mean";
/// Entry with the three numbers that divide red, green and blue.
pub(super) const DEVIATION: &str = "deviation";

/// What the first convolution of a file expects of a pixel, where the file does not say so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Format {
    /// RGB in [0, 1], normalised by the statistics of ImageNet, as in torchvision and timm.
    #[default]
    Torchvision,
    /// BGR in 0..255 less the mean colour, as in the original (Caffe, Keras) filters.
    Caffe,
}

/// A safetensors file whose header has been read.
#[derive(Debug)]
pub(super) struct WeightsFile<S = File> {
    path: PathBuf,
    file: S,
    pub header: Header,
    pub bytes: u64,
}

impl WeightsFile {
    pub fn open(path: &Path) -> Result<WeightsFile, WeightsError> {
        let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
        let attributes = std::fs::metadata(path).map_err(unreadable)?;
        if attributes.is_dir() {
            return Err(WeightsError::Directory { path: path.to_owned() });
        }
        WeightsFile::of(path, File::open(path).map_err(unreadable)?, attributes.len())
    }
}

impl<S: Read + Seek> WeightsFile<S> {
    /// Of something so many bytes long; errors call it `path`.
    fn of(path: &Path, mut file: S, bytes: u64) -> Result<WeightsFile<S>, WeightsError> {
        let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
        let unsuitable = |fault| WeightsError::Unsuitable { path: path.to_owned(), fault };
        let mut first = Vec::new();
        file.by_ref().take(LENGTH_BYTES as u64).read_to_end(&mut first).map_err(unreadable)?;
        let length = Header::length(&first).map_err(unsuitable)?;
        let available = bytes.saturating_sub(LENGTH_BYTES as u64);
        if length > available {
            let expected = length + LENGTH_BYTES as u64;
            return Err(unsuitable(FileFault::WrongLength { expected, found: bytes }));
        }
        let mut json = vec![0; length as usize];
        file.read_exact(&mut json).map_err(unreadable)?;
        let header = Header::parse(&json).map_err(unsuitable)?;
        if header.file_length() != bytes {
            return Err(unsuitable(FileFault::WrongLength { expected: header.file_length(), found: bytes }));
        }
        Ok(WeightsFile { path: path.to_owned(), file, header, bytes })
    }

    fn unsuitable(&self, fault: FileFault) -> WeightsError {
        WeightsError::Unsuitable { path: self.path.clone(), fault }
    }

    /// The values of a tensor; no others are read.
    fn values(&mut self, expected: &ExpectedTensor) -> Result<Vec<f32>, WeightsError> {
        let info = self.header.expect(expected).map_err(|fault| self.unsuitable(fault))?;
        let (dtype, (start, end)) = (info.dtype, info.data_offsets);
        let mut bytes = vec![0; end - start];
        self.read_at(start as u64, &mut bytes)
            .map_err(|source| WeightsError::Read { path: self.path.clone(), source })?;
        let values = to_f32(dtype, &bytes);
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let (tensor, value) = (expected.name.clone(), values[index]);
            return Err(self.unsuitable(FileFault::NotFinite { tensor, index, value }));
        }
        Ok(values)
    }

    fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.header.data_start + start))?;
        self.file.read_exact(bytes)
    }

    /// What the file says about its input, or else what its format implies.
    fn normalisation(&self, format: Format) -> Result<Normalisation, FileFault> {
        let (mean, deviation) = (self.header.text(MEAN), self.header.text(DEVIATION));
        if mean.is_none() && deviation.is_none() {
            return Ok(match format {
                Format::Torchvision => Normalisation::IMAGENET,
                Format::Caffe => Normalisation::CAFFE,
            });
        }
        if format == Format::Caffe {
            return Err(FileFault::NotCaffe);
        }
        let parse = |key, text: Option<&str>, example, valid: fn(f32) -> bool| {
            let found = text.unwrap_or_default();
            serde_json::from_str::<[f32; 3]>(found)
                .ok()
                .filter(|values| values.iter().all(|&value| valid(value)))
                .ok_or_else(|| FileFault::WrongStatistic { key, found: found.to_owned(), example })
        };
        Ok(Normalisation {
            mean: parse(MEAN, mean, "[0.485, 0.456, 0.406]", f32::is_finite)?,
            deviation: parse(DEVIATION, deviation, "[0.229, 0.224, 0.225]", |value| value.is_normal() && value > 0.0)?,
        })
    }

    fn filters(mut self, format: Format, deepest: Layer) -> Result<Filters, WeightsError> {
        let normalisation = self.normalisation(format).map_err(|fault| self.unsuitable(fault))?;
        let mut layers = Vec::with_capacity(deepest.index() + 1);
        for layer in deepest.up_to() {
            let mut kernel = self.values(&ExpectedTensor::weight(layer))?;
            let bias = self.values(&ExpectedTensor::bias(layer))?;
            if format == Format::Caffe && layer == Layer::FIRST {
                exchange_red_and_blue(&mut kernel);
            }
            layers.push(ConvolutionFilters::from_pytorch(&kernel, bias, layer.input_channels() as usize));
        }
        Ok(Filters { origin: self.header.origin(), normalisation, layers })
    }
}

/// Turns kernels `[Cout][3][3][3]` that read BGR into kernels that read RGB.
fn exchange_red_and_blue(kernel: &mut [f32]) {
    for channels in kernel.chunks_exact_mut(27) {
        let (blue, others) = channels.split_at_mut(9);
        blue.swap_with_slice(&mut others[9..]);
    }
}

/// Values of a dtype that [`Header::expect`] accepts, little-endian.
fn to_f32(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    fn convert<const N: usize>(bytes: &[u8], value: fn([u8; N]) -> f32) -> Vec<f32> {
        bytes.as_chunks().0.iter().map(|&chunk| value(chunk)).collect()
    }
    match dtype {
        Dtype::F16 => convert(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => convert(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F64 => convert(bytes, |b| f64::from_le_bytes(b) as f32),
        _ => convert(bytes, f32::from_le_bytes),
    }
}

/// Filters up to `deepest` from a safetensors file with torchvision's names; what else the file holds, and whether it
/// goes deeper, does not matter and is not read.
///
/// Entries `mean` and `deviation` in the file's metadata, each like `[0.485, 0.456, 0.406]`, say what it expects of a
/// pixel; without them, `format` does.
///
/// # Errors
/// If the file cannot be read, is not a whole safetensors file, lacks a tensor, holds one of another shape or dtype, or
/// a value that is not finite.
pub fn load(path: &Path, format: Format, deepest: Layer) -> Result<Filters, WeightsError> {
    WeightsFile::open(path)?.filters(format, deepest)
}

/// Like [`load`], down to the last layer that the file has filters for.
///
/// # Errors
/// As [`load`], and if the file does not even hold the first layer.
pub fn load_all(path: &Path, format: Format) -> Result<Filters, WeightsError> {
    all(WeightsFile::open(path)?, format)
}

/// [`load_all`] of the contents of a file, which errors call `name`.
///
/// # Errors
/// As [`load_all`].
pub fn read_all(name: &Path, contents: &[u8], format: Format) -> Result<Filters, WeightsError> {
    all(WeightsFile::of(name, Cursor::new(contents), contents.len() as u64)?, format)
}

fn all<S: Read + Seek>(file: WeightsFile<S>, format: Format) -> Result<Filters, WeightsError> {
    let present = |layer: &Layer| file.header.tensor(&ExpectedTensor::weight(*layer).name).is_some();
    let deepest = Layer::DEEPEST.up_to().take_while(present).last().unwrap_or(Layer::FIRST);
    file.filters(format, deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanging_red_and_blue_keeps_green_and_the_taps_in_place() {
        let mut kernel: Vec<f32> = (0..54).map(|value| value as f32).collect();
        exchange_red_and_blue(&mut kernel);
        assert_eq!((kernel[0], kernel[8], kernel[9], kernel[18], kernel[26]), (18.0, 26.0, 9.0, 0.0, 8.0));
        assert_eq!((kernel[27], kernel[36], kernel[45]), (45.0, 36.0, 27.0));
    }

    #[test]
    fn every_dtype_gives_its_value() {
        assert_eq!(to_f32(Dtype::F16, &[0x00, 0x3E, 0x01, 0x00]), [1.5, 5.960_464_5e-8]);
        assert_eq!(to_f32(Dtype::BF16, &[0xC0, 0x3F, 0x49, 0xC0]), [1.5, -3.140_625]);
        assert_eq!(to_f32(Dtype::F32, &(-0.1f32).to_le_bytes()), [-0.1]);
        assert_eq!(to_f32(Dtype::F64, &[0.1f64.to_le_bytes(), 1e300f64.to_le_bytes()].concat()), [0.1, f32::INFINITY]);
    }
}
