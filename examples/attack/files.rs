//! The attack with files.

use crate::{
    Row, Settings, Table,
    mutate::{Kind, mutated},
    note,
    seeds::{hostile, seeds},
    worker::{Answer, Outcome, Worker},
};
use impasto::random::Random;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Memory that any file may take, in KiB; one that is accepted takes as much as what it holds twice over on top.
pub const MOST_MEMORY: u64 = 1 << 20;

/// Reads hostile files, then damaged ones of every kind.
pub fn attack(settings: &Settings, table: &Table) {
    for file in hostile() {
        let start = Instant::now();
        let answer = Worker::new(file.target).read(&file.bytes);
        record(settings, table, &format!("hostile {}", file.target), file.name, &file.bytes, &answer, start);
    }
    let all = seeds();
    let kinds = all.iter().filter(|seeds| seeds.target == "picture").count() as u64;
    for seeds in &all {
        let (count, name) = match seeds.kind {
            Kind::Tensors | Kind::Checkpoint | Kind::Json => (settings.tensors, seeds.target.to_owned()),
            _ => (settings.pictures.div_ceil(kinds), format!("picture {:?}", seeds.kind)),
        };
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..settings.processes {
                scope.spawn(|| {
                    let mut worker = Worker::new(seeds.target);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            break;
                        }
                        let seed = settings.seed + number;
                        let bytes = mutated(seeds.kind, &seeds.files, &mut Random::new(seed));
                        let start = Instant::now();
                        let answer = worker.read(&bytes);
                        record(settings, table, &name, &format!("{:?}-{seed}", seeds.kind), &bytes, &answer, start);
                    }
                });
            }
        });
    }
}

/// Notes what became of a file; keeps it if it did harm, or took more than all before it.
fn record(settings: &Settings, table: &Table, row: &str, name: &str, bytes: &[u8], answer: &Answer, start: Instant) {
    let milliseconds = start.elapsed().as_millis();
    let (accepted, held) = match &answer.outcome {
        Outcome::Accepted(bytes) => (Some(true), *bytes),
        Outcome::Refused => (Some(false), 0),
        Outcome::Failed(_) => (None, 0),
    };
    let harm = match &answer.outcome {
        Outcome::Failed(words) => Some(words.clone()),
        _ if answer.peak > MOST_MEMORY + 2 * (held >> 10) => {
            Some(format!("{} MiB were taken, where {} MiB were read", answer.peak >> 10, held >> 20))
        }
        _ => None,
    };
    if let Some(harm) = &harm {
        settings.keep(&format!("harm-{name}"), bytes, harm);
    }
    note(table, row, |row: &mut Row| {
        row.harmful += u64::from(harm.is_some());
        let peak = match accepted {
            Some(true) => {
                row.accepted += 1;
                &mut row.accepted_peak
            }
            Some(false) => {
                row.refused += 1;
                &mut row.refused_peak
            }
            None => return,
        };
        if answer.peak > peak.0 {
            *peak = (answer.peak, name.to_owned());
            settings.keep(
                &format!("most-{}-{}", kind(name), if accepted == Some(true) { "accepted" } else { "refused" }),
                bytes,
                name,
            );
        }
        row.slowest = std::mem::take(&mut row.slowest).max((milliseconds, name.to_owned()));
    });
}

/// The kind of file in a name.
fn kind(name: &str) -> &str {
    name.split(['-', '.']).next().unwrap_or(name)
}
