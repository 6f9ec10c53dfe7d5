//! The memory that a process takes in all, by the system's measure.

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use crate::common::in_status;
use std::{
    io::{Read, copy, sink},
    process::Stdio,
};

/// What a process that paints takes.
struct Taken {
    /// Its largest resident size, in MiB.
    resident: u64,
    /// What it says beforehand, in MiB.
    predicted: u64,
}

/// Paints with so many iterations at the first size, and one at others. The picture goes to a pipe that holds a part of it, so
/// that the process is still there when its first byte has come.
fn paint(folder: &Folder, iterations: u32, options: &str) -> Taken {
    taken(
        folder,
        &format!(
            "stylize photo.png --style painting.png -o - -v --device cpu --threads 2 --weights filters.safetensors \
         --iterations 1 --first-iterations {iterations} {options}"
        ),
    )
}

/// What a command takes that writes a picture to the standard output.
fn taken(folder: &Folder, arguments: &str) -> Taken {
    let said = std::fs::File::create(folder.path("said.txt")).unwrap();
    let mut child = folder.command(arguments).stdout(Stdio::piped()).stderr(said).spawn().unwrap();
    let mut picture = child.stdout.take().unwrap();
    picture.read_exact(&mut [0]).unwrap();
    let peak = in_status(&child.id().to_string(), "VmHWM");
    copy(&mut picture, &mut sink()).unwrap();
    assert!(child.wait().unwrap().success());
    let said = String::from_utf8(folder.read("said.txt")).unwrap();
    let line = said.lines().find(|line| line.ends_with(" MiB of memory will be taken at most"));
    let predicted = line.unwrap_or_else(|| panic!("no prediction in {said}")).split(' ').nth(1).unwrap();
    Taken { resident: peak >> 10, predicted: predicted.parse().unwrap() }
}

fn folder() -> Folder {
    let folder = Folder::empty();
    folder.picture("photo.png", 1024, 768, 1);
    folder.picture("painting.png", 1280, 1014, 2);
    folder.filters("filters.safetensors", "relu5_1");
    folder
}

#[test]
fn a_painting_on_the_cpu_takes_the_memory_of_bands_and_of_one_form_of_the_filters() {
    let folder = folder();
    let cases = [
        (1, "--size 512 --optimizer adam", 420),
        (6, "--size 512 --optimizer lbfgs", 440),
        (6, "--size 512 --optimizer lbfgs --memory 420MiB", 420),
        (1, "--size 1024 --min-scale 512 --optimizer adam", 650),
        (6, "--size 1024 --min-scale 1024 --optimizer lbfgs --memory 650MiB", 650),
    ];
    for (iterations, options, most) in cases {
        let taken = paint(&folder, iterations, options).resident;
        assert!(taken <= most, "{options}: {taken} MiB, more than {most}");
    }
}

/// Within 5 %. L-BFGS takes all of its memory only after some iterations; with few layers a picture counts for more than the
/// program and its filters. A checkpoint after each iteration takes none: it is written from where its arrays are.
#[test]
fn a_process_takes_what_is_said_beforehand() {
    let folder = folder();
    let kept = "--checkpoint run.checkpoint --checkpoint-every 0";
    for (optimizer, iterations, memory, kept) in [
        ("adam", 1, "auto", ""),
        ("lbfgs", 6, "auto", ""),
        ("adam", 1, "150MiB", ""),
        ("lbfgs", 6, "200MiB", ""),
        ("lbfgs", 6, "140MiB", ""),
        ("adam", 3, "auto", kept),
        ("lbfgs", 6, "auto", kept),
        ("adam", 3, "150MiB", kept),
        ("lbfgs", 6, "200MiB", kept),
        ("lbfgs", 6, "140MiB", kept),
    ] {
        let windows = ["140MiB", "150MiB"].contains(&memory);
        let options = format!(
            "--size 640 --min-scale 640 --content-layers relu3_1 --style-layers relu1_1,relu2_1,relu3_1 \
             --optimizer {optimizer} --memory {memory}"
        );
        let explain = format!("--explain --device cpu --threads 2 --weights filters.safetensors {options}");
        let explained = folder.run(&format!("stylize photo.png --style painting.png {explain}")).answer();
        assert_eq!(explained.contains("in overlapping windows of "), windows, "{explained}");
        assert_eq!(explained.contains("whole arrays, on the disk: "), memory != "auto", "{explained}");
        let Taken { resident, predicted } = paint(&folder, iterations, &format!("{options} {kept}"));
        let apart = resident.abs_diff(predicted);
        assert!(20 * apart <= resident, "{options} {kept}: {predicted} MiB were predicted, {resident} MiB taken");
    }
}

/// What an optimiser kept stays in the checkpoint's file until the session takes it, an array at a time.
#[test]
fn to_go_on_from_a_checkpoint_takes_no_more_than_to_paint() {
    let folder = folder();
    for (optimizer, memory) in [("adam", "auto"), ("lbfgs", "auto"), ("lbfgs", "200MiB"), ("lbfgs", "140MiB")] {
        let options = format!(
            "--size 640 --min-scale 640 --content-layers relu3_1 --style-layers relu1_1,relu2_1,relu3_1 \
             --optimizer {optimizer} --memory {memory} --checkpoint {optimizer}{memory} --checkpoint-every 0"
        );
        let log = folder.path(&format!("{optimizer}{memory}.jsonl"));
        let begin = format!(
            "stylize photo.png --style painting.png -o out.png --device cpu --threads 2 --weights filters.safetensors \
             --first-iterations 9 --log {} {options}",
            log.display()
        );
        let mut child = folder.command(&begin).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("seven iterations", || lines(&log) >= 7);
        child.kill().unwrap();
        child.wait().unwrap();
        let Taken { resident, predicted } = taken(&folder, &format!("resume {optimizer}{memory} -o - -v"));
        assert!(100 * resident <= 105 * predicted, "{options}: {predicted} MiB were predicted, {resident} MiB taken");
    }
}

/// In windows of some twenty pixels, of which a picture of this size takes millions. The limit counts all that is mapped. What
/// counts the whole picture's pixels and bytes does so beyond 32 bits.
#[test]
fn to_explain_millions_of_windows_takes_little() {
    let folder = Folder::with_pictures();
    let explain = format!("stylize photo.png --style painting.png --explain {}", quick("--size 65536 --memory 3GiB"));
    let script = format!("ulimit -v 1000000; exec {} {explain}", env!("CARGO_BIN_EXE_impasto"));
    let output = folder.program("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.contains("in overlapping windows of "), "{answer}");
    let process =
        answer.lines().find_map(|line| line.strip_prefix("the process with its pictures, in the memory of the host: "));
    let mebibytes: f64 = process.unwrap_or_else(|| panic!("{answer}")).strip_suffix(" MiB").unwrap().parse().unwrap();
    // Three values of four bytes for each pixel of the photograph and of what it is painted from, the program, and perhaps a
    // margin.
    let pictures = 2.0 * 12.0 * 65536.0 * 49152.0 / f64::from(1 << 20);
    assert!(pictures < mebibytes && mebibytes < 1.01 * pictures + 100.0, "{mebibytes} MiB for {pictures}");
}
