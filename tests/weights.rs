//! Weights files: what is read, what is written, and what is said about files that cannot be used.

use crate::common::{RawTensor, Tensors, file_bytes, layer, torchvision_tensors, vgg19_with_classifier};
use half::{bf16, f16};
use impasto::{
    random::Random,
    vgg19::Layer,
    weights::{self, FileFault, Filters, Format, Normalisation, Origin, WeightsError, generated},
};
use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn write(directory: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = directory.path().join("weights.safetensors");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn load_bytes(bytes: &[u8], format: Format, deepest: &str) -> Result<Filters, WeightsError> {
    let directory = TempDir::new().unwrap();
    weights::load(&write(&directory, bytes), format, layer(deepest))
}

/// The fault of a file, which has to be named in the message.
fn fault(bytes: &[u8], deepest: &str) -> FileFault {
    let error = load_bytes(bytes, Format::Torchvision, deepest).unwrap_err();
    let message = error.to_string();
    match error {
        WeightsError::Unsuitable { path, fault } => {
            assert!(message.contains(&path.display().to_string()), "{message}");
            fault
        }
        other => panic!("{other}"),
    }
}

fn rounded(filters: &Filters, round: fn(f32) -> f32) -> Filters {
    let mut filters = filters.clone();
    for layer in &mut filters.layers {
        layer.weight.iter_mut().chain(&mut layer.bias).for_each(|value| *value = round(*value));
    }
    filters
}

#[test]
fn every_dtype_is_read_down_to_the_layer_asked_for() {
    let expected = generated(5, layer("relu2_1"));
    type Round = fn(f32) -> f32;
    let cases: [(Dtype, Round); 4] = [
        (Dtype::F32, |v| v),
        (Dtype::F64, |v| v),
        (Dtype::F16, |v| f16::from_f32(v).to_f32()),
        (Dtype::BF16, |v| bf16::from_f32(v).to_f32()),
    ];
    for (dtype, round) in cases {
        let bytes = file_bytes(&vgg19_with_classifier(5, "relu2_2", dtype), &[]);
        let found = load_bytes(&bytes, Format::Torchvision, "relu2_1").unwrap();
        assert!(found == rounded(&expected, round), "{dtype}");
    }
}

#[test]
fn a_file_is_read_as_deep_as_it_goes() {
    let directory = TempDir::new().unwrap();
    let path = write(&directory, &file_bytes(&vgg19_with_classifier(6, "relu2_2", Dtype::F32), &[]));
    assert!(weights::load_all(&path, Format::Torchvision).unwrap() == generated(6, layer("relu2_2")));
    let message = weights::load(&path, Format::Torchvision, layer("relu3_1")).unwrap_err().to_string();
    assert!(message.contains("features.10.weight") && message.contains("relu3_1"), "{message}");
}

#[test]
fn caffe_filters_read_rgb_after_loading() {
    let bgr = generated(7, layer("relu1_2"));
    let found = load_bytes(&file_bytes(&torchvision_tensors(&bgr, Dtype::F32), &[]), Format::Caffe, "relu1_2").unwrap();
    assert_eq!(found.normalisation, Normalisation::CAFFE);
    assert!(found.layers[1] == bgr.layers[1]);
    let (expected, found) = (bgr.layers[0].to_pytorch(3), found.layers[0].to_pytorch(3));
    for output in 0..64 {
        for (from, to) in [(0, 2), (1, 1), (2, 0)] {
            let (from, to) = ((output * 3 + from) * 9, (output * 3 + to) * 9);
            assert_eq!(found[to..][..9], expected[from..][..9], "output channel {output}");
        }
    }
}

#[test]
fn saved_filters_come_back_bit_for_bit_with_their_normalisation_and_origin() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("learned.safetensors");
    let mut filters = Filters { origin: Origin::Learned, ..generated(8, layer("relu2_1")) };
    filters.normalisation = Normalisation { mean: [0.1, 1.0 / 3.0, 0.7], deviation: [1e-3, 2.5, 0.3] };
    weights::save(&filters, &path).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert!(weights::load_all(&path, Format::Torchvision).unwrap() == filters);
    weights::save(&filters, &path).unwrap();
    assert!(std::fs::read(&path).unwrap() == first, "the same filters gave other bytes");
    SafeTensors::deserialize(&first).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "a temporary file was left");
    let message = weights::load_all(&path, Format::Caffe).unwrap_err().to_string();
    assert!(message.contains("leave the Caffe format out"), "{message}");
}

