//! `impasto weights`: list, info, learn, and fetch without a network.

use super::folder::{Folder, quick};
use crate::common::{
    RawTensor, Tensors, file_bytes,
    server::{Answer, Server},
    torchvision_tensors,
};
use impasto::{
    vgg19::Layer,
    weights::{cache, generated},
};
use safetensors::Dtype;
use std::sync::{Mutex, mpsc};

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
    let digest = cache::digest(&folder.path("cache/a.safetensors")).unwrap();
    folder.write("cache/aa.safetensors", vec![0; 3_000_000]);
    folder.write("cache/aa.safetensors.sha256", &digest);
    folder.write("cache/b.safetensors", "x");
    folder.write("cache/c.safetensors.part", "x");
    folder.write("cache/notes.txt", "x");
    let answer = folder.run("weights list").answer();
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.len(), 4, "{answer}");
    assert!(lines[0].ends_with("a.safetensors  3 MB  damaged, its sha256 was abcdef"), "{answer}");
    assert!(lines[1].ends_with(&format!("aa.safetensors  3 MB  sha256 {digest}")), "{answer}");
    assert!(lines[2].ends_with("b.safetensors  0 MB  no digest noted"), "{answer}");
    assert!(lines[3].contains("c.safetensors.part") && lines[3].contains("not complete"), "{answer}");
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
    for words in ["impasto: cannot reach http://127.0.0.1:9/timm", "check the network", "--weights learned"] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    assert_eq!(folder.contents().into_keys().collect::<Vec<_>>(), ["cache"]);
}

/// One layer, so that little has to be fetched and painted.
const SHALLOW: &str = "--weights auto --content-layers relu1_1 --style-layers relu1_1 --size 24";

fn served(seed: u64) -> Server {
    let file = file_bytes(&torchvision_tensors(&generated(seed, Layer::FIRST), Dtype::F32), &[]);
    Server::start(move |_, asked| Answer::honest(&file, asked))
}

#[test]
fn two_processes_that_fetch_at_once_do_not_get_in_each_others_way() {
    let (arrived, on_its_way) = mpsc::channel();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new((arrived, held));
    let file = file_bytes(&torchvision_tensors(&generated(3, "relu1_2".parse().unwrap()), Dtype::F32), &[]);
    let server = Server::start(move |number, asked| {
        if number == 1 {
            let held = held.lock().unwrap();
            held.0.send(()).unwrap();
            held.1.recv().unwrap();
        }
        Answer::honest(&file, asked)
    });
    let folder = Folder::empty();
    let fetch = format!("weights fetch --deepest relu1_2 --weights-url {}", server.url);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| folder.run(&fetch));
        on_its_way.recv().unwrap();
        let second = folder.run(&fetch);
        assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""));
        for words in ["another process", "wait", "--weights learned"] {
            assert!(second.stderr.contains(words), "no {words} in {}", second.stderr);
        }
        go_on.send(()).unwrap();
        let path = first.join().unwrap().answer();
        assert!(cache::is_intact(path.trim_end().as_ref()).unwrap());
        assert_eq!(folder.run(&fetch).answer(), path);
    });
    assert_eq!(folder.contents().len(), 3, "{:?}", folder.contents().keys());
}

#[cfg(unix)]
#[test]
fn a_fetch_that_is_killed_goes_on_from_there() {
    let (arrived, on_its_way) = mpsc::channel();
    let arrived = Mutex::new(arrived);
    let tensors = torchvision_tensors(&generated(3, "relu2_1".parse().unwrap()), Dtype::F32);
    let file = file_bytes(&tensors, &[]);
    let bytes = file.len();
    let server = Server::start(move |number, asked| {
        if number == 2 {
            arrived.lock().unwrap().send(()).unwrap();
            // Until the test has ended.
            std::thread::park();
        }
        let answer = Answer::honest(&file, asked);
        if number == 1 { answer.cut(300_000) } else { answer }
    });
    let folder = Folder::empty();
    let fetch = format!("weights fetch --deepest relu2_1 --weights-url {}", server.url);
    let mut killed = folder.command(&fetch).spawn().unwrap();
    on_its_way.recv().unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    let listed = folder.run("weights list").answer();
    assert!(listed.contains("not complete, the next fetch goes on from here"), "{listed}");
    let requests = server.requests().len();
    let path = folder.run(&fetch).answer();
    assert!(cache::is_intact(path.trim_end().as_ref()).unwrap());
    let again: usize = server.requests()[requests..].iter().map(|(_, bytes)| bytes).sum();
    assert!(again < bytes - 200_000, "{again} of {bytes} bytes were fetched again");
    assert_eq!(folder.contents().len(), 3, "{:?}", folder.contents().keys());
}

