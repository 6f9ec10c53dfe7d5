//! Files that cannot be used or written: exit code 1, one sentence, and nothing changes.

use super::folder::{Folder, quick};
use crate::common::{RawTensor, file_bytes, layer, torchvision_tensors};
use crate::pictures::broken_palette;
use impasto::weights::{self, generated};
use safetensors::Dtype;

fn paint(content: &str, style: &str, output: &str) -> String {
    format!("stylize {content} --style {style} -o {output} {}", quick(""))
}

#[test]
fn pictures_that_cannot_be_read_are_named_with_the_reason() {
    let folder = Folder::with_pictures();
    folder.write("out.png", "something old");
    folder.write("empty.png", "");
    folder.write("text.png", "This is no picture, whatever its name says.");
    let whole = folder.read("photo.png");
    folder.write("half.png", &whole[..whole.len() / 2]);
    folder.open("photo.png").save(folder.path("whole.jpg")).unwrap();
    let whole = folder.read("whole.jpg");
    folder.write("half.jpg", &whole[..whole.len() - 40]);
    let mut broken = folder.read("photo.png");
    let middle = broken.len() / 2;
    broken[middle..middle + 20].fill(0xAA);
    folder.write("broken.png", broken);
    folder.write("palette.png", broken_palette());
    std::fs::create_dir(folder.path("album")).unwrap();
    let cases = [
        ("nowhere.png", "check the path"),
        ("album", "is a directory"),
        ("empty.png", "is empty"),
        ("text.png", "PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF and PNM"),
        ("half.png", "damaged or incomplete PNG"),
        ("half.jpg", "damaged or incomplete JPEG"),
        ("broken.png", "damaged or incomplete PNG"),
        ("palette.png", "damaged or incomplete PNG"),
        ("filters.safetensors", "is no picture"),
    ];
    for (name, words) in cases {
        folder.refuses(&paint(name, "painting.png", "out.png"), 1, &[name, words]);
        folder.refuses(&paint("photo.png", name, "out.png"), 1, &[name, words]);
        folder.refuses(&format!("{} --init {name}", paint("photo.png", "painting.png", "out.png")), 1, &[name, words]);
    }
}

#[test]
fn places_that_cannot_be_written_are_found_before_filters_are_fetched() {
    let folder = Folder::with_pictures();
    std::fs::create_dir(folder.path("album")).unwrap();
    std::fs::create_dir(folder.path("album.png")).unwrap();
    folder.write("kept.png", "something old");
    let mut permissions = folder.path("kept.png").metadata().unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(folder.path("kept.png"), permissions).unwrap();
    let mut cases = vec![
        ("missing/out.png", "no directory missing"),
        ("album.png", "is a directory"),
        ("out.gif", ".png, .jpg, .jpeg, .webp, .tif, .tiff or .bmp"),
        ("out", "known extension"),
        ("photo.png/out.png", "no directory photo.png"),
        ("kept.png", "write-protected"),
    ];
    if cfg!(target_os = "linux") {
        cases.push(("/proc/out.png", ": entity not found; check permissions and free space"));
    }
    for (output, words) in cases {
        let arguments = format!("stylize photo.png --style painting.png -o {output} --device cpu");
        folder.refuses(&arguments, 1, &[output, words]);
    }
    for (log, words) in [("missing/run.jsonl", "no directory missing"), ("album", "is a directory")] {
        let arguments = format!("stylize photo.png --style painting.png -o out.png --device cpu --log {log}");
        folder.refuses(&arguments, 1, &[log, words, "name another file"]);
    }
    folder.refuses("demo -o missing/demo.png", 1, &["missing/demo.png", "no directory missing"]);
    folder.refuses("demo -o demo.gif", 1, &["demo.gif", "known extension"]);
}

