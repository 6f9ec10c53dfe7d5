//! What a picture remembers of how it was painted, and painting it again.

use super::folder::{Folder, quick, remembered};
use impasto::picture::{Depth, Encoding, Picture, recorded};
use serde_json::Value;

/// photo.png painted like painting.png.
#[track_caller]
fn paint(folder: &Folder, output: &str, options: &str) {
    let arguments = format!("stylize photo.png --style painting.png -o {output} {}", remembered(options));
    assert_eq!(folder.run(&arguments).answer(), "", "{arguments}");
}

fn record(folder: &Folder, picture: &str) -> Value {
    serde_json::from_str(&folder.run(&format!("info {picture} --json")).answer()).unwrap()
}

/// Puts another text into a picture.
fn rewrite(folder: &Folder, picture: &str, record: &Value) {
    let encoding = Encoding { record: Some(record.to_string()), ..Encoding::default() };
    folder.open("photo.png").save_as(folder.path(picture), &encoding).unwrap();
}

#[test]
fn pictures_of_every_format_remember_how_they_were_painted() {
    let folder = Folder::with_pictures();
    for extension in ["png", "jpg", "webp", "tiff"] {
        let name = format!("out.{extension}");
        paint(&folder, &name, "--style-weight 7 --content-weight=2 --log run.jsonl");
        let record = record(&folder, &name);
        assert_eq!(record["impasto"], env!("CARGO_PKG_VERSION"));
        assert_eq!(record["size"], serde_json::json!([48, 36]));
        assert_eq!(
            (&record["device"], &record["back_end"], &record["precision"]),
            (&"CPU".into(), &"cpu".into(), &"f32".into())
        );
        assert_eq!(record["recipe"]["style_weight"], 7.0);
        assert_eq!(record["recipe"]["seed"], 0);
        assert_eq!(record["filters"].as_str().map(str::len), Some(64));
        let inputs = record["inputs"].as_array().unwrap();
        let names: Vec<&str> = inputs.iter().filter_map(|input| input["name"].as_str()).collect();
        assert_eq!(names, ["photo.png", "painting.png", "filters.safetensors"]);
        let digests: Vec<_> = inputs.iter().map(|input| input["sha256"].as_str().map(str::len)).collect();
        assert_eq!(digests, [Some(64), Some(64), None]);
        let options = record["options"].to_string();
        assert!(options.contains("[\"style-weight\",[\"7\"]]") && !options.contains("log"), "{options}");
        let shown = folder.run(&format!("info {name}")).answer();
        for line in
            ["the photograph: photo.png, sha256 ", "--style-weight: 7\n", "size: 48x36\n", "device: CPU (cpu, f32)\n"]
        {
            assert!(shown.contains(line), "no {line:?} in {shown}");
        }
    }
}

#[test]
fn nothing_is_remembered_where_that_is_not_wanted_or_not_possible() {
    let folder = Folder::with_pictures();
    for (name, options) in [("none.png", "--no-metadata"), ("out.bmp", "")] {
        let arguments = format!("stylize photo.png --style painting.png -o {name} {} {options}", remembered(""));
        assert_eq!(folder.run(&arguments).answer(), "");
        assert_eq!(recorded(folder.path(name)).unwrap(), None);
        folder.refuses(&format!("info {name}"), 1, &[name, "does not remember", "--no-metadata"]);
        folder.refuses(&format!("again {name}"), 1, &[name, "does not remember"]);
    }
    folder.write("words", "no picture");
    folder.refuses("info words", 1, &["words", "no picture"]);
    rewrite(&folder, "other.png", &serde_json::json!({"impasto": 1}));
    folder.refuses("again other.png", 1, &["other.png", "not what impasto writes"]);
}

