//! Checkpoints that are damaged, or made to do harm: their digests fit, but what they hold cannot be.

use crate::{
    common::{CheckpointFolder, layer, weighted},
    mutations::mutate::{Kind, repaired},
};
use impasto::{
    Device, Engine,
    picture::Picture,
    plan::Size,
    style::{Checkpoint, CheckpointError, Inputs, Method, Painting, Recipe, Status},
    weights::generated,
};
use safetensors::SafeTensors;
use std::sync::Arc;

fn engine() -> Engine {
    Engine::new(&Device::Cpu(None), Arc::new(generated(11, layer("relu1_2")))).unwrap()
}

fn content() -> Picture {
    Picture::noise(Size { width: 24, height: 18 }, 1)
}

fn style() -> Picture {
    Picture::noise(Size { width: 21, height: 23 }, 2)
}

/// Three sizes, of 12, 17 and 24 pixels.
fn recipe(method: Method) -> Recipe {
    Recipe {
        size: 24,
        min_scale: 12,
        first_iterations: 3,
        // More than an optimiser is ever ahead of what is known.
        iterations: 99,
        content_layers: weighted(&["relu1_2"]),
        style_layers: weighted(&["relu1_1"]),
        method,
        ..Recipe::default()
    }
}

/// A checkpoint after some iterations of the second size, without a start picture.
fn saved(method: Method, folder: &CheckpointFolder) -> Vec<u8> {
    let mut painting = Painting::new(&engine(), Inputs::new(content(), style()), recipe(method)).unwrap();
    while painting.scale() < 1 || painting.iteration() < 2 {
        assert_ne!(painting.wait().unwrap(), Status::Done);
    }
    painting.save(&folder.file()).unwrap();
    std::fs::read(folder.file()).unwrap()
}

/// The header of a file and its data, changed, with lengths and digest that fit again.
fn edited(whole: &[u8], edit: impl FnOnce(&mut serde_json::Value, &mut Vec<u8>)) -> Vec<u8> {
    let length = u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    let (json, data) = whole[8..].split_at(length);
    let (mut header, mut data) = (serde_json::from_slice(json).unwrap(), data.to_vec());
    edit(&mut header, &mut data);
    let json = header.to_string().into_bytes();
    repaired(Kind::Checkpoint, [&(json.len() as u64).to_le_bytes(), json.as_slice(), &data].concat())
}

