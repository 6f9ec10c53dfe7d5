//! Runs interrupted by Ctrl-C, by a request to terminate and by a kill, and how they are resumed.

use super::{
    folder::{Folder, quick},
    running::{lines, wait_until},
};
use crate::common::with_version;
use std::process::{Child, Command, Stdio};

/// Many iterations, so that there is time to interrupt them.
const LONG: &str = "--size 24 --min-scale 16 --first-iterations 40 --iterations 400";

fn start(folder: &Folder, arguments: &str) -> Child {
    folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn stylize(output: &str, options: &str) -> String {
    format!("stylize photo.png --style painting.png -o {output} {}", quick(&format!("{LONG} {options}")))
}

/// Sends a signal as a shell would.
#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

/// Runs until so many iterations are logged, sends a signal, and returns the exit code and the messages.
#[cfg(unix)]
fn interrupt(folder: &Folder, arguments: &str, iterations: usize, name: &str) -> (Option<i32>, String) {
    let child = start(folder, arguments);
    let log = folder.path("run.jsonl");
    wait_until("the log", || lines(&log) >= iterations);
    signal(&child, name);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), super::folder::said(output.stderr))
}

/// The log without its times.
fn losses(folder: &Folder, name: &str) -> Vec<String> {
    let text = String::from_utf8(folder.read(name)).unwrap();
    text.lines().map(|line| line[..line.find("\"seconds\"").unwrap()].to_owned()).collect()
}

#[cfg(unix)]
#[test]
fn a_run_stopped_by_ctrl_c_goes_on_to_the_same_bits() {
    for method in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures();
        let options = format!("--optimizer {method} --log whole.jsonl");
        assert_eq!(folder.run(&stylize("whole.png", &options)).answer(), "");
        let options = format!("--optimizer {method} --log run.jsonl --checkpoint run.checkpoint");
        // At the second size.
        let (code, said) = interrupt(&folder, &stylize("part.png", &options), 60, "INT");
        assert_eq!(code, Some(130), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("impasto: stopped by Ctrl-C at 24x18, iteration "), "{said}");
        assert!(said.contains("part.png") && said.contains("impasto resume "), "{said}");
        assert_eq!(folder.size("part.png"), (24, 18));
        assert!(folder.read("part.png") != folder.read("whole.png"));

        // From another directory, and under another name.
        std::fs::create_dir(folder.path("elsewhere")).unwrap();
        let mut command = folder.command("resume ../run.checkpoint -o done.png");
        let output = command.current_dir(folder.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(folder.read("elsewhere/done.png") == folder.read("whole.png"), "{method}");
        assert_eq!(losses(&folder, "run.jsonl"), losses(&folder, "whole.jsonl"), "{method}");
        // A finished painting can be written again.
        assert_eq!(folder.run("resume run.checkpoint -o again.png").answer(), "");
        assert!(folder.read("again.png") == folder.read("whole.png"), "{method}");
    }
}

#[cfg(unix)]
#[test]
fn a_run_stopped_within_a_size_finishes_it_and_goes_on_to_a_larger_one() {
    for method in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures();
        let options = format!("--optimizer {method} --log run.jsonl --checkpoint run.checkpoint");
        let (code, said) = interrupt(&folder, &stylize("out.png", &options), 60, "INT");
        assert_eq!(code, Some(130), "{said}");
        folder.refuses("resume run.checkpoint --size 20", 1, &["24x18", "20 pixels", "24 or more"]);
        assert_eq!(folder.run("resume run.checkpoint --size 40").answer(), "");
        assert_eq!(folder.size("out.png"), (40, 30));
        let log = losses(&folder, "run.jsonl");
        let count = |scale: &str| log.iter().filter(|line| line.starts_with(&format!("{{\"scale\":{scale},"))).count();
        // Of the sizes on the way to 40, those beyond 24; L-BFGS may find nothing better before the last iteration.
        assert!(count("17") == 40 && ["24", "28", "40"].iter().all(|scale| count(scale) > 100), "{method}");
        assert!(log.iter().all(|line| !line.starts_with("{\"scale\":20,")), "{method}");
    }
}

