//! The attack with command lines. Each runs in a folder of its own, without a network and without a GPU's help.

use crate::{
    Row, Settings, Table,
    files::MOST_MEMORY,
    mutate::{Kind, mutated, repaired},
    note,
    seeds::{Hostile, Seeds, hostile, seeds},
    targets::is_shown,
    worker::peak,
};
use impasto::{picture::Encoding, plan::Size, random::Random};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    io::Read,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        process::ExitStatusExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// When a process that still works is asked to end, and when it is too late.
const PATIENCE: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(120);

/// What Ctrl-C sends.
const SIGINT: i32 = 2;

/// Address space of a process, in KiB.
const ADDRESSES: u64 = 8 << 20;

/// The word that stands for the harmless input that a value wants.
#[derive(Clone, Copy)]
enum Value {
    None,
    Picture,
    Weights,
    Output,
    Number,
    Words(&'static [&'static str]),
}

use Value::{None as Flag, Number, Output, Picture, Weights, Words};

const LAYERS: Value = Words(&[
    "relu1_1",
    "relu2_1",
    "relu1_1,relu1_2=0.5",
    "relu5_4",
    "relu9_9",
    "relu1_1=NaN",
    "relu1_1,relu1_1",
    ",",
    "=",
    "relu2_1=0",
]);
const DEVICES: Value = Words(&["cpu", "auto", "0", "7", "-1", "llvmpipe", "99999999999999999999", "no such", ""]);

const STYLIZE: [(&str, Value); 46] = [
    ("--style", Picture),
    ("-s", Picture),
    ("--output", Output),
    ("-o", Output),
    ("--size", Number),
    ("--min-scale", Number),
    ("--iterations", Number),
    ("--first-iterations", Number),
    ("--content-weight", Number),
    ("--style-weight", Number),
    ("--tv-weight", Number),
    ("--style-scale", Number),
    ("--init", Picture),
    ("--seed", Number),
    ("--content-layers", LAYERS),
    ("--style-layers", LAYERS),
    ("--loss", Words(&["relative", "mse", "none", ""])),
    ("--pooling", Words(&["max", "average", "min"])),
    ("--weights", Weights),
    ("--weights-format", Words(&["torchvision", "caffe", "onnx"])),
    (
        "--weights-url",
        Words(&["http://127.0.0.1:9/x", "ftp://127.0.0.1/", "\u{1b}[31m", "http://", "file:///etc/passwd"]),
    ),
    ("--optimizer", Words(&["adam", "lbfgs", "sgd"])),
    ("--learning-rate", Number),
    ("--device", DEVICES),
    ("--threads", Number),
    ("--precision", Words(&["f32", "f16", "auto", "f8"])),
    ("--variant", Words(&["plain", "winograd2", "conv3x3=winograd2,gram=tiled", "=", ",", "x=y"])),
    ("--save-every", Number),
    ("--log", Output),
    ("--explain", Flag),
    ("--quality", Number),
    ("--force", Flag),
    ("--depth", Words(&["8", "16", "32"])),
    ("--no-metadata", Flag),
    ("--keep-exif", Flag),
    ("--style", Picture),
    ("--blend", Words(&["1,2", "1", "0,1", "NaN", "1e30,1e-30", ","])),
    ("--style-mask", Picture),
    ("--statistic", Words(&["gram", "moments", "wasserstein", "mean"])),
    ("--region", Picture),
    ("--keep", Picture),
    ("--feather", Number),
    ("--edges", Number),
    ("--colors", Words(&["painting", "photo", "match", "mine"])),
    ("--color-strength", Words(&["0", "0.5", "1", "2", "NaN"])),
    ("--seamless", Flag),
];

/// Options of the other commands, and those that need not be tried as often.
const OTHERS: [(&str, Value); 18] = [
    ("--checkpoint", Output),
    ("--checkpoint-every", Number),
    ("--tune", Flag),
    ("--content", Picture),
    ("--image", Picture),
    ("--json", Flag),
    ("--only", Words(&["nothing", "", "\u{1b}[2J"])),
    ("--no-kernels", Flag),
    ("--repeats", Number),
    ("--deepest", LAYERS),
    ("-q", Flag),
    ("-v", Flag),
    ("-o", Output),
    ("--weights", Weights),
    ("--help", Flag),
    ("--version", Flag),
    ("--no-such-option", Flag),
    ("--\u{1b}[31mred", Flag),
];

