//! `--memory`: pictures that are painted in windows, by real processes.

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use std::process::Stdio;

/// Less than the whole takes at this size, and enough for windows.
const LIMITED: &str =
    "--size 300 --min-scale 300 --content-layers relu2_1 --style-layers relu1_1,relu2_1 --memory 59MiB";

fn folder() -> Folder {
    Folder::with_pictures_of([300, 200], [120, 90])
}

fn options(method: &str, iterations: u32) -> String {
    format!("{LIMITED} --optimizer {method} --first-iterations {iterations}")
}

#[test]
fn windows_paint_what_is_painted_at_once_to_rounding() {
    let folder = folder();
    let explained =
        folder.run(&format!("stylize photo.png --style painting.png --explain {}", quick(LIMITED))).answer();
    assert!(explained.contains("in overlapping windows of "), "{explained}");
    for (method, most) in [("adam", 2), ("lbfgs", 4)] {
        folder.paint("windows.png", &options(method, 6));
        folder.paint("whole.png", &format!("{} --memory auto", options(method, 6)).replacen("--memory 59MiB", "", 1));
        let [windows, whole] = ["windows.png", "whole.png"].map(|name| folder.open(name));
        let apart = windows.pixels().iter().zip(whole.pixels()).map(|(a, b)| (255.0 * (a - b).abs()).round() as u32);
        assert!(apart.max().unwrap() <= most, "{method}");
    }
}

#[test]
fn a_signal_between_two_windows_ends_the_work_with_the_last_picture() {
    let folder = folder();
    let log = folder.path("run.jsonl");
    let arguments = format!("stylize photo.png --style painting.png -o out.png {}", quick(&options("adam", 10_000)));
    let mut child = folder.command(&format!("{arguments} --log run.jsonl")).stderr(Stdio::piped()).spawn().unwrap();
    // The whole picture is in the memory of the host, so it is there whatever happens to a window.
    wait_until("an iteration", || lines(&log) > 2);
    assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(said.contains("stopped by Ctrl-C at 300x200, iteration ") && !said.contains("iteration 0"), "{said}");
    assert_eq!(folder.size("out.png"), (300, 200));
}
