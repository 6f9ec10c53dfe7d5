//! Disks without room: what was painted is kept elsewhere, what was there before stays, and nothing is said twice.
//!
//! A real file system of some kilobytes needs the right to mount one; without it these tests say so and pass.

#![cfg(target_os = "linux")]

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// A small file system in a folder's `disk`, until it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Folder, kilobytes: u32) -> Option<Disk> {
        let path = folder.path("disk");
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Disk(path));
        }
        eprintln!("not run: no file system can be mounted here");
        None
    }

    /// Takes the room that is left.
    fn fill(&self) {
        let written = std::fs::write(self.0.join("filler"), vec![7; 1 << 20]);
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn stylize(output: &str, options: &str) -> String {
    format!("stylize photo.png --style painting.png -o {output} {}", quick(options))
}

#[test]
fn a_finished_painting_is_kept_where_there_is_room_and_the_old_one_stays() {
    let folder = Folder::with_pictures();
    folder.paint("expected.png", "");
    let Some(disk) = Disk::mount(&folder, 64) else { return };
    folder.write("disk/out.png", "something old");
    disk.fill();
    let outcome = folder.run(&stylize("disk/out.png", ""));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let place = folder.path("out.png").canonicalize().unwrap();
    for words in ["cannot write disk/out.png", "space", &format!("the picture is kept in {}", place.display())] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {outcome:?}");
    }
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(folder.read("out.png") == folder.read("expected.png"));
    assert_eq!(folder.read("disk/out.png"), b"something old");
    let left: Vec<String> = folder.contents().into_keys().filter(|name| name.contains(".impasto-")).collect();
    assert_eq!(left, Vec::<String>::new());
    // What is there is not overwritten by what is kept.
    let again = folder.run(&stylize("disk/out.png", ""));
    assert!(again.stderr.contains("out-2.png"), "{again:?}");
}

#[test]
fn snapshots_and_checkpoints_without_room_are_mentioned_once_and_the_work_goes_on() {
    let folder = Folder::with_pictures();
    let Some(disk) = Disk::mount(&folder, 64) else { return };
    disk.fill();
    let options = "--save-every 1 --checkpoint disk/run.checkpoint --checkpoint-every 0 --log disk/run.jsonl";
    let outcome = folder.run(&stylize("disk/out.png", options));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let lines = |words: &str| outcome.stderr.lines().filter(|line| line.contains(words)).count();
    assert_eq!(lines(".png: No space"), 2, "one for the snapshots, one for the result: {outcome:?}");
    assert_eq!(lines("cannot write the checkpoint"), 2, "one on the way, one at the end: {outcome:?}");
    assert_eq!(folder.size("out.png"), (48, 36));
}

/// With a limit on the length of files instead of a disk, which needs no rights.
#[test]
fn the_last_whole_checkpoint_stays_and_what_changes_is_said_once() {
    let folder = Folder::with_pictures();
    let options = quick("--size 48 --min-scale 24 --first-iterations 8 --iterations 8 --optimizer adam");
    let whole = format!("stylize photo.png --style painting.png -o whole.png {options}");
    assert_eq!(folder.run(&whole).answer(), "");
    // 24x18, 34x26 and 48x36 pixels. Between two sizes a checkpoint has the picture of the one before, of 12 bytes a pixel,
    // and within a size the arrays of Adam too: 16 KiB hold the first two pictures, but neither the last nor any array.
    let run = format!("stylize photo.png --style painting.png -o out.png --checkpoint run.checkpoint {options}");
    let script =
        format!("trap '' XFSZ; ulimit -f 32; exec {} {run} --checkpoint-every 0", env!("CARGO_BIN_EXE_impasto"));
    let output = folder.program("sh").args(["-c", &script]).output().unwrap();
    let said = super::folder::said(output.stderr);
    assert!(output.status.success(), "{said}");
    let count = |words: &str| said.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("cannot write the checkpoint"), count("is written again")), (4, 2), "and at the end: {said}");
    assert_eq!(said.lines().count(), 6, "{said}");
    assert!(folder.read("out.png") == folder.read("whole.png"));
    let left = folder.contents().into_keys().filter(|name| name.contains(".impasto-")).count();
    assert_eq!(left, 0);
    let checkpoint = impasto::style::Checkpoint::read(&folder.path("run.checkpoint")).unwrap();
    assert_eq!((checkpoint.size().width, checkpoint.iteration()), (48, 0));
    // The last whole one goes on.
    assert_eq!(folder.run("resume run.checkpoint -o resumed.png").answer(), "");
    assert!(folder.read("resumed.png") == folder.read("whole.png"));
}

/// Three sizes, of which only the last two take windows, with what waits on the disk.
const IN_WINDOWS: &str = "--size 240 --min-scale 120 --memory 37MiB --first-iterations 6 --iterations 4";

