//! `--dpi` and `--print`: sizes as printers name them, and what files say of them.

use super::folder::{Folder, quick, remembered};
use impasto::picture::marks;

fn density(folder: &Folder, name: &str) -> Option<f64> {
    marks(folder.path(name)).unwrap().density.map(f64::round)
}

#[test]
fn a_density_is_in_the_file_and_shown() {
    let folder = Folder::with_pictures();
    for name in ["out.png", "out.jpg", "out.webp", "out.tiff", "out.tif"] {
        let options = remembered("--dpi 240");
        assert_eq!(folder.run(&format!("stylize photo.png --style painting.png -o {name} {options}")).answer(), "");
        assert_eq!((density(&folder, name), folder.size(name)), (Some(240.0), (48, 36)), "{name}");
        assert!(folder.run(&format!("info {name}")).answer().contains("\ndensity: 240 dpi\n"), "{name}");
        let json: serde_json::Value =
            serde_json::from_str(&folder.run(&format!("info --json {name}")).answer()).unwrap();
        assert_eq!(json["density"].as_f64().map(f64::round), Some(240.0), "{name}");
        // With a density or without, the pixels are the same.
        folder.paint(&format!("plain-{name}"), "");
        assert_eq!(density(&folder, &format!("plain-{name}")), None);
        assert!(folder.open(name) == folder.open(&format!("plain-{name}")));
    }
    folder.paint("out.bmp", "--dpi 100");
    let bytes = folder.read("out.bmp");
    let metre = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((metre(38), metre(42)), (3937, 3937));
}

#[test]
fn paper_says_how_many_pixels_there_are() {
    let folder = Folder::with_pictures();
    // The sheet is turned, and its two centimetres are what the photograph has to fit: 47.2 pixels.
    let arguments = remembered("--print 2x4cm --dpi 60");
    let outcome = folder.run(&format!("stylize -v photo.png --style painting.png -o out.png {arguments}"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("63x47 pixels at 60 dpi make 2.7 x 2.0 cm\n"), "{outcome:?}");
    assert_eq!((folder.size("out.png"), density(&folder, "out.png")), ((63, 47), Some(60.0)));
    // 300 is the default.
    folder.paint("inch.png", "--print 0.2in");
    assert_eq!((folder.size("inch.png"), density(&folder, "inch.png")), ((60, 45), Some(300.0)));

    assert_eq!(folder.run("again out.png -o again.png").answer(), "");
    assert!(folder.open("again.png") == folder.open("out.png"));
    assert_eq!(folder.run("again out.png -o dense.png --dpi 30").answer(), "");
    assert_eq!((folder.size("dense.png"), density(&folder, "dense.png")), ((31, 23), Some(30.0)));
    assert_eq!(folder.run("again out.png -o sized.png --size 40").answer(), "");
    assert_eq!((folder.size("sized.png"), density(&folder, "sized.png")), ((40, 30), Some(60.0)));
    assert_eq!(folder.run("again sized.png -o paper.png --print 1in").answer(), "");
    assert_eq!((folder.size("paper.png"), density(&folder, "paper.png")), ((60, 45), Some(60.0)));
}

#[test]
fn a_checkpoint_goes_on_to_paper_and_the_density_can_come_later() {
    let folder = Folder::with_pictures();
    folder.paint("out.png", "--size 24 --checkpoint run.checkpoint");
    assert_eq!(folder.run("resume run.checkpoint --dpi 72").answer(), "");
    assert_eq!((folder.size("out.png"), density(&folder, "out.png")), ((24, 18), Some(72.0)));
    assert_eq!(folder.run("resume run.checkpoint --print 12mm").answer(), "");
    assert_eq!((folder.size("out.png"), density(&folder, "out.png")), ((34, 26), Some(72.0)));
}

#[test]
fn sizes_that_contradict_each_other_or_that_nothing_holds_are_refused_in_words() {
    let folder = Folder::with_pictures();
    let refuses = |options: &str, code: i32, words: &[&str]| {
        folder.refuses(&format!("stylize photo.png --style painting.png {}", quick(options)), code, words);
    };
    let usages = [
        ("stylize photo.png --style painting.png --size 30 --print 3cm", "'--size <N>' cannot be used with '--print"),
        ("again photo.png --size 30 --print 3cm", "'--size <N>' cannot be used with '--print"),
        ("resume photo.png --size 30 --print 3cm", "'--size <N>' cannot be used with '--print"),
        ("stylize photo.png --style painting.png --print 3furlongs", "write width x height, or the long side alone"),
        ("stylize photo.png --style painting.png --dpi 0", "\"0\" is not a whole number above zero"),
    ];
    for (arguments, words) in usages {
        let outcome = folder.run(arguments);
        assert!(outcome.code == Some(2) && outcome.stderr.contains(words), "{arguments}: {outcome:?}");
    }
    refuses("-o out.png --print 900000cm", 2, &["at most 262144 pixels"]);
    refuses("-o out.png --print 1e300in", 2, &["at most 262144 pixels"]);
    refuses("-o out.png --size 4294967295", 2, &["at most 262144 pixels"]);
    refuses("-o out.jpg --size 70000", 1, &["JPEG", "65535", "70000x52500", ".png, .tiff or .bmp"]);
    refuses("-o out.webp --print 200cm", 1, &["WebP", "16383", "23622x17717", ".png"]);
    refuses("-o out.bmp --size 60000", 1, &["BMP", "4 GiB", "60000x45000", ".png or .tiff"]);
}