#[test]
fn saving_where_nothing_can_be_written_names_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("missing").join("learned.safetensors");
    let message = weights::save(&generated(8, Layer::FIRST), &path).unwrap_err().to_string();
    assert!(message.contains("cannot write") && message.contains("learned.safetensors"), "{message}");
}

#[test]
fn missing_files_and_directories_are_told_apart() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("nothing.safetensors");
    let error = weights::load(&missing, Format::Torchvision, Layer::FIRST).unwrap_err();
    assert!(matches!(error, WeightsError::Read { .. }) && error.to_string().contains("nothing.safetensors"), "{error}");
    let error = weights::load(directory.path(), Format::Torchvision, Layer::FIRST).unwrap_err();
    assert!(matches!(error, WeightsError::Directory { .. }), "{error}");
}

#[test]
fn other_formats_are_recognised() {
    let cases: [(&[u8], &str); 8] = [
        (b"PK\x03\x04\x00\x00\x08\x08 archive/data.pkl", "PyTorch"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
        (b"\x89HDF\r\n\x1a\n and so on", "Keras"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"random text of no format", "header of"),
        (b"abc", "3 bytes"),
        (b"\x04\0\0\0\0\0\0\0{no}", "does not parse"),
    ];
    for (bytes, reason) in cases {
        let fault = fault(bytes, "relu1_1");
        assert!(matches!(fault, FileFault::NotSafetensors { .. }), "{fault}");
        let message = fault.to_string();
        assert!(message.contains(reason) && message.contains("convert_weights.py"), "{message}");
    }
}

#[test]
fn a_header_of_640_bytes_is_not_taken_for_a_pickle() {
    // 640 is 0x0280, the bytes that a pickle begins with.
    let tensors = torchvision_tensors(&generated(1, Layer::FIRST), Dtype::F32);
    let plain = file_bytes(&tensors, &[("padding", "")]);
    let header = u64::from_le_bytes(plain[..8].try_into().unwrap()) as usize;
    let bytes = file_bytes(&tensors, &[("padding", &"x".repeat(640 - header))]);
    assert_eq!(bytes[..3], [0x80, 0x02, 0]);
    load_bytes(&bytes, Format::Torchvision, "relu1_1").unwrap();
}

#[test]
fn cut_and_overlong_files_are_refused_even_if_what_is_needed_is_there() {
    let whole = file_bytes(&vgg19_with_classifier(9, "relu1_2", Dtype::F32), &[]);
    let expected = whole.len() as u64;
    for found in [whole.len() - 1, whole.len() / 2, 200, 9] {
        let fault = fault(&whole[..found], "relu1_1");
        assert!(matches!(fault, FileFault::WrongLength { found: f, .. } if f == found as u64), "{found}: {fault}");
    }
    let longer = [&whole[..], b"more"].concat();
    assert_eq!(fault(&longer, "relu1_1"), FileFault::WrongLength { expected, found: expected + 4 });
}

fn changed(change: impl FnOnce(&mut Tensors)) -> FileFault {
    let mut tensors = vgg19_with_classifier(10, "relu1_2", Dtype::F32);
    change(&mut tensors);
    fault(&file_bytes(&tensors, &[]), "relu1_2")
}

#[test]
fn tensors_that_do_not_serve_are_named_with_what_was_expected() {
    let missing = changed(|tensors| drop(tensors.remove("features.2.bias")));
    assert_eq!(missing, FileFault::MissingTensor { tensor: "features.2.bias".into(), layer: layer("relu1_2") });

    let values = vec![0.5; 64 * 64 * 9];
    let shape = changed(|tensors| {
        tensors.insert("features.2.weight".into(), RawTensor::new(Dtype::F32, vec![64, 576], &values));
    });
    let message = shape.to_string();
    assert!(matches!(shape, FileFault::WrongShape { .. }), "{message}");
    assert!(message.contains("[64, 576]") && message.contains("[64, 64, 3, 3]"), "{message}");

    let dtype = changed(|tensors| {
        tensors.insert("features.0.bias".into(), RawTensor::new(Dtype::I32, vec![64], &values[..64]));
    });
    assert_eq!(dtype, FileFault::WrongDtype { tensor: "features.0.bias".into(), found: "I32".into() });

    for value in [f32::NAN, f32::NEG_INFINITY] {
        let finite = changed(|tensors| {
            let bytes = &mut tensors.get_mut("features.2.weight").unwrap().data;
            bytes[4 * 1234..][..4].copy_from_slice(&value.to_le_bytes());
        });
        assert!(matches!(finite, FileFault::NotFinite { index: 1234, .. }), "{finite}");
    }
    let overflow = changed(|tensors| {
        let mut bias = RawTensor::new(Dtype::F64, vec![64], &[0.0; 64]);
        bias.data[8 * 3..][..8].copy_from_slice(&1e300f64.to_le_bytes());
        tensors.insert("features.0.bias".into(), bias);
    });
    assert!(matches!(overflow, FileFault::NotFinite { index: 3, .. }), "{overflow}");
}

#[test]
fn statistics_in_a_file_are_honoured_or_refused() {
    let tensors = torchvision_tensors(&generated(11, Layer::FIRST), Dtype::F32);
    let good = [("mean", "[0, 0.25, 0.5]"), ("deviation", "[1, 0.5, 0.25]")];
    let found = load_bytes(&file_bytes(&tensors, &good), Format::Torchvision, "relu1_1").unwrap();
    assert_eq!(found.normalisation, Normalisation { mean: [0.0, 0.25, 0.5], deviation: [1.0, 0.5, 0.25] });
    let bad: [(&[(&str, &str)], &str); 5] = [
        (&[("mean", "[0, 0, 0]")], "deviation"),
        (&[("deviation", "[1, 1, 1]")], "mean"),
        (&[("mean", "[0, 0]"), ("deviation", "[1, 1, 1]")], "mean"),
        (&[("mean", "[0, 0, 0]"), ("deviation", "[1, 0, 1]")], "deviation"),
        (&[("mean", "[0, 0, 0]"), ("deviation", "[1, -1, 1]")], "deviation"),
    ];
    for (metadata, expected) in bad {
        let fault = fault(&file_bytes(&tensors, metadata), "relu1_1");
        assert!(matches!(fault, FileFault::WrongStatistic { key, .. } if key == expected), "{fault}");
    }
}

#[test]
fn info_tells_tensors_metadata_and_depth() {
    let directory = TempDir::new().unwrap();
    let bytes = file_bytes(&vgg19_with_classifier(12, "relu2_1", Dtype::F16), &[("origin", "a test")]);
    let info = weights::info(&write(&directory, &bytes)).unwrap();
    assert_eq!((info.bytes, info.deepest), (bytes.len() as u64, Some(layer("relu2_1"))));
    assert_eq!(info.metadata.get("origin").map(String::as_str), Some("a test"));
    assert_eq!(info.tensors.len(), 8);
    let kernel = info.tensors.iter().find(|tensor| tensor.name == "features.5.weight").unwrap();
    assert_eq!((kernel.dtype.as_str(), &kernel.shape[..]), ("F16", &[128, 64, 3, 3][..]));
    let other = file_bytes(&Tensors::from([("x".into(), RawTensor::new(Dtype::I32, vec![1], &[1.0]))]), &[]);
    assert_eq!(weights::info(&write(&directory, &other)).unwrap().deepest, None);
}

#[test]
fn filters_from_a_seed_are_those_of_the_golden_script_to_the_bit() {
    let bytes =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/generated-filters.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let words = |name: &str| bytemuck::pod_collect_to_vec::<u8, u32>(golden.tensor(name).unwrap().data());
    let checksums: Vec<u64> = bytemuck::pod_collect_to_vec(golden.tensor("checksum").unwrap().data());
    for (layer, filters) in Layer::DEEPEST.up_to().zip(generated(19, Layer::DEEPEST).layers) {
        let mut values = filters.to_pytorch(layer.input_channels() as usize);
        values.extend(&filters.bias);
        let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits[..16], words(&format!("{layer}.head")), "{layer}");
        assert_eq!(bits[bits.len() - 16..], words(&format!("{layer}.tail")), "{layer}");
        let checksum = (1u64..)
            .step_by(2)
            .zip(&bits)
            .fold(0u64, |sum, (odd, &bits)| sum.wrapping_add(odd.wrapping_mul(u64::from(bits))));
        assert_eq!(checksum, checksums[layer.index()], "{layer}");
    }
}