/// Commands with how often they are tried, and their first arguments. None works for long.
const COMMANDS: [(&str, usize, &[&str]); 19] = [
    ("stylize", 60, &[]),
    ("resume", 14, &[]),
    (
        "texture",
        8,
        &["-o", "album/out.png", "--device", "cpu", "--size", "24x24", "--first-iterations", "2", "--iterations", "1"],
    ),
    ("info", 6, &[]),
    ("again", 14, &[]),
    ("weights info", 8, &[]),
    ("weights learn", 4, &["-o", "learned.safetensors"]),
    ("weights list", 1, &[]),
    ("weights fetch", 2, &[]),
    ("dump", 6, &["--device", "cpu", "-o", "dump.safetensors", "--weights", "filters.safetensors"]),
    ("devices", 1, &[]),
    ("validate", 1, &["--device", "cpu", "--only", "nothing"]),
    ("bench", 1, &["--device", "cpu", "--size", "16x16", "--no-kernels", "--repeats", "1"]),
    ("demo", 1, &["-o", "album/demo.gif"]),
    ("completions", 1, &["bash"]),
    ("man", 1, &["stylize"]),
    ("help", 1, &["weights"]),
    ("paint", 1, &[]),
    ("", 1, &[]),
];

/// What a painting is made with, so that it is soon done.
const QUICK: [[&str; 2]; 10] = [
    ["--style", "painting.jpg"],
    ["--output", "out.png"],
    ["--device", "cpu"],
    ["--weights", "filters.safetensors"],
    ["--content-layers", "relu1_1"],
    ["--style-layers", "relu1_1"],
    ["--min-scale", "16"],
    ["--first-iterations", "2"],
    ["--iterations", "2"],
    ["--size", "24"],
];

const NUMBERS: [&str; 28] = [
    "0",
    "1",
    "2",
    "17",
    "31",
    "64",
    "-1",
    "-0",
    "0.5",
    "1e30",
    "1e-30",
    "1e39",
    "1e999",
    "NaN",
    "inf",
    "-inf",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "999999999999999999999999",
    "",
    " 1",
    "1 ",
    "0x10",
    "1,5",
    "\u{661}",
    "\u{1b}[31m1",
];

/// Names of files that are there, most of which are of no use.
const INPUTS: [&[u8]; 14] = [
    b"photo.png",
    b"painting.jpg",
    b"filters.safetensors",
    b"run.checkpoint",
    b"damaged-picture",
    b"damaged-weights",
    b"damaged-checkpoint",
    b"hostile",
    b"\x1b[2J\x07.png",
    b"two\nlines\r.png",
    "\u{202e}gnp.exe".as_bytes(),
    b"\xff\xfe.png",
    b"-s",
    b"empty",
];

/// Names that may be written to, names that cannot be, and inputs, which must not be.
const OUTPUTS: [&[u8]; 20] = [
    b"out.png",
    b"out.jpg",
    b"out.webp",
    b"out.tif",
    b"out.bmp",
    b"out.gif",
    b"out",
    b"",
    b"-",
    b"album",
    b"album/out.png",
    b"missing/out.png",
    b"\x1b]0;x\x07.png",
    "\u{202e}x.png".as_bytes(),
    b"\xff.png",
    b"no\nwhere/x.png",
    b"photo.png",
    b"painting.jpg",
    b"album/../filters.safetensors",
    b"run.checkpoint",
];