#[test]
fn weights_that_do_not_serve_are_named_with_the_reason() {
    let folder = Folder::with_pictures();
    folder.write("out.png", "something old");
    folder.write("run.jsonl", "something old");
    let whole = folder.read("filters.safetensors");
    folder.write("short.safetensors", &whole[..whole.len() - 100]);
    folder.write("text.safetensors", "This is no weights file, whatever its name says.");
    folder.write("empty.safetensors", "");
    let tensors = torchvision_tensors(&generated(3, layer("relu2_1")), Dtype::F32);
    let change = |name: &str, tensor: &str, replacement: Option<RawTensor>| {
        let mut tensors = tensors.clone();
        match replacement {
            Some(replacement) => tensors.insert(tensor.to_owned(), replacement),
            None => tensors.remove(tensor),
        };
        folder.write(name, file_bytes(&tensors, &[]));
    };
    let mut values = vec![0.5; 64 * 64 * 9];
    values[777] = f32::NAN;
    change("gap.safetensors", "features.2.bias", None);
    change("headless.safetensors", "features.0.weight", None);
    change("nan.safetensors", "features.2.weight", Some(RawTensor::new(Dtype::F32, vec![64, 64, 3, 3], &values)));
    change("wide.safetensors", "features.2.weight", Some(RawTensor::new(Dtype::F32, vec![64, 64, 1, 9], &values)));
    change("whole.safetensors", "features.2.bias", Some(RawTensor::new(Dtype::I32, vec![64], &values[..64])));
    let cases: [(&str, &[&str]); 11] = [
        ("nowhere.safetensors", &["cannot read", "check the path"]),
        (".", &["is a directory"]),
        ("photo.png", &["is not a safetensors file", "PNG picture"]),
        ("text.safetensors", &["is not a safetensors file"]),
        ("empty.safetensors", &["is not a safetensors file", "0 bytes"]),
        ("short.safetensors", &["is damaged", "fetch or copy it again"]),
        ("gap.safetensors", &["features.2.bias", "relu1_2"]),
        ("headless.safetensors", &["features.0.weight", "relu1_1"]),
        ("nan.safetensors", &["NaN", "features.2.weight", "777"]),
        ("wide.safetensors", &["features.2.weight", "[64, 64, 1, 9]", "[64, 64, 3, 3]"]),
        ("whole.safetensors", &["features.2.bias", "I32", "F32"]),
    ];
    for (name, words) in cases {
        let options = quick(&format!("--weights {name} --log run.jsonl"));
        folder.refuses(
            &format!("stylize photo.png --style painting.png -o out.png {options}"),
            1,
            &[&[name], words].concat(),
        );
    }
}

#[test]
fn filters_that_end_before_a_named_layer_are_named_with_it() {
    let folder = Folder::with_pictures();
    let named = quick("--content-layers relu4_2");
    folder.refuses(
        &format!("stylize photo.png --style painting.png -o out.png {named}"),
        1,
        &["filters.safetensors", "features.7.weight", "relu2_2"],
    );
}

#[test]
fn a_loss_that_is_no_number_ends_the_work_without_a_picture() {
    let folder = Folder::with_pictures();
    let mut filters = generated(3, layer("relu2_1"));
    filters.layers[0].weight.iter_mut().for_each(|weight| *weight *= 1e30);
    weights::save(&filters, &folder.path("huge.safetensors")).unwrap();
    for optimizer in ["adam", "lbfgs"] {
        let options = quick(&format!("--weights huge.safetensors --optimizer {optimizer}"));
        let words = ["not finite", "17x13", "iteration 1", "check the filters"];
        folder.refuses(&format!("stylize photo.png --style painting.png -o out.png {options}"), 1, &words);
    }
}

#[test]
fn steps_of_any_length_end_in_a_picture() {
    let folder = Folder::with_pictures();
    for optimizer in ["adam", "lbfgs"] {
        folder.paint("out.png", &format!("--optimizer {optimizer} --learning-rate 1e30 --log run.jsonl"));
        assert_eq!(folder.size("out.png"), (48, 36), "{optimizer}");
        let log = String::from_utf8(folder.read("run.jsonl")).unwrap();
        // JSON has null for values that are not finite.
        assert!(!log.contains("null"), "{optimizer}: {log}");
        // L-BFGS takes no step if it finds none that is short enough.
        assert!(optimizer == "lbfgs" || log.lines().count() == 6 + 3 * 3, "{optimizer}: {log}");
    }
}
