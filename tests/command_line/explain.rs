//! `impasto stylize --explain`: the whole plan, and not a byte written.

use super::folder::{Folder, quick};

const EXPLAIN: &str = "stylize photo.png --style painting.png --explain";

/// What is printed; nothing in the folder may change but compiled pipelines.
#[track_caller]
fn explained(folder: &Folder, options: &str) -> String {
    let before = folder.contents();
    let answer = folder.run(&format!("{EXPLAIN} {}", quick(options))).answer();
    let after = folder.contents();
    let new = after.keys().find(|name| !before.contains_key(*name) && !name.starts_with("cache"));
    assert_eq!(new, None, "{options}");
    let mut tables = answer.lines().filter(|line| !line.starts_with("a picture of "));
    assert!(tables.all(|line| line.chars().count() <= 120), "{answer}");
    answer
}

/// The cells of the line that starts with the given words.
#[track_caller]
fn cells<'a>(answer: &'a str, start: &str) -> Vec<&'a str> {
    let line = answer.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no {start:?} in {answer}")).split_whitespace().collect()
}

#[test]
fn the_last_size_is_told_step_by_step_and_array_by_array() {
    let folder = Folder::with_pictures();
    let answer = explained(&folder, "--optimizer adam --statistic gram");
    assert!(
        answer.starts_with("48x36 with a painting of 40x44: 3 iterations of Adam, maps in f32, on CPU\n"),
        "{answer}"
    );
    assert!(answer.contains("the last of 4 sizes") && answer.contains("relu1_1 to relu2_1   whole"), "{answer}");
    // 2 * 9 * 64 * 64 * 72 * 60 operations: the margin is part of it.
    assert_eq!(cells(&answer, "conv3x3                relu1_2")[..5], ["conv3x3", "relu1_2", "62", "1", "0.32"]);
    for step in
        ["network_input ", "gram ", "gram_loss ", "content_loss ", "conv3x3_backward ", "record_losses ", "adam "]
    {
        cells(&answer, step);
    }
    // 72 * 60 * 3 words of a picture.
    assert_eq!(cells(&answer, "image ")[1..5], ["12960", "words", "0.05", cells(&answer, "image ")[4]]);
    assert_eq!(*cells(&answer, "running average").last().unwrap(), "always");
    for total in ["an evaluation: ", "arrays: ", "peak: ", "largest array: ", "memory: "] {
        cells(&answer, total);
    }
    let one = explained(&folder, "--size 20 --min-scale 20");
    assert!(one.starts_with("20x15 with a painting of 18x20: 6 iterations of L-BFGS"), "{one}");
    assert!(!one.contains("the last of") && one.contains("lbfgs_direction"), "{one}");
}

#[test]
fn filters_need_not_be_there_to_see_the_plan() {
    let folder = Folder::empty();
    folder.picture("photo.png", 48, 36, 1);
    folder.picture("painting.png", 40, 44, 2);
    for (weights, deepest) in [("auto", "relu5_1"), ("learned", "relu4_1")] {
        let answer = folder.run(&format!("{EXPLAIN} --device cpu --weights {weights}")).answer();
        assert!(answer.contains(&format!("relu1_1 to {deepest}   whole")), "{weights}: {answer}");
    }
}

#[test]
fn quality_is_how_many_iterations_there_are_unless_they_are_counted_out() {
    let folder = Folder::empty();
    folder.picture("photo.png", 48, 36, 1);
    folder.picture("painting.png", 40, 44, 2);
    let cases = [
        ("", "50 iterations of L-BFGS"),
        ("--quality draft", "20 iterations of L-BFGS"),
        ("--quality fine", "150 iterations of L-BFGS"),
        ("--quality fine --iterations 7", "7 iterations of L-BFGS"),
        ("--quality draft --optimizer adam", "60 iterations of Adam"),
        ("--quality fine --min-scale 48", "300 iterations of L-BFGS"),
        ("--quality fine --min-scale 48 --first-iterations 8", "8 iterations of L-BFGS"),
    ];
    for (options, iterations) in cases {
        let min_scale = if options.contains("--min-scale") { "" } else { "--min-scale 24" };
        let call = format!("{EXPLAIN} --device cpu --weights learned {min_scale} {options}");
        let answer = folder.run(&call).answer();
        assert!(answer.lines().next().unwrap().contains(&format!(": {iterations},")), "{options}: {answer}");
    }
    let outcome = folder.run(&format!("{EXPLAIN} --quality 90"));
    assert!(outcome.code == Some(2) && outcome.stderr.contains("--jpeg-quality 90"), "{outcome:?}");
}

#[test]
fn a_picture_that_does_not_fit_is_told_with_a_size_that_does() {
    let folder = Folder::with_pictures();
    // The picture and its gradient alone are more.
    let answer = explained(&folder, "--size 32768 --memory 3GiB");
    let last = answer.lines().last().unwrap();
    assert!(last.starts_with("a picture of 32768x24576 takes ") && last.contains("but CPU has "), "{last}");
    let fitting = last.split("--size ").nth(1).unwrap().split([' ', ',']).next().unwrap().parse::<u32>().unwrap();
    assert!(fitting % 32 == 0 && fitting < 32768, "{last}");
    let smaller = explained(&folder, &format!("--size {fitting} --memory 3GiB"));
    assert!(!smaller.contains("a picture of ") && smaller.contains("\ntime: about "), "{smaller}");
    assert!(smaller.contains("\nwhole arrays, on the disk: "), "{smaller}");
}

#[test]
fn a_gpu_splits_what_it_cannot_bind_and_tells_its_kernels() {
    let folder = Folder::with_pictures();
    if !folder.run("devices").stdout.starts_with('0') {
        return;
    }
    let answer = explained(&folder, "--device 0 --size 1100 --variant plain");
    let kernel = cells(&answer, "conv3x3                relu1_2");
    let bands = kernel.iter().position(|&cell| cell == "plain").map(|index| kernel[index - 1].parse::<u32>().unwrap());
    assert!(bands.is_some_and(|bands| bands > 1), "{kernel:?}");
    assert!(answer.contains(" rows of 1124x849x64 ") && answer.contains("; the device binds "), "{answer}");
}
