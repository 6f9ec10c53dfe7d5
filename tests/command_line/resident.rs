//! The memory that a process takes in all, by the system's measure.

use super::folder::Folder;
use crate::common::in_status;
use std::{
    io::{Read, copy, sink},
    process::Stdio,
};

/// The largest resident size of a process that paints, in MiB. Its picture goes to a pipe that holds a part of it, so that
/// the process is still there when its first byte has come.
fn resident(folder: &Folder, options: &str) -> u64 {
    let arguments = format!(
        "stylize photo.png --style painting.png -o - --quiet --device cpu --threads 2 --weights filters.safetensors \
         --iterations 1 --first-iterations 1 {options}"
    );
    let mut child = folder.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut picture = child.stdout.take().unwrap();
    picture.read_exact(&mut [0]).unwrap();
    let peak = in_status(&child.id().to_string(), "VmHWM");
    copy(&mut picture, &mut sink()).unwrap();
    assert!(child.wait().unwrap().success());
    peak >> 10
}

#[test]
fn a_painting_on_the_cpu_takes_the_memory_of_bands_and_of_one_form_of_the_filters() {
    let folder = Folder::empty();
    folder.picture("photo.png", 1024, 768, 1);
    folder.picture("painting.png", 1280, 1014, 2);
    folder.filters("filters.safetensors", "relu5_1");
    let cases = [
        ("--size 512 --optimizer adam", 420),
        ("--size 512 --optimizer lbfgs", 440),
        ("--size 1024 --min-scale 512 --optimizer adam", 650),
    ];
    for (options, most) in cases {
        let taken = resident(&folder, options);
        assert!(taken <= most, "{options}: {taken} MiB, more than {most}");
    }
}
