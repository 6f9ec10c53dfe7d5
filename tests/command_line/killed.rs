//! Runs that are killed again and again, also while they write a checkpoint, and end with the bits of those that were not.

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use impasto::{random::Random, style::Checkpoint};
use std::process::{Child, Stdio};

/// When a run is killed.
#[derive(Debug)]
enum Moment {
    /// After so many more iterations.
    Iteration(usize),
    /// When so many more checkpoints have begun to be written.
    Writing(usize),
    /// When it has read and written so many bytes of files, of which there are many for each window that waits on the disk.
    #[cfg(target_os = "linux")]
    Moved(usize),
}

fn start(folder: &Folder, arguments: &str) -> Child {
    folder.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The names of what is being written, or was left half written.
fn half_written(folder: &Folder) -> Vec<std::ffi::OsString> {
    let names = std::fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".impasto-")).collect()
}

/// Bytes that a process has read and written; none once it has ended.
#[cfg(target_os = "linux")]
fn moved(child: &Child) -> Option<usize> {
    let text = std::fs::read_to_string(format!("/proc/{}/io", child.id())).ok()?;
    let count = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<usize>().ok());
    Some(count("rchar:")? + count("wchar:")?)
}

/// Waits for a moment; false if the run ended before.
fn comes(folder: &Folder, child: &mut Child, moment: &Moment) -> bool {
    let log = folder.path("run.jsonl");
    let (before, mut seen) = (lines(&log), half_written(folder));
    let (known, mut came) = (seen.len(), false);
    wait_until(&format!("{moment:?}"), || {
        came = match moment {
            Moment::Iteration(count) => lines(&log) >= before + count,
            Moment::Writing(count) => {
                let new: Vec<_> = half_written(folder).into_iter().filter(|name| !seen.contains(name)).collect();
                seen.extend(new);
                seen.len() >= known + count
            }
            #[cfg(target_os = "linux")]
            Moment::Moved(count) => moved(child).is_some_and(|moved| moved >= *count),
        };
        came || child.try_wait().unwrap().is_some()
    });
    came
}

/// Paints whole.png, then the same once more, killed at so many moments, and compares. After each kill the checkpoint, if
/// there is one, is whole.
#[track_caller]
fn kill_and_compare(folder: &Folder, options: &str, moments: Vec<Moment>) {
    folder.paint("whole.png", options);
    let kept = "--checkpoint run.checkpoint --checkpoint-every 0 --log run.jsonl";
    let begin = format!("stylize photo.png --style painting.png -o out.png {}", quick(&format!("{options} {kept}")));
    for moment in moments {
        let is_there = folder.path("run.checkpoint").exists();
        let mut child = start(folder, if is_there { "resume run.checkpoint" } else { &begin });
        let came = comes(folder, &mut child, &moment);
        child.kill().unwrap();
        child.wait().unwrap();
        if folder.path("run.checkpoint").exists() {
            Checkpoint::read(&folder.path("run.checkpoint")).unwrap();
        }
        assert!(came, "the run ended before {moment:?}: {options}");
    }
    folder.resumes_to_the_same_bits(options);
}

/// A kind of moment, and how much of it: at least one, less than a number.
type Kind = (fn(usize) -> Moment, f32);

/// So many moments of a few kinds in turn.
fn moments(count: usize, kinds: &[Kind]) -> Vec<Moment> {
    let mut random = Random::new(11);
    let moment = |number: usize| {
        let (kind, most) = kinds[number % kinds.len()];
        kind(random.uniform(1.0, most) as usize)
    };
    (0..count).map(moment).collect()
}

#[test]
fn a_run_killed_at_twenty_moments_ends_with_the_same_bits() {
    for method in ["adam", "lbfgs"] {
        let options = format!("--size 48 --min-scale 24 --first-iterations 60 --iterations 150 --optimizer {method}");
        let moments = moments(20, &[(Moment::Writing, 12.0), (Moment::Iteration, 16.0)]);
        kill_and_compare(&Folder::with_pictures(), &options, moments);
    }
}

/// With what Adam keeps, and what content losses compare with, on the disk.
#[cfg(target_os = "linux")]
#[test]
fn a_run_in_windows_killed_at_twenty_moments_ends_with_the_same_bits() {
    for (method, memory) in [("adam", "37MiB"), ("lbfgs", "46MiB")] {
        let folder = Folder::with_pictures_of([240, 160], [120, 90]);
        let options = format!(
            "--size 240 --min-scale 240 --content-layers relu2_1 --style-layers relu1_1,relu2_1 \
             --first-iterations 60 --optimizer {method} --memory {memory}"
        );
        let explain = format!("stylize photo.png --style painting.png --explain {}", quick(&options));
        let explained = folder.run(&explain).answer();
        assert!(explained.contains("in overlapping windows of "), "{explained}");
        assert!(explained.contains("\nwhole arrays, on the disk: "), "{explained}");
        let kinds: [Kind; 3] = [(Moment::Writing, 4.0), (Moment::Iteration, 4.0), (Moment::Moved, 6e7)];
        kill_and_compare(&folder, &options, moments(20, &kinds));
        // What was on the disk had no name.
        let left: Vec<String> = folder.contents().into_keys().filter(|name| name.contains(".tmp")).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn a_run_of_several_devices_that_is_killed_ends_with_the_same_bits() {
    for method in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures_of([200, 150], [120, 90]);
        let options = format!(
            "--size 200 --min-scale 200 --content-layers relu2_1 --style-layers relu1_1,relu2_1 --device cpu,0 \
             --first-iterations 40 --optimizer {method}"
        );
        kill_and_compare(&folder, &options, moments(4, &[(Moment::Writing, 5.0), (Moment::Iteration, 5.0)]));
    }
}