#[test]
fn a_file_fetched_from_an_address_is_marked_and_taken_by_auto() {
    let folder = Folder::with_pictures();
    let server = served(3);
    folder.run(&format!("weights fetch --deepest relu1_1 --weights-url {}", server.url)).answer();
    folder.paint("result.png", SHALLOW);
    // Deep enough for everything.
    folder.filters("cache/mine.safetensors", "relu5_1");
    let answer = folder.run("weights list").answer();
    let marked: Vec<_> = answer.lines().filter(|line| line.ends_with("taken by --weights auto")).collect();
    assert_eq!(marked.len(), 1, "{answer}");
    assert!(marked[0].contains("mine.safetensors"), "{answer}");
    folder.filters("cache/vgg19.tv_in1k-relu5_1.safetensors", "relu5_1");
    let answer = folder.run("weights list").answer();
    let marked = answer.lines().find(|line| line.ends_with("taken by --weights auto")).unwrap();
    assert!(marked.contains("vgg19.tv_in1k"), "{answer}");
}

#[test]
fn auto_learns_with_one_line_wherever_no_filters_can_be_fetched() {
    let page = b"<!DOCTYPE html><html>Please log in</html>".to_vec();
    let cases = [
        (Server::start(move |_, _| Answer::whole(&page).with("Content-Type", "text/html")), "web page"),
        (served(4), "SHA-256"),
    ];
    for (server, cause) in cases {
        let folder = Folder::with_pictures();
        if cause == "SHA-256" {
            let first = folder.run(&format!("weights fetch --deepest relu1_1 --weights-url {}", server.url)).answer();
            let first = first.trim_end();
            std::fs::remove_file(first).unwrap();
            std::fs::write(format!("{first}.sha256"), "0123").unwrap();
        }
        let options = quick(&format!("{SHALLOW} --weights-url {}", server.url));
        let outcome = folder.run(&format!("stylize photo.png --style painting.png -o result.png {options}"));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        for words in [cause, "so filters are learned from your two pictures", "--weights learned"] {
            assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
        }
        folder.open("result.png");
        let fetch = folder.run(&format!("weights fetch --deepest relu1_1 --weights-url {}", server.url));
        assert_eq!((fetch.code, fetch.stdout.as_str()), (Some(1), ""), "{fetch:?}");
        assert!(fetch.stderr.contains(cause) && fetch.stderr.contains("--weights learned"), "{}", fetch.stderr);
    }
}

#[test]
fn auto_learns_where_the_cache_is_no_directory() {
    let folder = Folder::with_pictures();
    folder.write("cache", "a file in its place");
    let options = quick(SHALLOW);
    let outcome = folder.run(&format!("stylize photo.png --style painting.png -o result.png {options}"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("no VGG19 (cannot write"), "{}", outcome.stderr);
    folder.open("result.png");
}

#[test]
fn a_layer_too_deep_to_be_learned_is_refused_where_nothing_can_be_fetched() {
    let folder = Folder::with_pictures();
    folder.write("cache", "no directory, so that none is made");
    let options = quick("--weights auto --content-layers relu5_1 --style-layers relu1_1");
    let command = format!("stylize photo.png --style painting.png -o result.png {options}");
    folder.refuses(&command, 1, &["cannot write", "relu4_1", "relu5_1", "--weights"]);
}

#[test]
fn names_and_texts_of_a_file_do_not_reach_the_terminal_raw() {
    let folder = Folder::empty();
    let tensor = || RawTensor::new(Dtype::F32, vec![1], &[1.0]);
    let names = ["\u{1b}]0;title\u{7}", "\u{202e}gnp", &"n".repeat(65_536)];
    let tensors: Tensors = names.map(|name| (name.to_owned(), tensor())).into();
    let metadata = [("key\u{1b}[2J", "a\nb\u{9b}c"), ("long", &"x".repeat(100_000))];
    folder.write("strange.safetensors", file_bytes(&tensors, &metadata));
    let answer = folder.run("weights info strange.safetensors").answer();
    assert_eq!(answer.lines().count(), 6, "{answer}");
    assert!(!answer.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{answer:?}");
    for text in [r"\u{1b}]0;title\u{7}", r"\u{202e}gnp", r"key\u{1b}[2J: a\u{a}b\u{9b}c"] {
        assert!(answer.contains(text), "no {text} in {answer}");
    }
    assert!(answer.lines().all(|line| line.chars().count() < 250), "{answer}");
}
