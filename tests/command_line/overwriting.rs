//! No input is overwritten, under whatever name; what is replaced is replaced whole; a name that nobody gave is new.

use super::folder::{Folder, quick};

fn stylize(options: &str) -> String {
    format!("stylize photo.png --style painting.png {}", quick(options))
}

#[test]
fn no_output_may_be_an_input() {
    let folder = Folder::with_pictures();
    folder.picture("start.png", 30, 20, 4);
    std::fs::create_dir(folder.path("album")).unwrap();
    let dump = "dump --content photo.png --style painting.png --image photo.png --weights filters.safetensors";
    let cases = [
        (stylize("-o photo.png"), "-o names photo.png, which is the photograph"),
        (stylize("-o album/../painting.png"), "which is the painting"),
        (stylize("-o start.png --init start.png"), "which is the picture to start from"),
        (stylize("-o out.png --log photo.png"), "--log names photo.png, which is the photograph"),
        (stylize("-o out.png --log filters.safetensors"), "which is the file of filters"),
        (stylize("-o out.png --checkpoint painting.png"), "--checkpoint names painting.png, which is the painting"),
        (stylize("-o out.png --log run --checkpoint album/../run"), "--log and --checkpoint both name album/../run"),
        (stylize("-o out.png --log out.png"), "-o and --log both name out.png"),
        (format!("{dump} -o photo.png"), "which is the photograph"),
        (format!("{dump} -o filters.safetensors"), "which is the file of filters"),
        ("weights learn photo.png painting.png -o painting.png".to_owned(), "-o names painting.png"),
    ];
    for (arguments, words) in cases {
        folder.refuses(&arguments, 2, &[words]);
    }
}

#[test]
fn a_snapshot_does_not_overwrite_an_input() {
    let folder = Folder::with_pictures();
    folder.picture("out-48-2.png", 48, 36, 1);
    let photo = folder.read("out-48-2.png");
    let options = quick("--min-scale 48 --first-iterations 3 --save-every 1");
    let outcome = folder.run(&format!("stylize out-48-2.png --style painting.png -o out.png {options}"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("out-48-2.png, which is the photograph"), "{outcome:?}");
    assert!(folder.read("out-48-2.png") == photo);
    assert_eq!((folder.size("out-48-1.png"), folder.size("out-48-3.png")), ((48, 36), (48, 36)));
}

#[test]
fn an_existing_log_stays_until_there_is_a_line_to_write() {
    let folder = Folder::with_pictures();
    folder.write("run.jsonl", "something old");
    folder.refuses(&stylize("-o out.png --log run.jsonl --weights nowhere.safetensors"), 1, &["nowhere.safetensors"]);
    folder.refuses(
        &stylize("-o out.png --log run.jsonl --style-layers relu5_1"),
        1,
        &["filters.safetensors has no tensor"],
    );
    assert_eq!(folder.run(&stylize("-o out.png --log run.jsonl")).answer(), "");
    assert!(folder.read("run.jsonl").starts_with(b"{"));
}

#[test]
fn a_name_that_nobody_gave_is_new_and_is_told() {
    let folder = Folder::with_pictures();
    for name in ["photo-painting.png", "photo-painting-2.png", "photo-painting-3.png"] {
        let before = folder.contents();
        assert_eq!(folder.run(&stylize("")).answer(), format!("{name}\n"));
        assert_eq!(folder.size(name), (48, 36));
        let after = folder.contents();
        assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    }
}

#[cfg(unix)]
#[test]
fn links_stay_links_and_modes_stay_modes() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::with_pictures();
    std::fs::create_dir(folder.path("far")).unwrap();
    for (name, link) in [("far/result.png", "out.png"), ("far/run.jsonl", "log"), ("far/run.checkpoint", "checkpoint")]
    {
        folder.write(name, "something old");
        std::fs::set_permissions(folder.path(name), PermissionsExt::from_mode(0o604)).unwrap();
        symlink(name, folder.path(link)).unwrap();
    }
    assert_eq!(folder.run(&stylize("-o out.png --log log --checkpoint checkpoint")).answer(), "");
    for (name, link) in [("far/result.png", "out.png"), ("far/run.jsonl", "log"), ("far/run.checkpoint", "checkpoint")]
    {
        assert!(folder.path(link).is_symlink() && folder.read(name) != b"something old", "{link}");
        assert_eq!(folder.path(name).metadata().unwrap().permissions().mode() & 0o777, 0o604, "{name}");
    }
    symlink("../photo.png", folder.path("far/link.png")).unwrap();
    folder.refuses(&stylize("-o far/link.png"), 2, &["far/link.png", "which is the photograph"]);
}
