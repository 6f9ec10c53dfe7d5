//! `--preview`, and checkpoints that go on to another size.

use super::folder::{Folder, Outcome, quick, remembered};

/// Sizes of 350, 495 and 700 pixels, of which a preview has two; the photograph is read at half its size for 512 pixels
/// and whole for 700.
const LARGE: &str = "--min-scale 300 --first-iterations 2 --iterations 2";

fn folder() -> Folder {
    let folder = Folder::with_pictures();
    folder.picture("photo.jpg", 2401, 1799, 5);
    folder
}

fn stylize(options: &str) -> String {
    format!("stylize photo.jpg --style painting.png {}", quick(&format!("{LARGE} {options}")))
}

#[track_caller]
fn previewed(outcome: Outcome, answer: &str, checkpoint: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), answer), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(outcome.stderr.contains(&format!("`impasto resume {checkpoint}` paints it at ")), "{outcome:?}");
}

#[test]
fn a_preview_goes_on_to_the_same_bits_as_without_it() {
    for method in ["adam", "lbfgs"] {
        let folder = folder();
        let options = format!("--size 700 --optimizer {method}");
        assert_eq!(folder.run(&stylize(&format!("-o whole.png {options}"))).answer(), "");
        let outcome = folder.run(&stylize(&format!("-o out.png --preview {options}")));
        previewed(outcome, "out.checkpoint\n", "out.checkpoint");
        assert_eq!(folder.size("out.png"), (495, 371));
        std::fs::copy(folder.path("out.checkpoint"), folder.path("copy.checkpoint")).unwrap();
        assert_eq!(folder.run("resume out.checkpoint").answer(), "");
        assert!(folder.read("out.png") == folder.read("whole.png"), "{method}");
        assert_eq!(folder.run("resume copy.checkpoint --size 700 -o named.png").answer(), "");
        assert!(folder.read("named.png") == folder.read("whole.png"), "{method}");
    }
}

#[test]
fn a_preview_goes_on_to_other_sizes_with_the_detail_and_the_filters_that_they_need() {
    let folder = folder();
    // Filters are learned from what is read for 512 pixels, and must be the same later.
    let learned = "--preview --weights learned --device cpu";
    let outcome = folder.run(&stylize(learned));
    previewed(outcome, "photo-painting.png\nphoto-painting.checkpoint\n", "photo-painting.checkpoint");
    assert_eq!(folder.size("photo-painting.png"), (512, 384));
    let small = folder.read("photo-painting.png");
    let finished = folder.read("photo-painting.checkpoint");
    folder.refuses("resume photo-painting.checkpoint --size 500", 1, &["512x384", "500 pixels", "512 or more"]);
    assert_eq!(folder.run("resume photo-painting.checkpoint --size 512 -o same.png").answer(), "");
    assert!(folder.read("same.png") == small, "nothing is painted at the size that there is");

    folder.write("photo-painting.checkpoint", &finished);
    let outcome = folder.run("resume -v photo-painting.checkpoint --size 700 -o large.png");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("of 2401x1799 is read at 1200x899"), "{outcome:?}");
    assert_eq!(folder.size("large.png"), (700, 524));
    // What was written then knows its size, and that the photograph is read whole.
    assert_eq!(folder.run("resume photo-painting.checkpoint -o again.png").answer(), "");
    assert!(folder.read("again.png") == folder.read("large.png"));
    folder.write("photo-painting.checkpoint", &finished);
    assert_eq!(folder.run("resume photo-painting.checkpoint --size 700 -o twice.png").answer(), "");
    assert!(folder.read("twice.png") == folder.read("large.png"));
    folder.picture("photo.jpg", 2401, 1799, 6);
    folder.write("photo-painting.checkpoint", &finished);
    folder.refuses("resume photo-painting.checkpoint --size 700", 1, &["other filters"]);
}

#[test]
fn another_photograph_is_noticed_though_it_is_read_with_other_detail() {
    let folder = folder();
    previewed(folder.run(&stylize("--preview -o out.png")), "out.checkpoint\n", "out.checkpoint");
    folder.picture("photo.jpg", 2401, 1799, 6);
    folder.refuses("resume out.checkpoint --size 700", 1, &["another photograph"]);
}