fn folder_for_windows() -> Folder {
    Folder::with_pictures_of([240, 160], [120, 90])
}

/// With windows and without.
#[test]
fn a_run_without_room_for_what_waits_on_the_disk_ends_with_a_picture_and_goes_on_elsewhere() {
    let at_once = IN_WINDOWS.replace("37MiB", "58MiB --threads 2");
    for (options, windows) in [(format!("{IN_WINDOWS} --optimizer adam"), true), (at_once, false)] {
        let folder = folder_for_windows();
        let explained = folder.run(&format!("{} --explain", stylize("out.png", &options))).answer();
        assert!(explained.contains("\nwhole arrays, on the disk: "), "{explained}");
        assert_eq!(explained.contains("in overlapping windows"), windows, "{explained}");
        folder.paint("whole.png", &options);
        let Some(disk) = Disk::mount(&folder, 64) else { return };
        let run = stylize("out.png", &format!("{options} --checkpoint run.checkpoint --checkpoint-every 0"));
        let output = folder.command(&run).env("IMPASTO_CACHE", &disk.0).output().unwrap();
        let said = super::folder::said(output.stderr);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        let place = disk.0.display().to_string();
        for words in
            ["MiB of the work cannot be kept in ", &place, "No space", "IMPASTO_CACHE", "until then is in out.png"]
        {
            assert!(said.contains(words), "no {words:?} in {said}");
        }
        assert!(folder.size("out.png").0 < 240);
        assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 0);
        std::fs::remove_file(folder.path("out.png")).unwrap();
        folder.resumes_to_the_same_bits("a directory with room");
    }
}

#[test]
fn a_run_in_windows_whose_checkpoints_have_no_room_goes_on_and_the_last_whole_one_stays() {
    let folder = folder_for_windows();
    let options = "--size 240 --min-scale 120 --memory 37MiB --first-iterations 6 --iterations 12 --optimizer adam";
    folder.paint("whole.png", options);
    // Room for two checkpoints of the first size, 48 bytes for each of 144x104 pixels, and not for two of the others; for one
    // between two sizes there is always room.
    let Some(disk) = Disk::mount(&folder, 2000) else { return };
    let kept = "--checkpoint disk/run.checkpoint --checkpoint-every 0 --log run.jsonl";
    let run = stylize("out.png", &format!("{options} {kept}"));
    let mut child = folder.command(&run).stderr(Stdio::piped()).spawn().unwrap();
    let log = folder.path("run.jsonl");
    wait_until("the last size", || lines(&log) >= 6 + 12 + 3);
    child.kill().unwrap();
    let said = super::folder::said(child.wait_with_output().unwrap().stderr);
    let count = |words: &str| said.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("cannot write the checkpoint"), count("is written again")), (2, 1), "{said}");
    assert!(said.lines().count() == 3 && count("No space") == 2, "{said}");
    let checkpoint = impasto::style::Checkpoint::read(&disk.0.join("run.checkpoint")).unwrap();
    assert_eq!((checkpoint.size().width, checkpoint.iteration()), (240, 0));
    assert!(!folder.path("out.png").exists());
    let outcome = folder.run("resume disk/run.checkpoint");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(folder.read("out.png") == folder.read("whole.png"));
}

#[test]
fn a_log_without_room_fails_after_the_picture_is_saved() {
    let folder = Folder::with_pictures();
    let Some(disk) = Disk::mount(&folder, 64) else { return };
    disk.fill();
    let outcome = folder.run(&stylize("out.png", "--log disk/run.jsonl"));
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{outcome:?}");
    assert!(outcome.stderr.contains("cannot write disk/run.jsonl"), "{outcome:?}");
    assert_eq!(folder.size("out.png"), (48, 36));
}

#[test]
fn a_picture_that_standard_output_does_not_take_is_kept() {
    let folder = Folder::with_pictures();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder.command(&stylize("-", "")).stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write standard output") && said.contains("impasto.png"), "{said}");
    assert_eq!(folder.size("impasto.png"), (48, 36));
}

#[test]
fn filters_and_dumps_without_room_leave_what_was_there() {
    let folder = Folder::with_pictures();
    let Some(disk) = Disk::mount(&folder, 64) else { return };
    folder.write("disk/out.safetensors", "something old");
    disk.fill();
    folder.refuses(
        "weights learn photo.png painting.png -o disk/out.safetensors",
        1,
        &["disk/out.safetensors", "space"],
    );
    let dump = "dump --content photo.png --style painting.png --image photo.png --weights filters.safetensors";
    folder.refuses(&format!("{dump} --device cpu -o disk/out.safetensors"), 1, &["disk/out.safetensors", "space"]);
}
