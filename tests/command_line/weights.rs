//! `impasto weights`: list, info, learn, and fetch without a network.

use super::folder::Folder;

#[test]
fn an_empty_cache_says_how_to_fill_it() {
    let folder = Folder::empty();
    let answer = folder.run("weights list").answer();
    assert!(answer.contains("no weights in ") && answer.contains("impasto weights fetch"), "{answer}");
    assert_eq!(answer.lines().count(), 1);
    assert!(folder.contents().is_empty());
}

#[test]
fn the_cache_is_listed_with_sizes_and_digests() {
    let folder = Folder::empty();
    std::fs::create_dir(folder.path("cache")).unwrap();
    folder.write("cache/a.safetensors", vec![0; 3_000_000]);
    folder.write("cache/a.safetensors.sha256", "abcdef  a.safetensors\n");
    folder.write("cache/b.safetensors", "x");
    folder.write("cache/c.safetensors.part", "x");
    folder.write("cache/notes.txt", "x");
    let answer = folder.run("weights list").answer();
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.len(), 3, "{answer}");
    assert!(lines[0].ends_with("a.safetensors  3 MB  sha256 abcdef"), "{answer}");
    assert!(lines[1].ends_with("b.safetensors  0 MB  no digest noted"), "{answer}");
    assert!(lines[2].contains("c.safetensors.part") && lines[2].contains("not complete"), "{answer}");
}

#[test]
fn a_weights_file_is_described() {
    let folder = Folder::empty();
    folder.filters("filters.safetensors", "relu1_2");
    let answer = folder.run("weights info filters.safetensors").answer();
    let bytes = folder.read("filters.safetensors").len();
    assert!(answer.starts_with(&format!("filters.safetensors: {bytes} bytes, filters of VGG19 down to relu1_2\n")));
    for line in
        ["mean: [0.485, 0.456, 0.406]", "features.0.weight  F32   [64, 3, 3, 3]", "features.2.bias    F32   [64]"]
    {
        assert!(answer.contains(line), "no {line:?} in {answer}");
    }
}

#[test]
fn files_that_are_no_weights_are_not_described() {
    let folder = Folder::with_pictures();
    folder.refuses("weights info photo.png", 1, &["photo.png is not a safetensors file", "PNG picture"]);
    folder.refuses("weights info nowhere", 1, &["cannot read the weights file nowhere", "check the path"]);
    folder.refuses("weights info .", 1, &["is a directory", "name the safetensors file"]);
}

#[test]
fn nothing_is_learned_from_what_is_no_picture_or_for_a_place_that_cannot_be_written() {
    let folder = Folder::with_pictures();
    folder.picture("small.png", 12, 40, 1);
    folder.write("old.safetensors", "something old");
    let learn = |arguments: &str, words: &[&str]| folder.refuses(&format!("weights learn {arguments}"), 1, words);
    learn("photo.png nowhere.png -o old.safetensors", &["nowhere.png", "check the path"]);
    learn("filters.safetensors -o old.safetensors", &["filters.safetensors is no picture", "PNG"]);
    learn("photo.png small.png -o old.safetensors", &["picture 2", "12x40", "at least 16"]);
    learn("photo.png -o missing/filters.safetensors", &["missing/filters.safetensors", "no directory missing"]);
    learn("photo.png -o .", &["is a directory"]);
}

#[test]
fn fetching_without_a_network_names_the_address_and_the_way_out() {
    let folder = Folder::empty();
    let outcome = folder.run("weights fetch");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    for words in ["impasto: cannot reach http://127.0.0.1:9/timm", "check the network", "--weights"] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    assert_eq!(folder.contents().into_keys().collect::<Vec<_>>(), ["cache"]);
}
