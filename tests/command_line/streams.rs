//! `-` for standard input and output, and what is said on which of them.

use super::folder::{Folder, quick, said};
use std::{
    io::Write,
    process::{Output, Stdio},
};

/// Runs impasto with some bytes on its standard input.
fn run_with(folder: &Folder, arguments: &str, input: &[u8]) -> Output {
    let mut command = folder.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A process that refuses its arguments closes its input.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn pictures_come_from_standard_input_and_go_to_standard_output() {
    let folder = Folder::with_pictures();
    folder.paint("expected.png", "");
    let (photo, painting) = (folder.read("photo.png"), folder.read("painting.png"));
    for (pictures, input) in [("- --style painting.png", &photo), ("photo.png --style -", &painting)] {
        let output = run_with(&folder, &format!("stylize {pictures} -o - {}", quick("")), input);
        assert_eq!(said(output.stderr), "");
        assert!(output.status.success() && output.stdout == folder.read("expected.png"), "{pictures}");
    }
    let output = run_with(&folder, &format!("stylize - --style painting.png {}", quick("")), &photo);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "photograph-painting.png\n");
    let output = run_with(&folder, "weights learn - painting.png -o learned.safetensors", &photo);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_standard_input_holds_is_refused_like_a_file() {
    let folder = Folder::with_pictures();
    let arguments = format!("stylize - --style painting.png -o out.png {}", quick(""));
    let photo = folder.read("photo.png");
    let cases: [(&[u8], &str); 3] =
        [(b"", "is empty"), (b"This is no picture.", "is no picture"), (&photo[..photo.len() / 2], "damaged")];
    for (input, words) in cases {
        let output = run_with(&folder, &arguments, input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("standard input") && said.contains(words), "no {words:?} in {said}");
    }
    assert!(!folder.path("out.png").exists());
}

#[test]
fn standard_input_and_output_have_limits() {
    let folder = Folder::with_pictures();
    let twice = format!("stylize - --style - -o out.png {}", quick(""));
    folder.refuses(&twice, 2, &["- is standard input", "only one"]);
    let snapshots = format!("stylize photo.png --style painting.png -o - {}", quick("--save-every 2"));
    folder.refuses(&snapshots, 2, &["--save-every", "-o"]);
    let quality = format!("stylize photo.png --style painting.png -o - {}", quick("--jpeg-quality 80"));
    folder.refuses(&quality, 2, &["--jpeg-quality is for JPEG"]);
}

#[test]
fn quiet_says_nothing_and_verbose_says_what_is_done() {
    let folder = Folder::with_pictures();
    let stylize = |options: &str| format!("stylize photo.png --style painting.png -o out.png {}", quick(options));
    let remarked = folder.run(&stylize("--seed 3"));
    assert_eq!(remarked.stderr, "impasto: --seed 3 changes nothing without --init noise\n");
    assert_eq!(folder.run(&format!("--quiet {}", stylize("--seed 3"))).answer(), "");
    assert_eq!(folder.run(&format!("{} -q", stylize("--seed 3"))).answer(), "");
    let said = folder.run(&format!("{} -v", stylize(""))).stderr;
    for words in ["CPU computes in f32", "relu2_1", "MiB", "1/4 17x13: 6 iterations", "4/4 48x36", "out.png: 48x36 in "]
    {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(said.lines().all(|line| line.starts_with("impasto: ")), "{said}");
    // Errors are said all the same.
    folder.refuses(&format!("-q {}", stylize("--device nonsense")), 2, &["nonsense"]);
}

#[test]
fn a_smallest_size_above_the_size_is_remarked() {
    let folder = Folder::with_pictures();
    let outcome = folder.run(&format!("stylize photo.png --style painting.png -o out.png {}", quick("--min-scale 90")));
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.stderr, "impasto: --min-scale 90 is above the size, so that 48 is the only size painted\n");
}

#[cfg(unix)]
#[test]
fn text_that_steers_a_terminal_is_escaped_wherever_it_comes_from() {
    let folder = Folder::with_pictures();
    let evil = "\u{1b}[31m\u{202e}red";
    folder.write(&format!("{evil}.png"), "no picture");
    folder.write(&format!("{evil}.safetensors"), "no filters");
    std::fs::copy(folder.path("photo.png"), folder.path(&format!("{evil}2.png"))).unwrap();
    let cases = [
        format!("stylize {evil}.png --style painting.png -o out.png"),
        format!("stylize photo.png --style painting.png -o {evil}/out.png"),
        format!("stylize photo.png --style painting.png -o out.png --weights {evil}.safetensors"),
        format!("stylize photo.png --style painting.png -o out.png --device {evil}"),
        format!("stylize photo.png --style painting.png -o out.png --pooling {evil}"),
        format!("stylize {evil}2.png --style painting.png {}", quick("")),
        format!("resume {evil}.png"),
        format!("weights info {evil}.safetensors"),
        format!("man {evil}"),
        format!("--{evil}"),
    ];
    for arguments in cases {
        let outcome = folder.run(&arguments);
        let said = outcome.stdout + &outcome.stderr;
        // The parser of the command line leaves colours out by itself.
        assert!(said.contains("\\u{202e}red"), "{arguments:?}: {said:?}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {said:?}");
    }
}

#[test]
fn weights_and_scales_that_are_probably_mistakes_are_remarked() {
    let folder = Folder::with_pictures();
    let cases = [
        ("--content-weight 0 --style-weight 0 --tv-weight 0", "all weights are zero"),
        ("--style-weight 0", "the painting has no effect"),
        ("--style-weight 1e20", "the photograph has no effect"),
        ("--style-scale 3", "never enlarged"),
    ];
    for (options, words) in cases {
        let outcome = folder.run(&format!("stylize photo.png --style painting.png -o out.png {}", quick(options)));
        assert_eq!(outcome.code, Some(0), "{options}: {outcome:?}");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(lines.len() == 1 && lines[0].contains(words), "{options}: no {words:?} in {lines:?}");
    }
    let small = quick("--style-scale 0.02 --min-scale 48");
    folder.refuses(&format!("stylize photo.png --style painting.png -o out.png {small}"), 1, &["style scale of 0.02"]);
}

#[test]
fn of_an_animation_the_first_frame_is_used_and_that_is_said() {
    let folder = Folder::with_pictures();
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 20, 15, &[200, 30, 10, 20, 60, 240]).unwrap();
    for colour in [0, 1] {
        let pixels: Vec<u8> = (0..300).map(|i| if i % 7 == 0 { 1 - colour } else { colour }).collect();
        encoder.write_frame(&gif::Frame::from_indexed_pixels(20, 15, pixels, None)).unwrap();
    }
    drop(encoder);
    folder.write("animated.gif", &file);
    let still = "--size 20 --min-scale 20 --first-iterations 1 --learning-rate 1e-9";
    let outcome = folder.run(&format!("stylize animated.gif --style painting.png -o out.png {}", quick(still)));
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.stderr, "impasto: animated.gif is an animation, of which the first frame is used\n");
    let pixel = folder.open("out.png").pixels()[3..6].iter().map(|value| (value * 255.0).round()).collect::<Vec<_>>();
    assert_eq!(pixel, [200.0, 30.0, 10.0], "the first frame");
}
