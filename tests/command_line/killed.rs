//! A run that is killed again and again, also while it writes a checkpoint, and ends with the bits of one that was not.

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use impasto::{random::Random, style::Checkpoint};
use std::process::{Child, Stdio};

/// How often it is killed.
const KILLS: usize = 20;

/// When it is killed.
#[derive(Debug)]
enum Moment {
    /// After so many more iterations.
    Iteration(usize),
    /// When so many more checkpoints have begun to be written.
    Writing(usize),
}

fn start(folder: &Folder, arguments: &str) -> Child {
    folder.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The names of what is being written, or was left half written.
fn half_written(folder: &Folder) -> Vec<std::ffi::OsString> {
    let names = std::fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".impasto-")).collect()
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
        };
        came || child.try_wait().unwrap().is_some()
    });
    came
}

#[test]
fn a_run_killed_at_twenty_moments_ends_with_the_same_bits() {
    for method in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures();
        let options = format!("--size 48 --min-scale 24 --first-iterations 60 --iterations 150 --optimizer {method}");
        folder.paint("whole.png", &options);
        let kept = "--checkpoint run.checkpoint --checkpoint-every 0 --log run.jsonl";
        let begin =
            format!("stylize photo.png --style painting.png -o out.png {}", quick(&format!("{options} {kept}")));
        let (mut random, mut kills) = (Random::new(11), 0);
        let mut moment = |number: usize| {
            let mut count = |most: f32| random.uniform(1.0, most) as usize;
            if number.is_multiple_of(2) { Moment::Writing(count(12.0)) } else { Moment::Iteration(count(16.0)) }
        };
        for number in 0..KILLS {
            let is_there = folder.path("run.checkpoint").exists();
            let mut child = start(&folder, if is_there { "resume run.checkpoint" } else { &begin });
            let came = comes(&folder, &mut child, &moment(number));
            child.kill().unwrap();
            child.wait().unwrap();
            if folder.path("run.checkpoint").exists() {
                Checkpoint::read(&folder.path("run.checkpoint")).unwrap();
            }
            if !came {
                break;
            }
            kills += 1;
        }
        assert_eq!(kills, KILLS, "the run is too short to be killed so often");
        folder.resumes_to_the_same_bits(method);
    }
}
