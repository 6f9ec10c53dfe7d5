//! `impasto stylize`: sizes, starts, formats, snapshots, and the same bytes each time.

use super::folder::{Folder, quick};
use image::ImageFormat;
use impasto::picture::Picture;

/// Largest difference of two pictures' values.
fn apart(a: &Picture, b: &Picture) -> f32 {
    assert_eq!(a.size(), b.size());
    a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_result_has_the_photographs_size_or_the_one_asked_for() {
    let folder = Folder::with_pictures();
    for (options, size) in [("", (48, 36)), ("--size 33", (33, 25)), ("--size 64", (64, 48)), ("--size 0", (48, 36))] {
        folder.paint("out.png", options);
        assert_eq!(folder.size("out.png"), size, "{options}");
    }
    folder.picture("photo.png", 31, 42, 5);
    for (options, size) in [("", (31, 42)), ("--size 20", (15, 20))] {
        folder.paint("out.png", options);
        assert_eq!(folder.size("out.png"), size, "portrait, {options}");
    }
}

#[test]
fn a_large_photograph_becomes_512_pixels_long_unless_its_own_size_is_asked_for() {
    let folder = Folder::with_pictures();
    folder.picture("photo.png", 600, 20, 1);
    for (options, size) in [("", (512, 17)), ("--size 0", (600, 20))] {
        folder.paint("out.png", &format!("--min-scale 500 --first-iterations 1 {options}"));
        assert_eq!(folder.size("out.png"), size, "{options}");
    }
}

#[test]
fn the_network_goes_to_relu5_1_unless_layers_are_named() {
    let folder = Folder::with_pictures();
    folder.filters("vgg19.safetensors", "relu5_1");
    assert_default_layers(
        &folder,
        "vgg19",
        "--content-layers relu4_2",
        "relu1_1=4,relu2_1=3,relu3_1=2,relu4_1=1,relu5_1=0.5",
    );
}

#[test]
fn filters_that_end_early_give_the_layers_they_have() {
    let folder = Folder::with_pictures();
    folder.filters("vgg19.safetensors", "relu3_3");
    assert_default_layers(&folder, "vgg19", "--content-layers relu3_2", "relu1_1=4,relu2_1=3,relu3_1=2");
    assert_default_layers(&folder, "filters", "--content-layers relu2_1", "relu1_1=4,relu2_1=3");
}

#[track_caller]
fn assert_default_layers(folder: &Folder, filters: &str, content: &str, style: &str) {
    let paint = |output: &str, layers: &str| {
        let options = format!(
            "--no-metadata --device cpu --weights {filters}.safetensors --min-scale 32 --iterations 1 {layers}"
        );
        let outcome =
            folder.run(&format!("stylize photo.png --style painting.png -o {output} --first-iterations 2 {options}"));
        assert_eq!(outcome.answer(), "");
        folder.read(output)
    };
    let named = paint("named.png", &format!("{content} --style-layers {style}"));
    assert!(paint("default.png", "") == named, "the defaults are not {content} and {style}");
    assert!(paint("other.png", "--content-layers relu1_2 --style-layers relu1_1") != named, "layers do not count");
}

#[test]
fn painting_starts_from_the_photograph_from_noise_or_from_another_picture() {
    let folder = Folder::with_pictures();
    folder.picture("start.png", 30, 50, 9);
    let still = "--size 24 --min-scale 24 --first-iterations 1 --learning-rate 1e-9 --depth 16";
    for (init, start) in [("content", "photo.png"), ("start.png", "start.png")] {
        folder.paint("out.png", &format!("--init {init} {still}"));
        let (found, start) = (folder.open("out.png"), folder.open(start));
        let distance = apart(&found, &start.resize(found.size()));
        assert!(distance < 0.51 / 65535.0, "{init}: the first step moved by {distance}");
    }
    folder.paint("out.png", &format!("--init noise --seed 5 {still}"));
    let found = folder.open("out.png");
    let distance = apart(&found, &Picture::noise(found.size(), 5));
    assert!(distance < 0.51 / 65535.0, "noise: the first step moved by {distance}");
}

#[test]
fn the_same_command_gives_the_same_bytes_and_another_seed_another_picture() {
    let folder = Folder::with_pictures();
    for options in ["--init noise --seed 7", "--init noise --seed 7 --optimizer lbfgs", "--threads 1"] {
        folder.paint("once.png", options);
        folder.paint("again.png", options);
        assert!(folder.read("once.png") == folder.read("again.png"), "{options}");
    }
    folder.paint("one_thread.png", "--threads 1");
    folder.paint("three_threads.png", "--threads 3");
    assert!(folder.read("one_thread.png") == folder.read("three_threads.png"));
    folder.paint("seven.png", "--init noise --seed 7");
    folder.paint("eight.png", "--init noise --seed 8");
    let distance = apart(&folder.open("seven.png"), &folder.open("eight.png"));
    assert!(distance > 0.1, "other noise moved the result by {distance} only");
}

#[test]
fn the_extension_decides_the_format() {
    let folder = Folder::with_pictures();
    folder.paint("out.png", "");
    let expected = folder.open("out.png");
    let formats = [
        ("out.jpg", ImageFormat::Jpeg),
        ("out.jpeg", ImageFormat::Jpeg),
        ("out.WebP", ImageFormat::WebP),
        ("out.tif", ImageFormat::Tiff),
        ("out.tiff", ImageFormat::Tiff),
        ("out.bmp", ImageFormat::Bmp),
    ];
    for (name, format) in formats {
        folder.paint(name, "");
        assert_eq!(image::guess_format(&folder.read(name)).unwrap(), format, "{name}");
        let distance = apart(&folder.open(name), &expected);
        let allowed = if format == ImageFormat::Jpeg { 0.4 } else { 0.0 };
        assert!(distance <= allowed, "{name} is {distance} away from the PNG");
    }
}

#[test]
fn every_format_serves_as_photograph_and_painting() {
    let folder = Folder::with_pictures();
    for name in ["photo.jpg", "photo.webp", "photo.tiff", "photo.bmp"] {
        folder.open("photo.png").save(folder.path(name)).unwrap();
        let outcome = folder.run(&format!("stylize {name} --style {name} -o out.png {}", quick("")));
        assert_eq!(outcome.answer(), "", "{name}");
        assert_eq!(folder.size("out.png"), (48, 36), "{name}");
    }
}

#[test]
fn an_existing_result_is_replaced_and_nothing_else_is_left() {
    let folder = Folder::with_pictures();
    folder.write("out.png", "something old");
    let before: Vec<String> = folder.contents().into_keys().collect();
    folder.paint("out.png", "");
    assert_eq!(folder.size("out.png"), (48, 36));
    assert_eq!(folder.contents().into_keys().collect::<Vec<_>>(), before);
}

#[test]
fn snapshots_are_named_after_the_result_their_size_and_iteration() {
    let folder = Folder::with_pictures();
    std::fs::create_dir(folder.path("results")).unwrap();
    let before = folder.contents();
    folder.paint("results/out.v2.jpg", "--min-scale 24 --first-iterations 5 --iterations 4 --save-every 2");
    let after = folder.contents();
    let mut new: Vec<&str> = after.keys().filter(|name| !before.contains_key(*name)).map(String::as_str).collect();
    new.sort_unstable();
    let mut expected =
        ["24-2", "24-4", "34-2", "34-4", "48-2", "48-4"].map(|name| format!("results/out.v2-{name}.png"));
    expected.sort_unstable();
    assert_eq!(new[..6], expected);
    assert_eq!(new[6..], ["results/out.v2.jpg"]);
    assert_eq!(folder.size("results/out.v2-24-2.png"), (24, 18));
    assert_eq!(folder.size("results/out.v2-48-4.png"), (48, 36));
}

#[test]
fn the_last_snapshot_is_the_result() {
    for optimizer in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures();
        folder.paint("out.png", &format!("--optimizer {optimizer} --iterations 4 --save-every 4"));
        assert!(folder.read("out.png") == folder.read("out-48-4.png"), "{optimizer}");
    }
}

#[test]
fn learned_filters_stand_in_where_the_network_cannot_be_fetched() {
    let folder = Folder::empty();
    folder.picture("photo.png", 48, 36, 1);
    folder.picture("painting.png", 40, 44, 2);
    let arguments = "stylize photo.png -s painting.png --no-metadata --device cpu --min-scale 48 --first-iterations 2";
    let outcome = folder.run(&format!("{arguments} -o auto.png"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.lines().count()), ("", 1), "{}", outcome.stderr);
    let (start, end) = outcome.stderr.split_once(", so ").unwrap();
    assert!(start.starts_with("impasto: no VGG19 (cannot reach http://127.0.0.1:9/timm/"), "{start}");
    let expected = "filters are learned from your two pictures; \"impasto weights fetch\" tries again, \
                    --weights learned asks for this\n";
    assert_eq!(end, expected);
    assert_eq!(folder.run("weights learn photo.png painting.png -o filters.safetensors").answer(), "");
    assert_eq!(folder.run(&format!("{arguments} -o saved.png --weights filters.safetensors")).answer(), "");
    assert!(folder.read("auto.png") == folder.read("saved.png"));
}
