//! The cache keeps what a GPU's driver compiled from one start to the next, and no damage there can spoil a picture.

use super::folder::{Folder, quick};
use std::path::PathBuf;

/// What wgpu writes before the driver's own bytes, behind the digest.
const MAGIC: (usize, &[u8]) = (32, b"WGPUPLCH");

#[track_caller]
fn paint(folder: &Folder) -> Vec<u8> {
    let options = quick("--device 0 --min-scale 48 --first-iterations 2");
    let outcome = folder.run(&format!("stylize photo.png --style painting.png -o out.png {options}"));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
    folder.read("out.png")
}

/// The files with pipelines.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.path("cache/pipelines"));
    entries.map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
}

/// The file, which must be the only one and whole.
#[track_caller]
fn file(folder: &Folder) -> PathBuf {
    let [file] = files(folder).try_into().expect("one file with pipelines");
    let (offset, magic) = MAGIC;
    assert_eq!(&std::fs::read(&file).unwrap()[offset..][..magic.len()], magic);
    file
}

#[test]
fn pipelines_are_kept_and_what_spoils_them_is_replaced() {
    let folder = Folder::with_pictures();
    // If the first device is another, or there is none, there is nothing to keep.
    let first = folder.run("devices").stdout.split("\n1 ").next().unwrap_or_default().to_owned();
    if !first.starts_with('0') || !first.contains("pipeline cache") {
        return;
    }
    assert_eq!(files(&folder), Vec::<PathBuf>::new());
    let cold = paint(&folder);
    let kept = file(&folder);
    let written = kept.metadata().unwrap().modified().unwrap();
    let warm = paint(&folder);
    assert!(warm == cold, "kept pipelines paint something else");
    assert_eq!(file(&folder).metadata().unwrap().modified().unwrap(), written, "written though nothing is new");
    for spoilt in [&b""[..], b"garbage", &[0xff; 4096]] {
        std::fs::write(&kept, spoilt).unwrap();
        assert!(paint(&folder) == cold);
        assert_eq!(file(&folder), kept);
    }
    std::fs::remove_dir_all(folder.path("cache")).unwrap();
    folder.write("cache", "a file where the directory should be");
    assert!(paint(&folder) == cold);
}