/// Runs the command lines.
pub fn attack(settings: &Settings, table: &Table) {
    if settings.commands == 0 {
        return;
    }
    let [whole, painted] = made(&settings.program);
    let record = recorded(&painted);
    let (seeds, hostile) = (seeds(), hostile());
    let small: Vec<&Hostile> = hostile.iter().filter(|file| !file.large).collect();
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..settings.processes {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= settings.commands {
                        break;
                    }
                    let mut random = Random::new(settings.seed + number);
                    let folder = tempfile::tempdir().expect("there is room for a folder");
                    // First every hostile file where it belongs, then those that are soon read anywhere.
                    let file = hostile.get(number as usize);
                    let other = small[number as usize % small.len()];
                    fill(folder.path(), &whole, &seeds, &file.unwrap_or(other).bytes, &mut random);
                    let remembering = remembering(&record, &mut random);
                    fs::write(folder.path().join("remembering.png"), remembering).expect("there is room for a small file");
                    let mut line = command_line(&mut random);
                    if let Some(file) = file {
                        let words = match file.target {
                            "picture" => "stylize hostile --style painting.jpg -o out.png --device cpu --weights \
                                 filters.safetensors --style-layers relu1_1 --content-layers relu1_1 --size 16 --min-scale 16 \
                                 --iterations 1 --first-iterations 1",
                            "checkpoint" => "resume hostile",
                            _ => "weights info hostile",
                        };
                        line = words.split_whitespace().map(OsString::from).collect();
                    }
                    run(settings, table, folder.path(), &line, &format!("command-{}", settings.seed + number));
                }
            });
        }
    });
}

/// A checkpoint and a picture that the program itself wrote.
fn made(program: &Path) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fill(folder.path(), &[], &seeds(), &[], &mut Random::new(0));
    let options = QUICK.concat();
    let line = ["stylize", "photo.png", "--checkpoint", "run.checkpoint", "--checkpoint-every", "0"];
    let status = Command::new(program).args(line).args(options).current_dir(folder.path()).status();
    assert!(status.is_ok_and(|status| status.success()), "{} cannot paint", program.display());
    ["run.checkpoint", "out.png"].map(|name| fs::read(folder.path().join(name)).expect("it was asked for"))
}

/// What a picture remembers.
fn recorded(picture: &[u8]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("out.png");
    fs::write(&path, picture).expect("there is room for a small file");
    let text = impasto::picture::recorded(&path).expect("it can be read").expect("it remembers");
    serde_json::from_str(&text).expect("it is JSON")
}

/// What strangers may write where a name, a value or an option belongs.
const STRANGE: [&str; 16] = [
    "-",
    "",
    "--output=photo.png",
    "-ophoto.png",
    "--log",
    "--help",
    "/etc/passwd",
    "../photo.png",
    "album/../run.checkpoint",
    "run.checkpoint",
    "output",
    "log",
    "checkpoint",
    "weights-url",
    "http://127.0.0.1:9/x",
    "\u{1b}[31m\u{202e}\n",
];

/// A picture that remembers something else than how it was painted.
fn remembering(record: &serde_json::Value, random: &mut Random) -> Vec<u8> {
    let mut record = record.clone();
    for _ in 0..random.below(4) {
        spoil(&mut record, random);
    }
    if random.below(4) == 0 {
        let stranger = serde_json::json!([one(&STRANGE, random), [one(&STRANGE, random)]]);
        if let Some(options) = record["options"].as_array_mut() {
            options.push(stranger);
        }
    }
    let mut text = record.to_string();
    if random.below(8) == 0 {
        let (kept, _) = text.char_indices().nth(random.below(text.chars().count())).expect("it is within");
        text.truncate(kept);
    }
    let encoding = Encoding { record: Some(text), ..Encoding::default() };
    let picture = impasto::picture::Picture::noise(Size { width: 5, height: 4 }, 1);
    picture.to_png("remembering.png", &encoding).expect("a short record")
}

/// Puts something strange in the place of one of the values.
fn spoil(value: &mut serde_json::Value, random: &mut Random) {
    match value {
        serde_json::Value::Array(values) if !values.is_empty() => {
            let index = random.below(values.len());
            spoil(&mut values[index], random);
        }
        serde_json::Value::Object(values) if !values.is_empty() => {
            let index = random.below(values.len());
            values.values_mut().nth(index).into_iter().for_each(|value| spoil(value, random));
        }
        value => *value = one(&STRANGE, random).into(),
    }
}