fn fault(bytes: &[u8]) -> String {
    let folder = CheckpointFolder::new();
    std::fs::write(folder.file(), bytes).unwrap();
    match Checkpoint::read(&folder.file()) {
        Err(CheckpointError::Damaged { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

/// A file with one part of its painting replaced.
fn with(whole: &[u8], place: &str, value: &serde_json::Value) -> Vec<u8> {
    edited(whole, |header, _| {
        let text = header["__metadata__"]["painting"].as_str().unwrap();
        let mut painting: serde_json::Value = serde_json::from_str(text).unwrap();
        *painting.pointer_mut(place).unwrap() = value.clone();
        header["__metadata__"]["painting"] = painting.to_string().into();
    })
}

#[test]
fn numbers_that_no_painting_has_are_refused_whatever_the_digest_says() {
    let folder = CheckpointFolder::new();
    let (adam, lbfgs) = (saved(Method::Adam, &folder), saved(Method::Lbfgs, &folder));
    let huge = serde_json::json!({ "width": u32::MAX, "height": u32::MAX });
    let bits = serde_json::json!(f64::NAN.to_bits());
    let cases = [
        (&adam, "/recipe/iterations", 0.into(), "out of range"),
        (&adam, "/recipe/style_scales/0", (-1.0).into(), "out of range"),
        (&adam, "/position/index", 3.into(), "no such scale"),
        (&adam, "/position/index", usize::MAX.into(), "no such scale"),
        (&adam, "/position/index", 0.into(), "not of the scale before"),
        (&adam, "/position/done", true.into(), "not of the scale before"),
        (&adam, "/position/sizes", serde_json::json!([]), "no such scale"),
        (&adam, "/position/sizes/0", huge.clone(), "sizes are not those of pictures"),
        (&adam, "/position/sizes/2", huge.clone(), "sizes are not those of pictures"),
        (&adam, "/position/sizes/2/height", 0.into(), "sizes are not those of pictures"),
        (
            &adam,
            "/position/sizes/2",
            serde_json::json!({ "width": 17, "height": 13 }),
            "sizes are not those of pictures",
        ),
        (&adam, "/position/sizes/1/width", 16.into(), "not those of its painting"),
        (&adam, "/painted", huge.clone(), "not of the scale before"),
        (&adam, "/painted", serde_json::Value::Null, "not of the scale before"),
        (&adam, "/init_size", huge, "sizes are not those of pictures"),
        (&adam, "/init", "Picture".into(), "starts from is missing"),
        (&adam, "/moment/iteration", u32::MAX.into(), "optimiser is out of range"),
        (&adam, "/moment/evaluations", u32::MAX.into(), "optimiser is out of range"),
        (&adam, "/moment/evaluations", (-1).into(), "does not parse"),
        (&adam, "/moment/seconds", (-1.0).into(), "optimiser is out of range"),
        (&adam, "/moment/gradient_exponent", i32::MIN.into(), "optimiser is out of range"),
        (&adam, "/moment/optimizer", serde_json::json!({ "Lbfgs": null }), "that of another"),
        (&adam, "/recipe/method", "Lbfgs".into(), "that of another"),
        (&lbfgs, "/moment/optimizer/Lbfgs/loss", bits, "that of another"),
        (&lbfgs, "/moment/optimizer/Lbfgs/pairs", serde_json::json!([0, 0]), "that of another"),
        (&lbfgs, "/moment/optimizer/Lbfgs/products/0", serde_json::json!([]), "that of another"),
    ];
    for (whole, place, value, words) in cases {
        let fault = fault(&with(whole, place, &value));
        assert!(fault.contains(words), "{place} = {value}: {fault}");
    }
}

#[test]
fn sizes_of_another_photograph_are_refused_before_anything_is_painted() {
    let folder = CheckpointFolder::new();
    let bytes = with(&saved(Method::Adam, &folder), "/position/sizes/2/width", &23.into());
    std::fs::write(folder.file(), bytes).unwrap();
    let error = Painting::load(&engine(), Inputs::new(content(), style()), &folder.file()).err().unwrap();
    assert!(matches!(error, CheckpointError::Contradiction(_)), "{error}");
    assert!(error.to_string().contains("not those of the photograph"), "{error}");
}

#[test]
fn arrays_that_no_painting_has_are_refused_whatever_the_digest_says() {
    let folder = CheckpointFolder::new();
    for method in [Method::Adam, Method::Lbfgs] {
        let whole = saved(method, &folder);
        let names: Vec<String> = {
            let (_, header) = SafeTensors::read_metadata(&whole).unwrap();
            header.offset_keys()
        };
        for name in &names {
            let place = |header: &serde_json::Value| header[name]["data_offsets"][0].as_u64().unwrap() as usize;
            let fault = fault(&edited(&whole, |header, data| {
                // The last of the state's five words is a number, as all of the others are.
                let end = header[name]["data_offsets"][1].as_u64().unwrap() as usize;
                assert!(place(header) < end);
                data[end - 4..end].copy_from_slice(&f32::NAN.to_le_bytes());
            }));
            assert!(fault.contains("not finite") || fault.contains("out of range"), "{name}: {fault}");
            let fault = self::fault(&edited(&whole, |header, _| header[name]["dtype"] = "I32".into()));
            assert!(fault.contains("not those of its painting"), "{name}: {fault}");
            let fault = self::fault(&edited(&whole, |header, _| {
                let tensor = header.as_object_mut().unwrap().remove(name).unwrap();
                header["other"] = tensor;
            }));
            assert!(fault.contains("not those of its painting"), "{name}: {fault}");
        }
    }
}

#[test]
fn lengths_are_not_believed_and_names_not_repeated() {
    let folder = CheckpointFolder::new();
    let whole = saved(Method::Adam, &folder);
    // A terabyte without contents.
    std::fs::write(folder.file(), &whole).unwrap();
    std::fs::File::options().write(true).open(folder.file()).unwrap().set_len(1 << 40).unwrap();
    let error = Checkpoint::read(&folder.file()).unwrap_err().to_string();
    assert!(error.contains("of another length"), "{error}");
    for length in [0, 1, 1 << 22, 1 << 40, u64::MAX - 8, u64::MAX] {
        let bytes = [&length.to_le_bytes(), &whole[8..]].concat();
        std::fs::write(folder.file(), bytes).unwrap();
        let error = Checkpoint::read(&folder.file()).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Damaged { .. } | CheckpointError::Foreign { .. }),
            "{length}: {error}"
        );
    }
    let deep = edited(&whole, |header, _| header["__metadata__"]["painting"] = "[".repeat(100_000).into());
    assert!(fault(&deep).starts_with("its painting does not parse at line 1, column "));
    let loud =
        edited(&whole, |header, _| header["__metadata__"]["impasto_checkpoint"] = "\u{1b}[2J\n".repeat(999).into());
    std::fs::write(folder.file(), loud).unwrap();
    let Err(CheckpointError::Version { found, .. }) = Checkpoint::read(&folder.file()) else { panic!("it was read") };
    assert_eq!(found, r"\u{1b}[2J\u{a}\u{1b…");
}

#[test]
fn notes_that_could_not_be_read_again_are_not_written() {
    let folder = CheckpointFolder::new();
    let before = saved(Method::Adam, &folder);
    let mut checkpoint = Checkpoint::read(&folder.file()).unwrap();
    checkpoint.notes = "\n".repeat(3 << 20);
    let error = checkpoint.save(&folder.file()).unwrap_err().to_string();
    assert!(error.contains("its notes make a header of"), "{error}");
    assert!(std::fs::read(folder.file()).unwrap() == before);
    checkpoint.notes.truncate(1 << 20);
    checkpoint.save(&folder.file()).unwrap();
    assert!(Checkpoint::read(&folder.file()).unwrap() == checkpoint);
}

#[test]
fn a_checkpoint_in_memory_is_the_one_in_a_file() {
    let folder = CheckpointFolder::new();
    let name = std::path::Path::new("the checkpoint");
    for method in [Method::Adam, Method::Lbfgs] {
        let file = saved(method, &folder);
        let read = Checkpoint::from_bytes(name, &file).unwrap();
        assert!(read == Checkpoint::read(&folder.file()).unwrap());
        // The metadata's entries are in any order, so bytes may differ.
        let bytes = read.to_bytes(name).unwrap();
        assert_eq!(bytes.len(), file.len());
        assert!(Checkpoint::from_bytes(name, &bytes).unwrap() == read);
        let error = Checkpoint::from_bytes(name, &bytes[..bytes.len() - 1]).unwrap_err().to_string();
        assert!(error.starts_with("the checkpoint the checkpoint is damaged"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_directory_a_pipe_and_a_device_are_no_checkpoints() {
    let folder = CheckpointFolder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let zeros = std::path::Path::new("/dev/zero");
    for (path, words) in
        [(folder.0.path(), "a directory"), (&pipe, "a device or a pipe"), (zeros, "a device or a pipe")]
    {
        let error = Checkpoint::read(path).unwrap_err();
        assert!(matches!(error, CheckpointError::NotAFile { found, .. } if found == words), "{error}");
    }
    let error = Checkpoint::read(&folder.file()).unwrap_err();
    assert!(matches!(error, CheckpointError::Read { .. }), "{error}");
}