#[test]
fn a_real_file_of_half_precision_is_read() {
    let Some(shared) = crate::common::shared() else { return };
    let path = shared.join("weights/vgg19-hybrid-f16.safetensors");
    if !path.exists() {
        return;
    }
    let filters = weights::load_all(Path::new(&path), Format::Torchvision).unwrap();
    assert_eq!(filters.deepest(), Some(layer("relu5_2")));
    assert_eq!(filters.normalisation, Normalisation::IMAGENET);
    let values = || filters.layers.iter().flat_map(|layer| layer.weight.iter().chain(&layer.bias));
    assert!(values().all(|value| value.is_finite()));
    let largest = values().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!((1.0..1000.0).contains(&largest), "{largest}");
}

/// A file with a header of one's own.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn absurd_headers_are_refused_in_words() {
    let tensor = |shape: &str, start: &str, end: &str| {
        format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}}}"#)
    };
    let most = u64::MAX.to_string();
    let one = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let cases = [
        tensor("[1]", "4", "0"),
        tensor("[1]", "0", "8"),
        tensor(&format!("[{most},{most}]"), "0", "4"),
        tensor(&format!("[{}]", u64::MAX / 4), "0", &(u64::MAX / 4 * 4).to_string()),
        tensor("[-1]", "0", "4"),
        tensor("[1e300]", "0", "4"),
        format!(r#"{{"x":{{"dtype":"I8","shape":[{most}],"data_offsets":[0,{most}]}}}}"#),
        format!(r#"{{"a":{one},"b":{one}}}"#),
        format!(r#"{{"x":{},"y":{}}}"#, "[".repeat(5000), "]".repeat(5000)),
        r#"{"x":{"dtype":"\u001b[2J","shape":[1],"data_offsets":[0,4]}}"#.to_owned(),
        r#"{"__metadata__":{"a":1}}"#.to_owned(),
        "[]".to_owned(),
        String::new(),
    ];
    for header in cases {
        let fault = fault(&with_header(&header, 4), "relu1_1");
        assert!(matches!(fault, FileFault::NotSafetensors { .. } | FileFault::WrongLength { .. }), "{header}: {fault}");
        let message = fault.to_string();
        assert!(!message.chars().any(char::is_control) && message.len() < 600, "{message:?}");
    }
    // A name that comes twice counts once.
    let twice = with_header(&format!(r#"{{"x":{one},"x":{one}}}"#), 4);
    let directory = TempDir::new().unwrap();
    assert_eq!(weights::info(&write(&directory, &twice)).unwrap().tensors.len(), 1);
}

#[test]
fn what_a_message_quotes_of_a_file_is_short_and_fit_for_a_terminal() {
    let tensors = torchvision_tensors(&generated(11, Layer::FIRST), Dtype::F32);
    let text = format!("\u{1b}[2J{}", "1".repeat(100_000));
    let statistic = fault(&file_bytes(&tensors, &[("mean", &text), ("deviation", "[1, 1, 1]")]), "relu1_1");
    let mut tensors = tensors;
    let flat = RawTensor { shape: vec![1; 50_000], ..RawTensor::new(Dtype::F32, vec![1], &[1.0]) };
    tensors.insert("features.0.weight".to_owned(), flat);
    let shape = fault(&file_bytes(&tensors, &[]), "relu1_1");
    for fault in [statistic, shape] {
        let message = fault.to_string();
        assert!(!message.chars().any(char::is_control) && message.len() < 600, "{} bytes", message.len());
    }
}

#[test]
fn damage_in_any_place_of_the_header_is_no_reason_to_panic() {
    const NUMBERS: [&str; 8] =
        ["0", "1", "-1", "1e99", "255", "4294967296", "9223372036854775807", "18446744073709551615"];
    let whole = file_bytes(&torchvision_tensors(&generated(1, Layer::FIRST), Dtype::F32), &[("mean", "[0, 0, 0]")]);
    let start = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let directory = TempDir::new().unwrap();
    let mut random = Random::new(7);
    let mut below = |limit: usize| ((random.uniform(0.0, 1.0) * limit as f32) as usize).min(limit - 1);
    let mut refused = 0;
    for _ in 0..MUTATIONS {
        let mut header = whole[8..start].to_vec();
        for _ in 0..1 + below(3) {
            let place = below(header.len());
            match below(4) {
                0 => header[place] = below(256) as u8,
                1 => drop(header.splice(place..place + 1, NUMBERS[below(NUMBERS.len())].bytes())),
                2 => drop(header.drain(place..(place + 1 + below(20)).min(header.len()))),
                _ => {
                    let copied = header[place..(place + 1 + below(60)).min(header.len())].to_vec();
                    drop(header.splice(place..place, copied));
                }
            }
        }
        // Sometimes the length does not follow.
        let length = if below(8) == 0 { below(4000) } else { header.len() } as u64;
        let path = write(&directory, &[&length.to_le_bytes(), &header[..], &whole[start..]].concat());
        if let Ok(info) = weights::info(&path) {
            assert!(info.bytes == std::fs::metadata(&path).unwrap().len());
        }
        refused += usize::from(weights::load(&path, Format::Torchvision, Layer::FIRST).is_err());
        let _ = weights::load_all(&path, Format::Caffe);
    }
    assert!(refused > MUTATIONS / 2, "{refused}");
}

/// How many damaged files are tried.
const MUTATIONS: usize = 1000;
