//! A separate folder for each test, and impasto running in it.

use crate::common::layer;
use impasto::{
    picture::Picture,
    plan::Size,
    random::Random,
    weights::{self, generated},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Two layers, four small sizes and few iterations: what most tests paint with. What is painted alike is then the same file.
const QUICK: [(&str, &str); 8] = [
    ("--no-metadata", ""),
    ("--device", "cpu"),
    ("--weights", "filters.safetensors"),
    ("--content-layers", "relu2_1"),
    ("--style-layers", "relu1_1,relu2_1"),
    ("--min-scale", "16"),
    ("--first-iterations", "6"),
    ("--iterations", "3"),
];

/// `options`, and those of [`QUICK`] that they do not set.
pub fn quick(options: &str) -> String {
    let given = |name: &str| options.split_whitespace().any(|word| word == name);
    let missing = QUICK.iter().filter(|(name, _)| !given(name)).map(|(name, value)| format!("{name} {value} "));
    missing.collect::<String>() + options
}

/// [`quick`] options of a painting that its picture remembers.
pub fn remembered(options: &str) -> String {
    quick(options).replace("--no-metadata", "")
}

pub struct Folder(TempDir);

/// How a process ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// What a process wrote to stderr, without the lines that report every half minute how far a painting is: on a slow machine
/// there are some, on a fast one none.
pub fn said(stderr: Vec<u8>) -> String {
    let is_report = |line: &str| line.contains(", iteration ") && line.ends_with(" left\n");
    let text = String::from_utf8(stderr).unwrap();
    text.split_inclusive('\n').filter(|line| !is_report(line)).collect()
}

impl Folder {
    pub fn empty() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// photo.png of 48x36, painting.png of 40x44, and filters.safetensors down to relu2_1.
    pub fn with_pictures() -> Folder {
        Folder::with_pictures_of([48, 36], [40, 44])
    }

    /// The same with a photograph and a painting of these widths and heights.
    pub fn with_pictures_of(photo: [u32; 2], painting: [u32; 2]) -> Folder {
        let folder = Folder::empty();
        for (name, [width, height], seed) in [("photo.png", photo, 1), ("painting.png", painting, 2)] {
            folder.picture(name, width, height, seed);
        }
        folder.filters("filters.safetensors", "relu2_1");
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn picture(&self, name: &str, width: u32, height: u32, seed: u64) {
        picture(width, height, seed).save(self.path(name)).unwrap();
    }

    pub fn filters(&self, name: &str, deepest: &str) {
        weights::save(&generated(3, layer(deepest)), &self.path(name)).unwrap();
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn open(&self, name: &str) -> Picture {
        Picture::open(self.path(name)).unwrap()
    }

    /// Width and height of a picture.
    pub fn size(&self, name: &str) -> (u32, u32) {
        let Size { width, height } = self.open(name).size();
        (width, height)
    }

    /// Everything in the folder and below; directories have no contents.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let mut contents = BTreeMap::new();
        let mut open = vec![self.0.path().to_owned()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.0.path()).unwrap().to_string_lossy().into_owned();
                let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
                contents.insert(name, bytes);
                open.extend(path.is_dir().then_some(path));
            }
        }
        contents
    }

    /// impasto in the folder, with its own cache and a closed port as the hub, so that nothing leaves this machine.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_impasto"));
        command.args(arguments.split_whitespace());
        command
    }

    /// A program that runs impasto as [`Folder::command`] does.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(proxy).env_remove(proxy.to_lowercase());
        }
        command.env("IMPASTO_CACHE", self.path("cache")).env("HF_ENDPOINT", "http://127.0.0.1:9").env_remove("COLUMNS");
        command
    }

    /// Runs impasto with arguments that are separated by spaces.
    pub fn run(&self, arguments: &str) -> Outcome {
        let output = self.command(arguments).output().unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: said(output.stderr),
        }
    }

    /// Paints photo.png like painting.png with [`quick`] options; it must succeed and print nothing.
    #[track_caller]
    pub fn paint(&self, output: &str, options: &str) {
        let arguments = format!("stylize photo.png --style painting.png -o {output} {}", quick(options));
        assert_eq!(self.run(&arguments).answer(), "", "{arguments}");
    }

    /// Goes on with run.checkpoint, of a painting that was killed before it wrote out.png, which must become whole.png.
    #[track_caller]
    pub fn resumes_to_the_same_bits(&self, what: &str) {
        assert!(!self.path("out.png").exists());
        assert_eq!(self.run("resume run.checkpoint").answer(), "");
        assert!(self.read("out.png") == self.read("whole.png"), "{what}");
    }

    /// Runs a command that must be refused with one sentence that has all of `words`, and must change nothing.
    #[track_caller]
    pub fn refuses(&self, arguments: &str, code: i32, words: &[&str]) {
        let before = self.contents();
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(code), "{arguments}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments}");
        let sentence = outcome.stderr.strip_prefix("impasto: ").and_then(|rest| rest.strip_suffix('\n'));
        let sentence = sentence.unwrap_or_else(|| panic!("{arguments}: {:?}", outcome.stderr));
        assert!(!sentence.contains('\n'), "{arguments}: {sentence}");
        for word in words {
            assert!(sentence.contains(word), "{arguments}: no {word:?} in {sentence:?}");
        }
        self.assert_unchanged(&before, arguments);
    }

    /// Only the cache, which is impasto's own, may have changed.
    #[track_caller]
    pub fn assert_unchanged(&self, before: &BTreeMap<String, Vec<u8>>, after: &str) {
        let now = self.contents();
        let kept = |name: &&String| !name.starts_with("cache");
        let names = |contents: &BTreeMap<String, Vec<u8>>| contents.keys().filter(kept).cloned().collect::<Vec<_>>();
        assert_eq!(names(&now), names(before), "after {after}");
        for (name, bytes) in before.iter().filter(|(name, _)| kept(name)) {
            assert!(now[name] == *bytes, "{name} changed after {after}");
        }
    }
}

impl Outcome {
    /// What was printed; the command must have succeeded with nothing on stderr.
    #[track_caller]
    pub fn answer(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }
}

/// Coarse random patches: structure at more than one scale, none of it symmetric.
pub fn picture(width: u32, height: u32, seed: u64) -> Picture {
    let size = Size { width, height };
    let patches = Picture::noise(Size { width: width.div_ceil(5), height: height.div_ceil(7) }, seed).resize(size);
    let mut random = Random::new(seed + 100);
    let pixels =
        patches.pixels().iter().map(|value| (0.9 * value + random.uniform(0.0, 0.1)).clamp(0.0, 1.0)).collect();
    Picture::new(size, pixels).unwrap()
}
