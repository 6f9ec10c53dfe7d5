//! How much memory painting may take.

use super::machine_options::cache;
use clap::Args;
use impasto::Engine;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Units, the largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// See the module.
#[derive(Args)]
pub(crate) struct MemoryOptions {
    /// Memory that painting may take of each device, like 6GiB or 500MiB: a picture that takes more is painted in overlapping
    /// windows, with the same result but for rounding, and what is needed once an iteration is kept on the disk; auto for
    /// what the device has, or the system has free
    #[arg(long, value_name = "auto|SIZE", default_value = "auto")]
    pub memory: MemoryLimit,
}

impl MemoryOptions {
    /// Lets an engine know. So many share the host's memory, if they work there.
    pub fn limit(&self, engine: Engine, on_host: u64) -> Engine {
        let share = if engine.is_on_host() { on_host.max(1) } else { 1 };
        let bytes = match self.memory {
            MemoryLimit::Auto => engine.memory().map(|bytes| bytes / share),
            MemoryLimit::Bytes(bytes) => Some(bytes),
        };
        let engine = engine.with_memory(bytes);
        match cache() {
            Some(directory) => engine.with_scratch_directory(directory),
            None => engine,
        }
    }
}

/// An amount of memory, as it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum MemoryLimit {
    Auto,
    Bytes(u64),
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<MemoryLimit, String> {
        let wrong = || format!("\"{text}\" is no amount of memory: write a number with GiB or MiB, like 6GiB, or auto");
        if text.trim() == "auto" {
            return Ok(MemoryLimit::Auto);
        }
        let unit = |(name, bytes): (&str, u64)| {
            let number = text.trim().len().checked_sub(name.len()).and_then(|end| text.trim().split_at_checked(end));
            number.filter(|(_, unit)| unit.eq_ignore_ascii_case(name)).map(|(number, _)| (number.to_owned(), bytes))
        };
        let (number, bytes) = UNITS.into_iter().find_map(unit).ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        if !number.is_finite() || number <= 0.0 {
            return Err(wrong());
        }
        Ok(MemoryLimit::Bytes((number * bytes as f64) as u64))
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryLimit::Auto => f.write_str("auto"),
            MemoryLimit::Bytes(bytes) => {
                let (name, unit) = UNITS.into_iter().find(|(_, unit)| bytes % unit == 0).unwrap_or(UNITS[2]);
                write!(f, "{}{name}", *bytes as f64 / unit as f64)
            }
        }
    }
}

impl TryFrom<String> for MemoryLimit {
    type Error = String;

    fn try_from(text: String) -> Result<MemoryLimit, String> {
        text.parse()
    }
}

impl From<MemoryLimit> for String {
    fn from(limit: MemoryLimit) -> String {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn amounts_are_read_with_their_unit_and_what_is_none_is_refused_with_an_example() {
        let bytes = |text: &str| text.parse::<MemoryLimit>().unwrap();
        assert_eq!(bytes("6GiB"), MemoryLimit::Bytes(6 << 30));
        assert_eq!(bytes(" 1.5 gib "), MemoryLimit::Bytes(3 << 29));
        assert_eq!(bytes("500MiB"), MemoryLimit::Bytes(500 << 20));
        assert_eq!(bytes("auto"), MemoryLimit::Auto);
        for text in ["6GiB", "500MiB", "1536MiB", "7KiB", "auto"] {
            assert_eq!(bytes(text).to_string(), text);
        }
        for text in ["", "6", "6G", "GiB", "-1GiB", "0MiB", "infGiB", "nanMiB", "lots", "é"] {
            let error = text.parse::<MemoryLimit>().unwrap_err();
            assert!(error.contains("like 6GiB") && error.contains(text), "{error}");
        }
    }
}
