//! `impasto stylize --log`: one line of JSON per iteration.

use super::folder::Folder;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Debug, Deserialize)]
struct Line {
    scale: u32,
    width: u32,
    height: u32,
    iteration: u32,
    total: f64,
    content: f64,
    style: f64,
    tv: f64,
    seconds: f64,
}

fn lines(folder: &Folder, name: &str) -> Vec<Line> {
    let text = String::from_utf8(folder.read(name)).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[test]
fn there_is_a_line_for_each_iteration_of_each_scale_with_these_keys() {
    let folder = Folder::with_pictures();
    folder.write("run.jsonl", "something old");
    folder.paint("out.png", "--log run.jsonl --first-iterations 13 --iterations 11");
    let text = String::from_utf8(folder.read("run.jsonl")).unwrap();
    let keys = ["scale", "width", "height", "iteration", "total", "content", "style", "tv", "edges", "seconds"];
    for line in text.lines() {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
        assert_eq!(found, BTreeSet::from(keys), "{line}");
    }
    let sizes = [(17, 17, 13, 13), (24, 24, 18, 11), (34, 34, 26, 11), (48, 48, 36, 11)];
    let expected: Vec<_> =
        sizes.iter().flat_map(|&(scale, w, h, count)| (1..=count).map(move |i| (scale, w, h, i))).collect();
    let lines = lines(&folder, "run.jsonl");
    let found: Vec<_> = lines.iter().map(|line| (line.scale, line.width, line.height, line.iteration)).collect();
    assert_eq!(found, expected);
    for pair in lines.windows(2) {
        let backwards = pair[0].scale == pair[1].scale && pair[1].seconds < pair[0].seconds;
        assert!(pair[0].seconds >= 0.0 && !backwards, "{pair:?}");
    }
}

#[test]
fn the_total_is_the_weighted_sum_and_falls() {
    let folder = Folder::with_pictures();
    for method in ["adam", "lbfgs"] {
        for loss in ["relative", "mse"] {
            let weights = "--content-weight 2 --style-weight 30 --tv-weight 0.5 --min-scale 48 --first-iterations 30";
            folder.paint("out.png", &format!("--log run.jsonl --optimizer {method} --loss {loss} {weights}"));
            let lines = lines(&folder, "run.jsonl");
            for line in &lines {
                let sum = 2.0 * line.content + 30.0 * line.style + 0.5 * line.tv;
                assert!((line.total / sum - 1.0).abs() < 1e-6, "{method}, {loss}: {sum} is not in {line:?}");
            }
            let (first, last) = (lines[0].total, lines[lines.len() - 1].total);
            assert!(last < 0.7 * first, "{method}, {loss}: from {first} to {last}");
            let rises = lines.windows(2).filter(|pair| pair[1].total > pair[0].total).count();
            assert!(method == "adam" || rises == 0, "lbfgs, {loss}: {rises} rises");
        }
    }
}