/// The inputs of one command line.
fn fill(folder: &Path, checkpoint: &[u8], seeds: &[Seeds], hostile: &[u8], random: &mut Random) {
    let write = |name: &[u8], bytes: &[u8]| {
        fs::write(folder.join(OsStr::from_bytes(name)), bytes).expect("there is room for a small file");
    };
    let of = |kind: Kind| &seeds.iter().find(|seeds| seeds.kind == kind).expect("there are seeds of each kind").files;
    let moved = with_directory(checkpoint, folder).unwrap_or_default();
    let pictures = [Kind::Png, Kind::Jpeg, Kind::Riff, Kind::Tiff, Kind::Bmp, Kind::Gif, Kind::Avif, Kind::Pnm];
    let kind = pictures[random.below(pictures.len())];
    write(b"photo.png", &of(Kind::Png)[2]);
    write(b"painting.jpg", &of(Kind::Jpeg)[1]);
    write(b"filters.safetensors", &of(Kind::Tensors)[0]);
    write(b"run.checkpoint", &moved);
    write(b"damaged-picture", &mutated(kind, of(kind), random));
    write(b"damaged-weights", &mutated(Kind::Tensors, of(Kind::Tensors), random));
    write(b"damaged-checkpoint", &mutated(Kind::Checkpoint, &[moved], random));
    write(b"hostile", hostile);
    for name in &INPUTS[8..13] {
        write(name, &of(Kind::Png)[0]);
    }
    write(b"empty", b"");
    fs::create_dir(folder.join("album")).expect("there is room for a folder");
}

/// A checkpoint of the command line that belongs to another folder.
fn with_directory(checkpoint: &[u8], folder: &Path) -> Option<Vec<u8>> {
    let length = u64::from_le_bytes(*checkpoint.first_chunk()?) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(checkpoint.get(8..8 + length)?).ok()?;
    let notes = header.pointer_mut("/__metadata__/notes")?;
    let mut inner: serde_json::Value = serde_json::from_str(notes.as_str()?).ok()?;
    *inner.get_mut("directory")? = folder.to_str()?.into();
    *notes = inner.to_string().into();
    let json = header.to_string();
    let bytes = [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &checkpoint[8 + length..]].concat();
    Some(repaired(Kind::Checkpoint, bytes))
}

fn one<T: Copy>(of: &[T], random: &mut Random) -> T {
    of[random.below(of.len())]
}

/// A word for a value, most often one that makes sense.
fn word(value: Value, random: &mut Random) -> OsString {
    let bytes: &[u8] = match value {
        _ if random.below(12) == 0 => one(&INPUTS, random),
        Value::None => b"",
        Picture if random.below(2) == 0 => {
            one(&[b"photo.png".as_slice(), b"painting.jpg", b"damaged-picture", b"hostile"], random)
        }
        Weights if random.below(2) == 0 => {
            one(&[b"filters.safetensors".as_slice(), b"damaged-weights", b"learned", b"auto"], random)
        }
        Picture | Weights => one(&INPUTS, random),
        Output => one(&OUTPUTS, random),
        Number => one(&NUMBERS, random).as_bytes(),
        Words(words) => one(words, random).as_bytes(),
    };
    OsString::from_vec(bytes.to_vec())
}