#[test]
fn no_checkpoint_that_is_there_is_replaced_by_that_of_a_preview() {
    let folder = Folder::with_pictures();
    folder.write("out.checkpoint", "something old");
    let arguments = format!("stylize photo.png --style painting.png -o out.png --preview {}", quick(""));
    previewed(folder.run(&arguments), "out-2.checkpoint\n", "out-2.checkpoint");
    assert_eq!(folder.read("out.checkpoint"), b"something old");
    let named = format!("{arguments} --checkpoint mine");
    previewed(folder.run(&named), "", "mine");
    // Smaller than a preview is, it is painted whole.
    assert_eq!(folder.size("out.png"), (48, 36));
    let explained = folder.run(&format!("{arguments} --explain"));
    assert!(explained.code == Some(2) && explained.stderr.contains("'--preview' cannot be used with '--explain'"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_preview_without_its_checkpoint_is_a_failure_and_the_picture_is_kept() {
    let folder = Folder::with_pictures();
    let arguments = format!("stylize photo.png --style painting.png -o out.png --preview {}", quick(""));
    let outcome = folder.run(&format!("{arguments} --checkpoint /dev/full"));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("cannot write the checkpoint /dev/full"), "{outcome:?}");
    assert_eq!(folder.size("out.png"), (48, 36));
}

#[test]
fn finished_paintings_go_on_to_larger_sizes() {
    let folder = Folder::with_pictures();
    folder.paint("out.png", "--size 24 --checkpoint run.checkpoint");
    assert_eq!(folder.run("resume run.checkpoint --size 40").answer(), "");
    assert_eq!(folder.size("out.png"), (40, 30));
    assert_eq!(folder.run("resume run.checkpoint --print 1cm --dpi 120").answer(), "");
    assert_eq!(folder.size("out.png"), (47, 35), "the long side is one centimetre");
    folder.refuses("resume run.checkpoint --size 30", 1, &["47x35", "30 pixels", "47 or more"]);
    folder.refuses("resume run.checkpoint --size 262145", 2, &["at most 262144 pixels"]);
}

#[test]
fn options_behind_which_only_files_are_do_not_keep_a_run_from_going_on() {
    let folder = Folder::with_pictures();
    let options = quick("--size 24 --checkpoint run.checkpoint");
    let answer = folder.run(&format!("stylize --style painting.png {options} -- photo.png")).answer();
    assert_eq!(answer, "photo-painting.png\n");
    assert_eq!(folder.run("resume run.checkpoint --size 40 -o out.png").answer(), "");
    assert_eq!(folder.size("out.png"), (40, 30));
}

#[test]
fn what_standard_input_gave_once_is_not_read_twice() {
    let folder = Folder::with_pictures();
    let photo = std::fs::File::open(folder.path("photo.png")).unwrap();
    let options = quick("--size 24 --checkpoint run.checkpoint -o out.png");
    let status = folder.command(&format!("stylize - --style painting.png {options}")).stdin(photo).status().unwrap();
    assert!(status.success());
    folder.refuses("resume run.checkpoint --size 40", 2, &["standard input", "--content"]);
    assert_eq!(folder.run("resume run.checkpoint --size 40 --content photo.png").answer(), "");
    assert_eq!(folder.size("out.png"), (40, 30));
}

#[test]
fn a_picture_remembers_that_it_is_a_preview_and_that_it_is_none_any_more() {
    let folder = Folder::with_pictures();
    let options = remembered("");
    let large = "--size 700 --min-scale 400 --first-iterations 2 --iterations 1";
    let arguments = format!("stylize photo.png --style painting.png -o out.png --preview {large} {options}");
    previewed(folder.run(&arguments), "out.checkpoint\n", "out.checkpoint");
    let preview = folder.read("out.png");
    let info = folder.run("info out.png").answer();
    assert!(info.contains("size: 495x371") && info.contains("--preview: \n") && info.contains("--size: 700"), "{info}");
    previewed(folder.run("again out.png -o again.png"), "again.checkpoint\n", "again.checkpoint");
    assert!(folder.open("again.png") == folder.open("out.png"));
    assert_eq!(folder.run("again out.png -o small.png --size 100").answer(), "");
    assert_eq!(folder.size("small.png"), (100, 75), "another size is painted whole");

    assert_eq!(folder.run("resume out.checkpoint -o whole.png").answer(), "");
    let info = folder.run("info whole.png").answer();
    assert!(info.contains("size: 700x525") && !info.contains("preview"), "{info}");
    assert_eq!(folder.run("again whole.png -o whole-again.png").answer(), "");
    assert!(folder.open("whole-again.png") == folder.open("whole.png"));
    assert!(preview != folder.read("whole.png"));

    assert_eq!(folder.run("resume again.checkpoint -o other.png --size 600").answer(), "");
    let again = folder.run("again other.png -o other-again.png");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.contains("begun for a long side of 700 pixels"), "{again:?}");
}
