//! Damaged and hostile files: a short run, the same every time, of what `fuzz/` and `examples/attack` do for hours.

pub mod mutate;
pub mod seeds;
pub mod targets;

use crate::pictures::avif_files;
use impasto::random::Random;
use mutate::{Kind, mutated};
use seeds::{Seeds, hostile, seeds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use targets::{TARGETS, Target};

/// Damaged files of each kind.
const CASES: u64 = 400;

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(other, _)| *other == name).unwrap().1
}

/// Damages the seeds of one kind; some must be accepted and some refused, else the damage is of no use.
fn survive(kind: Kind) {
    let Seeds { target: name, files, .. } = seeds().into_iter().find(|seeds| seeds.kind == kind).unwrap();
    let target = target(name);
    for (number, file) in files.iter().enumerate() {
        assert!(target(file).is_some(), "seed {number} was refused");
    }
    let mut accepted = 0;
    for seed in 0..CASES {
        let bytes = mutated(kind, &files, &mut Random::new(seed));
        match catch_unwind(AssertUnwindSafe(|| target(&bytes))) {
            Ok(result) => accepted += u64::from(result.is_some()),
            Err(_) => panic!("{kind:?}, seed {seed}: see above"),
        }
    }
    assert!((CASES / 50..CASES).contains(&accepted), "{accepted} of {CASES} were accepted");
}

#[test]
fn damaged_pictures_are_refused_or_are_pictures() {
    [Kind::Png, Kind::Jpeg, Kind::Riff, Kind::Tiff, Kind::Bmp, Kind::Gif, Kind::Avif, Kind::Pnm]
        .into_iter()
        .for_each(survive);
}

#[test]
fn damaged_weights_are_refused_or_are_filters() {
    survive(Kind::Tensors);
}

#[test]
fn damaged_checkpoints_are_refused_or_go_on() {
    survive(Kind::Checkpoint);
}

#[test]
fn damaged_json_is_refused_wherever_it_is_read() {
    survive(Kind::Json);
}

#[test]
fn files_known_to_do_harm_do_none() {
    for file in hostile().iter().filter(|file| !file.large) {
        let result = catch_unwind(AssertUnwindSafe(|| target(file.target)(&file.bytes)));
        assert!(result.is_ok(), "{}: see above", file.name);
    }
}

#[test]
fn mutations_pass_the_checksums() {
    // A checksum that was not put right would keep everything behind it from being reached.
    for (kind, name) in [(Kind::Png, "picture"), (Kind::Checkpoint, "checkpoint")] {
        let seeds = seeds().into_iter().find(|seeds| seeds.kind == kind).unwrap();
        let broken = match kind {
            Kind::Png => seeds::chunk(b"IEND", b""),
            _ => b"0".repeat(64),
        };
        let mut bytes = seeds.files[1].clone();
        let place = match kind {
            Kind::Png => bytes.len() - broken.len() + 8,
            _ => bytes.windows(10).position(|window| window == br#""sha256":""#).unwrap() + 10,
        };
        bytes[place] ^= 1;
        assert!(target(name)(&mutate::repaired(kind, bytes)).is_some(), "{name}");
    }
}