fn command_line(random: &mut Random) -> Vec<OsString> {
    let total: usize = COMMANDS.iter().map(|(_, often, _)| often).sum();
    let mut chosen = random.below(total);
    let (command, _, first) = *COMMANDS
        .iter()
        .find(|(_, often, _)| {
            let here = chosen < *often;
            chosen = chosen.saturating_sub(*often);
            here
        })
        .expect("the number is below the sum");
    let mut options: Vec<Vec<OsString>> =
        first.chunks(2).map(|pair| pair.iter().map(OsString::from).collect()).collect();
    if command == "stylize" {
        // Most often all, so that something else is what is wrong.
        let all = random.below(3) > 0;
        let pairs = QUICK.iter().filter(|_| all || random.below(8) > 0);
        options.extend(pairs.map(|pair| pair.iter().map(OsString::from).collect::<Vec<_>>()));
    }
    let operands = match command {
        "stylize" | "resume" | "info" | "again" | "weights info" | "paint" => 1,
        "weights learn" => 2,
        _ => 0,
    };
    for _ in 0..operands {
        let input = match command {
            "resume" if random.below(2) == 0 => {
                one(&[b"run.checkpoint".as_slice(), b"damaged-checkpoint", b"hostile"], random)
            }
            "info" | "again" if random.below(4) > 0 => b"remembering.png",
            "weights info" if random.below(2) == 0 => one(&[b"damaged-weights".as_slice(), b"hostile"], random),
            _ if random.below(2) == 0 => b"photo.png",
            _ => one(&INPUTS, random),
        };
        options.push(vec![OsString::from_vec(input.to_vec())]);
    }
    let table = if command == "stylize" && random.below(4) > 0 { &STYLIZE[..] } else { &OTHERS };
    for _ in 0..random.below(4) {
        let (name, value) = one(table, random);
        // Given twice, an option is refused; so the one that stands already makes room.
        let place = options.iter().position(|option| option[0] == name).filter(|_| random.below(8) > 0);
        let option = match value {
            Value::None => vec![name.into()],
            _ if random.below(30) == 0 => vec![name.into()],
            _ if name.starts_with("--") && random.below(4) == 0 => {
                let mut joined = OsString::from(name);
                joined.push("=");
                joined.push(word(value, random));
                vec![joined]
            }
            value => vec![name.into(), word(value, random)],
        };
        match place {
            Some(place) => options[place] = option,
            None => options.insert(random.below(options.len() + 1), option),
        }
    }
    if random.below(20) == 0 {
        let stray = one(&["--", "-", "", "\u{1b}[31m", "\u{202e}", "-\u{7}", "--style", "stylize"], random);
        options.insert(random.below(options.len() + 1), vec![stray.into()]);
    }
    command.split_whitespace().map(OsString::from).chain(options.into_iter().flatten()).collect()
}

/// Everything in a folder that is not in a folder below it.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = fs::read_dir(folder).expect("it was created").map(|entry| entry.expect("it can be listed"));
    files
        .filter(|file| file.path().is_file())
        .map(|file| (file.file_name(), fs::read(file.path()).unwrap_or_default()))
        .collect()
}

/// How a process ended.
struct Ending {
    code: Option<i32>,
    signal: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    peak: u64,
    asked_to_end: bool,
    too_late: bool,
}

impl Ending {
    /// What it said, without a picture that it was to write there.
    fn said(&self) -> String {
        let stdout = if self.stdout.starts_with(b"\x89PNG") { &[][..] } else { &self.stdout };
        String::from_utf8_lossy(&[stdout, &self.stderr].concat()).into_owned()
    }
}

