//! A large attack on everything that impasto reads: damaged and hostile files by the ten thousand, and command lines
//! that make little sense. Linux only, because it looks into `/proc`. `fuzz/README.md` says how to run it.
//!
//! Files are read by this program itself, in processes that may die and whose memory is limited; command lines are run by
//! the program that users run. It prints a table, keeps every input that did harm, and ends with 1 if there was one.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a tool for developers may panic")]

#[path = "../../tests/pictures/avif_files.rs"]
mod avif_files;
mod commands;
mod files;
#[path = "../../tests/mutations/mutate.rs"]
mod mutate;
#[path = "../../tests/mutations/seeds.rs"]
mod seeds;
#[path = "../../tests/mutations/targets.rs"]
mod targets;
mod worker;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
};

const USAGE: &str = "usage: attack KEEP [option value]..
  KEEP              a folder for the inputs that did harm; created if need be
  --pictures N      damaged pictures [50000]
  --tensors N       damaged weights, checkpoints and JSON, of each [5000]
  --commands N      command lines [2000]
  --seed N          where the numbers of the cases begin [0]
  --processes N     at the same time [2]
  --program FILE    the command line that is attacked [impasto beside the folder of this program]
or: attack --seeds FOLDER, which writes the files from which all others are made";

/// What is asked for.
struct Settings {
    keep: PathBuf,
    pictures: u64,
    tensors: u64,
    commands: u64,
    seed: u64,
    processes: usize,
    program: PathBuf,
}

/// A row of the table: what happened to the inputs of one kind.
#[derive(Default)]
struct Row {
    accepted: u64,
    refused: u64,
    harmful: u64,
    /// Most memory that one took, in KiB, and which.
    refused_peak: (u64, String),
    accepted_peak: (u64, String),
    /// Most time that one took, in ms, and which.
    slowest: (u128, String),
}

/// The rows so far, in the order in which they began.
type Table = Mutex<Vec<(String, Row)>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["worker", target] => return worker::work(target),
        ["--seeds", folder] => {
            write_seeds(Path::new(folder));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let Some(settings) = settings(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    std::fs::create_dir_all(&settings.keep).expect("KEEP can be created");
    let table = Table::default();
    files::attack(&settings, &table);
    commands::attack(&settings, &table);
    print(table)
}

fn settings(arguments: &[String]) -> Option<Settings> {
    let (keep, options) = arguments.split_first().filter(|(keep, _)| !keep.starts_with('-'))?;
    let beside = std::env::current_exe().ok()?.parent()?.parent()?.join("impasto");
    let mut settings = Settings {
        keep: keep.into(),
        pictures: 50_000,
        tensors: 5_000,
        commands: 2_000,
        seed: 0,
        processes: 2,
        program: beside,
    };
    for option in options.chunks(2) {
        let [name, value] = option else { return None };
        match name.as_str() {
            "--pictures" => settings.pictures = value.parse().ok()?,
            "--tensors" => settings.tensors = value.parse().ok()?,
            "--commands" => settings.commands = value.parse().ok()?,
            "--seed" => settings.seed = value.parse().ok()?,
            "--processes" => settings.processes = value.parse().ok().filter(|&count| count > 0)?,
            "--program" => settings.program = std::path::absolute(value).ok()?,
            _ => return None,
        }
    }
    Some(settings)
}

/// Seeds and hostile files, in a folder for each target, as a fuzzer wants them.
fn write_seeds(folder: &Path) {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join(name), bytes))
            .expect("room for seeds");
    };
    for seeds in seeds::seeds() {
        for (number, file) in seeds.files.iter().enumerate() {
            write(seeds.target, &format!("{:?}-{number}", seeds.kind), file);
        }
    }
    for hostile in seeds::hostile().iter().filter(|hostile| !hostile.large) {
        write(hostile.target, hostile.name, &hostile.bytes);
    }
}

impl Settings {
    /// Keeps an input that did harm, with what it did.
    fn keep(&self, name: &str, bytes: &[u8], what: &str) {
        let text = format!("{what}\n");
        std::fs::write(self.keep.join(name), bytes)
            .and_then(|()| std::fs::write(self.keep.join(format!("{name}.txt")), text))
            .expect("there is room for what did harm");
    }
}

/// Changes a row of the table, which is made where there is none.
fn note(table: &Table, name: &str, change: impl FnOnce(&mut Row)) {
    let mut table = table.lock().expect("no thread of this program panics");
    let place = table.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
        table.push((name.to_owned(), Row::default()));
        table.len() - 1
    });
    change(&mut table[place].1);
}

fn print(table: Table) -> ExitCode {
    let table = table.into_inner().expect("no thread of this program panics");
    println!("{:<24} {:>8} {:>8} {:>8}  most memory and time", "", "accepted", "refused", "harmful");
    for (name, row) in &table {
        println!("{name:<24} {:>8} {:>8} {:>8}", row.accepted, row.refused, row.harmful);
        for (what, (kib, input)) in [("refused", &row.refused_peak), ("accepted", &row.accepted_peak)] {
            if *kib > 0 {
                println!("{:>53}{what} {} MiB: {input}", "", kib >> 10);
            }
        }
        println!("{:>53}{} ms: {}", "", row.slowest.0, row.slowest.1);
    }
    let harmful: u64 = table.iter().map(|(_, row)| row.harmful).sum();
    println!("{harmful} did harm");
    ExitCode::from(u8::from(harmful > 0))
}