#[cfg(unix)]
#[test]
fn a_request_to_terminate_saves_the_picture_without_a_checkpoint_too() {
    let folder = Folder::with_pictures();
    let arguments = stylize("out.png", "--log run.jsonl").replace("--no-metadata", "");
    let (code, said) = interrupt(&folder, &arguments, 3, "TERM");
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("the request to terminate") && said.contains("--checkpoint"), "{said}");
    assert!(impasto::picture::recorded(folder.path("out.png")).unwrap().is_some());
    assert_eq!(folder.size("out.png").0, if lines(&folder.path("run.jsonl")) > 40 { 24 } else { 17 });
}

#[test]
fn a_run_that_was_killed_goes_on_from_its_last_checkpoint() {
    for method in ["adam", "lbfgs"] {
        let folder = Folder::with_pictures();
        assert_eq!(folder.run(&stylize("whole.png", &format!("--optimizer {method}"))).answer(), "");
        let options = format!("--optimizer {method} --checkpoint run.checkpoint --checkpoint-every 0 --log run.jsonl");
        let mut child = start(&folder, &stylize("out.png", &options));
        let (log, file) = (folder.path("run.jsonl"), folder.path("run.checkpoint"));
        wait_until("a checkpoint", || file.exists() && lines(&log) > 50);
        child.kill().unwrap();
        child.wait().unwrap();
        folder.resumes_to_the_same_bits(method);
    }
}

#[test]
fn every_finished_size_is_saved_where_the_work_is_forced() {
    let folder = Folder::with_pictures();
    let mut child = start(&folder, &stylize("out.png", "--force --log run.jsonl"));
    let log = folder.path("run.jsonl");
    // Forty iterations at the first size, four hundred at the second.
    wait_until("the second size", || folder.path("out.png").exists() && lines(&log) > 41);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(folder.size("out.png"), (17, 13));
}

#[test]
fn a_default_name_is_kept_in_the_checkpoint() {
    let folder = Folder::with_pictures();
    let options = quick("--first-iterations 3 --iterations 2 --checkpoint run.checkpoint");
    assert_eq!(
        folder.run(&format!("stylize photo.png --style painting.png {options}")).answer(),
        "photo-painting.png\n"
    );
    let painted = folder.read("photo-painting.png");
    folder.write("photo-painting.png", "something else");
    assert_eq!(folder.run("resume run.checkpoint").answer(), "");
    assert!(folder.read("photo-painting.png") == painted);
}

#[test]
fn a_checkpoint_does_not_take_the_place_of_an_input() {
    let folder = Folder::with_pictures();
    let options = quick("--first-iterations 3 --iterations 2 --checkpoint run.checkpoint");
    assert_eq!(folder.run(&format!("stylize photo.png --style painting.png -o out.png {options}")).answer(), "");
    folder.refuses("resume run.checkpoint -o painting.png", 2, &["painting.png, which is the painting"]);
    folder.refuses("resume run.checkpoint -o run.checkpoint", 2, &["-o and --checkpoint both name"]);
}

#[test]
fn what_is_no_checkpoint_of_this_painting_is_refused() {
    let folder = Folder::with_pictures();
    let short = "--first-iterations 3 --iterations 2 --checkpoint run.checkpoint";
    let arguments = format!("stylize photo.png --style painting.png -o out.png {}", quick(short));
    assert_eq!(folder.run(&arguments).answer(), "");
    folder.refuses("resume nothing.checkpoint", 1, &["cannot read", "nothing.checkpoint"]);
    folder.refuses("resume filters.safetensors", 1, &["filters.safetensors is no checkpoint"]);
    folder.refuses("resume run.checkpoint --style photo.png", 1, &["another painting"]);
    folder.refuses("resume run.checkpoint --content painting.png", 1, &["another photograph"]);
    let whole = folder.read("run.checkpoint");
    folder.write("half.checkpoint", &whole[..whole.len() / 2]);
    folder.refuses("resume half.checkpoint", 1, &["half.checkpoint is damaged"]);
    folder.write("newer.checkpoint", with_version(&whole, b'7'));
    folder.refuses("resume newer.checkpoint", 1, &["version 7"]);
    folder.filters("filters.safetensors", "relu2_2");
    assert_eq!(folder.run("resume run.checkpoint").answer(), "", "deeper filters do not count");
    let other = impasto::weights::generated(4, "relu2_1".parse().unwrap());
    impasto::weights::save(&other, &folder.path("filters.safetensors")).unwrap();
    folder.refuses("resume run.checkpoint", 1, &["other filters"]);
}