fn run(settings: &Settings, table: &Table, folder: &Path, line: &[OsString], name: &str) {
    let before = contents(folder);
    let start = Instant::now();
    let child = Command::new("sh")
        .args(["-c", &format!("ulimit -c 0; ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"")])
        .arg(&settings.program)
        .args(line)
        .current_dir(folder)
        .env_clear()
        .envs([
            ("IMPASTO_CACHE", "cache"),
            ("HF_ENDPOINT", "http://127.0.0.1:9"),
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/nonexistent"),
        ])
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let ending = wait(child);
    let milliseconds = start.elapsed().as_millis();
    let after = contents(folder);
    let harm = harm(&ending, line, &before, &after);
    let shown: Vec<String> = line.iter().map(|word| format!("{word:?}")).collect();
    if let Some(harm) = &harm {
        let text = format!("{harm}\n{}\n{}", shown.join(" "), ending.said().escape_debug());
        let kept = settings.keep.join(name);
        fs::create_dir_all(&kept).expect("there is room for what did harm");
        for (name, bytes) in &before {
            fs::write(kept.join(name), bytes).expect("there is room for what did harm");
        }
        fs::write(settings.keep.join(format!("{name}.txt")), text).expect("there is room for what did harm");
    }
    note(table, "command lines", |row: &mut Row| {
        row.harmful += u64::from(harm.is_some());
        let success = ending.code == Some(0);
        row.accepted += u64::from(success);
        row.refused += u64::from(!success);
        let peak = if success { &mut row.accepted_peak } else { &mut row.refused_peak };
        if ending.peak > peak.0 {
            *peak = (ending.peak, format!("{name}: {}", shown.join(" ")));
        }
        row.slowest = std::mem::take(&mut row.slowest).max((milliseconds, format!("{name}: {}", shown.join(" "))));
    });
}

/// Waits, and watches how much memory the process takes.
fn wait(mut child: Child) -> Ending {
    let stdout = reader(child.stdout.take().expect("it is piped"));
    let stderr = reader(child.stderr.take().expect("it is piped"));
    let (start, process) = (Instant::now(), child.id().to_string());
    let (mut most, mut asked_to_end, mut too_late) = (0, false, false);
    let status = loop {
        most = most.max(peak(&process).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("it is a child of this process") {
            break status;
        }
        if start.elapsed() > LIMIT {
            too_late = true;
            drop(child.kill());
        } else if start.elapsed() > PATIENCE && !asked_to_end {
            asked_to_end = true;
            drop(Command::new("kill").args(["-INT", &process]).status());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().unwrap_or_default());
    Ending { code: status.code(), signal: status.signal(), stdout, stderr, peak: most, asked_to_end, too_late }
}

/// Reads a pipe to its end, so that nobody waits for it.
fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        drop(pipe.read_to_end(&mut said));
        said
    })
}

/// What is wrong with how a command line ended.
fn harm(
    ending: &Ending,
    line: &[OsString],
    before: &BTreeMap<OsString, Vec<u8>>,
    after: &BTreeMap<OsString, Vec<u8>>,
) -> Option<String> {
    let text = ending.said();
    if ending.too_late {
        return Some("it did not end".to_owned());
    }
    if text.contains("panicked at") {
        return Some("it panicked".to_owned());
    }
    match ending.code {
        Some(0 | 1 | 2 | 130 | 143) => {}
        // Where there is nothing to save yet, the system ends it.
        None if ending.asked_to_end && ending.signal == Some(SIGINT) => return None,
        Some(code) => return Some(format!("it ended with {code}")),
        None => return Some(format!("it was ended by signal {:?}", ending.signal)),
    }
    if matches!(ending.code, Some(1 | 2)) && ending.peak > MOST_MEMORY {
        return Some(format!("it ended with an error, but took {} MiB", ending.peak >> 10));
    }
    if let Some(character) = text.chars().find(|&character| character != '\n' && !is_shown(character)) {
        return Some(format!("it printed {character:?}"));
    }
    if ending.code != Some(0) && text.is_empty() {
        return Some("it said nothing".to_owned());
    }
    // A file may change that is only written; resume goes on in the checkpoint that it reads.
    let resumes = line.first().is_some_and(|word| word == "resume");
    let may_change = |name: &OsStr| {
        let ends = |word: &OsString| word.as_bytes().ends_with(name.as_bytes());
        let written = |place: usize| {
            let option = place.checked_sub(1).map(|before| line[before].as_os_str());
            let joined = line[place].to_str().and_then(|word| word.split_once('='));
            option.is_some_and(is_output) || joined.is_some_and(|(option, _)| is_output(OsStr::new(option)))
        };
        let places: Vec<usize> = (0..line.len()).filter(|&place| ends(&line[place])).collect();
        !places.is_empty() && (resumes || places.into_iter().all(written))
    };
    let changed = before.iter().find(|(name, bytes)| after.get(*name) != Some(bytes) && !may_change(name));
    if let Some((name, _)) = changed {
        return Some(format!("it changed {name:?}"));
    }
    let left = after.keys().find(|name| name.as_bytes().starts_with(b".") && !before.contains_key(*name));
    left.map(|name| format!("it left {name:?}"))
}

/// Whether an option names something to be written.
fn is_output(option: &OsStr) -> bool {
    STYLIZE.iter().chain(&OTHERS).any(|(name, value)| option == *name && matches!(value, Output))
}