#[test]
fn no_place_on_the_machine_is_told() {
    let folder = Folder::with_pictures();
    let [photo, filters] = ["photo.png", "filters.safetensors"].map(|name| folder.path(name).display().to_string());
    let options = remembered(&format!("--weights {filters} --init {photo} --checkpoint {filters}.checkpoint"));
    let output = folder.path("out.jpg").display().to_string();
    let arguments = format!("stylize {photo} --style painting.png -o {output} {options} --save-every 2");
    assert_eq!(folder.run(&arguments).answer(), "");
    let root = folder.path("").parent().unwrap().display().to_string();
    for (name, bytes) in folder.contents().iter().filter(|(name, _)| name.starts_with("out")) {
        let text = recorded(folder.path(name)).unwrap().unwrap_or_else(|| panic!("{name} remembers nothing"));
        assert!(!text.contains(&root) && !String::from_utf8_lossy(bytes).contains(&root), "{name}: {text}");
    }
    assert!(folder.contents().keys().filter(|name| name.starts_with("out-")).count() > 2);
    // It is found again all the same.
    assert_eq!(folder.run("again out.jpg -o again.jpg").answer(), "");
    assert!(folder.open("again.jpg") == folder.open("out.jpg"));
}

#[test]
fn again_paints_the_same_bits_beside_or_elsewhere_and_in_any_size() {
    let folder = Folder::with_pictures();
    for options in
        ["--optimizer lbfgs", "--init noise --seed 5", "--weights learned --style-layers relu1_1", "--depth 16"]
    {
        paint(&folder, "out.png", options);
        assert_eq!(folder.run("again out.png -o again.png").answer(), "", "{options}");
        assert!(folder.read("again.png") == folder.read("out.png"), "{options}");
    }
    assert_eq!(folder.run("again out.png").answer(), "photo-painting.png\n");
    // From another directory the files are found beside the picture.
    std::fs::create_dir(folder.path("elsewhere")).unwrap();
    let mut command = folder.command("again ../out.png -o done.png");
    let output = command.current_dir(folder.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.open("elsewhere/done.png") == folder.open("out.png"));
    assert_eq!(folder.run("again out.png -o small.png --size 24").answer(), "");
    assert_eq!(folder.size("small.png"), (24, 18));
    folder.refuses("again out.png -o out.png", 2, &["-o", "out.png", "would be overwritten"]);
    folder.refuses("again out.png -o photo.png", 2, &["-o", "the photograph"]);
}

#[test]
fn a_resumed_picture_remembers_what_a_whole_one_does() {
    let folder = Folder::with_pictures();
    paint(&folder, "whole.png", "");
    paint(&folder, "out.png", "--checkpoint run.checkpoint");
    std::fs::create_dir(folder.path("elsewhere")).unwrap();
    let mut command = folder.command("resume ../run.checkpoint -o done.png");
    let output = command.current_dir(folder.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.read("elsewhere/done.png") == folder.read("whole.png"));
    assert!(folder.read("out.png") == folder.read("whole.png"));
}

#[test]
fn inputs_that_have_changed_or_are_missing_are_named() {
    let folder = Folder::with_pictures();
    paint(&folder, "out.png", "");
    std::fs::rename(folder.path("painting.png"), folder.path("moved.png")).unwrap();
    folder.refuses("again out.png -o again.png", 1, &["the painting painting.png is neither", "--style"]);
    assert_eq!(folder.run("again out.png -o again.png -s moved.png").answer(), "");
    assert!(folder.open("again.png") == folder.open("out.png"));

    folder.picture("painting.png", 40, 44, 9);
    let outcome = folder.run("again out.png -o again.png");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("painting.png is not what it was: the painting has changed"), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(folder.open("again.png") != folder.open("out.png"));
    // The right one beside the picture is preferred to a wrong one here.
    std::fs::create_dir(folder.path("album")).unwrap();
    std::fs::copy(folder.path("out.png"), folder.path("album/out.png")).unwrap();
    std::fs::rename(folder.path("moved.png"), folder.path("album/painting.png")).unwrap();
    assert_eq!(folder.run("again album/out.png -o again.png").answer(), "");
    assert!(folder.open("again.png") == folder.open("out.png"));

    folder.filters("other.safetensors", "relu3_1");
    std::fs::rename(folder.path("filters.safetensors"), folder.path("old.safetensors")).unwrap();
    folder.refuses("again album/out.png -o again.png", 1, &["the file of filters", "--weights"]);
    let outcome = folder.run("again album/out.png -o again.png --weights learned --style-layers relu1_1");
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    let outcome = folder.run("again album/out.png -o again.png --weights learned");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("filters was"), "{outcome:?}");
}

#[test]
fn a_strangers_record_writes_nothing_and_reads_no_other_place() {
    let folder = Folder::with_pictures();
    paint(&folder, "out.png", "");
    let mut record = record(&folder, "out.png");
    let options = record["options"].as_array_mut().unwrap();
    for [option, value] in [
        ["output", "mine.png"],
        ["log", "mine.jsonl"],
        ["checkpoint", "mine.checkpoint"],
        ["save-every", "1"],
        ["weights-url", "http://127.0.0.1:9/mine"],
        ["seed", "1 --log mine.jsonl"],
        ["style", "--log=mine.jsonl"],
        ["help", ""],
    ] {
        options.push(serde_json::json!([option, [value]]));
    }
    rewrite(&folder, "strange.png", &record);
    folder.refuses("again strange.png -o again.png -q", 1, &["strange.png", "cannot read the options"]);
    let options = record["options"].as_array_mut().unwrap();
    options.retain(|option| option[0] != "seed" && option[1][0] != "--log=mine.jsonl");
    rewrite(&folder, "strange.png", &record);
    let before = folder.contents();
    let outcome = folder.run("again strange.png -o again.png");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("also remembers output, log, checkpoint, "), "{outcome:?}");
    let after = folder.contents();
    let new: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert_eq!(new, ["again.png"]);
    assert!(folder.open("again.png") == folder.open("out.png"));

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path("photo.png"), elsewhere.path().join("secret.png")).unwrap();
    let secret = elsewhere.path().join("secret.png").display().to_string();
    record["options"] = serde_json::json!([["content", [secret]], ["style", ["painting.png"]]]);
    record["inputs"] = serde_json::json!([{"what": "the photograph", "name": secret, "sha256": null}]);
    rewrite(&folder, "strange.png", &record);
    folder.refuses("again strange.png -o again.png", 1, &["the photograph secret.png is neither"]);
    record["inputs"] = serde_json::json!([]);
    rewrite(&folder, "strange.png", &record);
    folder.refuses("again strange.png -o again.png", 1, &["cannot read secret.png"]);
    record["device"] = "\u{1b}[2J\u{202e}".into();
    rewrite(&folder, "strange.png", &record);
    for arguments in ["info strange.png", "info strange.png --json"] {
        let shown = folder.run(arguments).answer();
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}

#[test]
fn a_picture_of_standard_input_needs_its_photograph() {
    let folder = Folder::with_pictures();
    let mut command = folder.command(&format!("stylize - --style painting.png -o out.png {}", remembered("")));
    command.stdin(std::fs::File::open(folder.path("photo.png")).unwrap());
    assert!(command.output().unwrap().status.success());
    folder.refuses("again out.png -o again.png", 1, &["standard input", "--content"]);
    assert_eq!(folder.run("again out.png -o again.png --content photo.png").answer(), "");
    assert!(folder.open("again.png") == folder.open("out.png"));
}

#[test]
fn the_demo_says_how_to_see_it_again() {
    let folder = Folder::with_pictures();
    let record = serde_json::json!({
        "impasto": "0.1.0", "command": "demo", "options": [], "inputs": [], "size": [1, 1], "device": "CPU",
        "back_end": "cpu", "precision": "f32", "filters": "", "recipe": {},
    });
    rewrite(&folder, "demo.png", &record);
    assert!(folder.run("info demo.png").answer().starts_with("impasto: 0.1.0 demo\n"));
    folder.refuses("again demo.png", 1, &["`impasto demo`"]);
}

#[test]
fn transparency_comes_out_again_bit_for_bit() {
    let folder = Folder::with_pictures();
    let pixels =
        (0..48 * 36u32).flat_map(|i| [i as u8, 99, (i / 48) as u8, if i % 7 == 0 { 0 } else { (i * 5) as u8 }]);
    let image = image::RgbaImage::from_raw(48, 36, pixels.collect()).unwrap();
    image.save(folder.path("hole.png")).unwrap();
    for extension in ["png", "webp", "tiff"] {
        let name = format!("out.{extension}");
        let arguments = format!("stylize hole.png --style painting.png -o {name} {}", quick(""));
        assert_eq!(folder.run(&arguments).answer(), "");
        let painted = image::open(folder.path(&name)).unwrap().into_rgba8();
        assert!(painted.pixels().zip(image.pixels()).all(|(found, wanted)| found[3] == wanted[3]), "{extension}");
    }
    let outcome = folder.run(&format!("stylize hole.png --style painting.png -o out.jpg {}", quick("")));
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("JPEG files hold no transparency"), "{outcome:?}");
}

#[test]
fn sixteen_bits_are_refused_by_formats_that_have_eight_and_camera_and_place_kept_only_when_asked_for() {
    let folder = Folder::with_pictures();
    paint(&folder, "out.png", "--depth 16");
    assert!(matches!(image::open(folder.path("out.png")).unwrap(), image::DynamicImage::ImageRgb16(_)));
    let arguments = format!("stylize photo.png --style painting.png -o out.jpg {} --depth 16", quick(""));
    folder.refuses(&arguments, 1, &["out.jpg", "16 bits", ".png or .tiff"]);

    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x0F\0\x02\0\0\0\x04Joe\0\0\0\0\0".to_vec();
    let encoding = Encoding { exif: Some(exif.clone()), depth: Depth::Eight, ..Encoding::default() };
    folder.open("photo.png").save_as(folder.path("photo.jpg"), &encoding).unwrap();
    let options = remembered("");
    for (keep, expected) in [("", None), ("--keep-exif", Some(&exif))] {
        let arguments = format!("stylize photo.jpg --style painting.png -o kept.webp {options} {keep}");
        assert_eq!(folder.run(&arguments).answer(), "");
        let bytes = folder.read("kept.webp");
        let opened = Picture::read_for("kept".as_ref(), &bytes[..], impasto::picture::Detail::Full).unwrap();
        assert_eq!(opened.exif.as_ref(), expected);
    }
    let outcome = folder.run(&format!("stylize photo.png --style painting.png -o kept.png {options} --keep-exif"));
    assert!(outcome.code == Some(0) && outcome.stderr.contains("has no EXIF data"), "{outcome:?}");
}

#[test]
fn several_paintings_regions_and_masks_are_found_again() {
    let folder = Folder::with_pictures();
    folder.picture("other.png", 30, 41, 7);
    let grey = |name: &str, value: &dyn Fn(u32, u32) -> u8| {
        let mask = image::GrayImage::from_fn(48, 36, |x, y| image::Luma([value(x, y)]));
        mask.save(folder.path(name)).unwrap();
    };
    grey("-left.png", &|x, _| if x < 20 { 255 } else { 0 });
    grey("kept=a,b.png", &|_, y| if y < 9 { 255 } else { 0 });
    let more = "--style other.png --region ./-left.png other.png --keep kept=a,b.png --blend 3,1,2 --style-mask all \
                --colors photo --edges 0.5 --statistic moments";
    paint(&folder, "out.png", more);
    assert_eq!(folder.run("again out.png -o again.png").answer(), "");
    assert!(folder.read("again.png") == folder.read("out.png"));

    std::fs::create_dir(folder.path("elsewhere")).unwrap();
    let mut command = folder.command("again ../out.png -o done.png");
    let output = command.current_dir(folder.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.open("elsewhere/done.png") == folder.open("out.png"));
    std::fs::remove_file(folder.path("kept=a,b.png")).unwrap();
    folder.refuses("again out.png -o again.png", 1, &["kept=a,b.png is neither", "put it there"]);
}
