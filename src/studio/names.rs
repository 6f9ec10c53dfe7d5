//! What pictures and works are called, on the disk and in addresses: only names that this module makes or has checked,
//! so that none leads out of the studio's directory.

use crate::hexadecimal::hexadecimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The digits of a picture's name: 128 bits.
const DIGITS: usize = 32;

/// The most characters of what a user calls a file that are kept.
const LONGEST_NAME: usize = 120;

/// A picture, named after the contents of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureId(String);

/// The number of a work, from 1.
pub type WorkId = u64;

/// A word that no picture is called.
#[derive(Debug, thiserror::Error)]
#[error("there is no picture of that name: see /api/state for those that there are")]
pub struct NoPictureId;

impl PictureId {
    /// For the file with this digest, of at least 16 bytes.
    pub fn of_digest(digest: &[u8]) -> PictureId {
        let mut digits = hexadecimal(digest);
        digits.truncate(DIGITS);
        PictureId(digits)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PictureId {
    type Error = NoPictureId;

    fn try_from(text: String) -> Result<PictureId, NoPictureId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == DIGITS && text.bytes().all(is_digit) { Ok(PictureId(text)) } else { Err(NoPictureId) }
    }
}

impl From<PictureId> for String {
    fn from(id: PictureId) -> String {
        id.0
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a user calls a file, without directories and control characters; `otherwise` where nothing is left.
pub fn shown_name(text: &str, otherwise: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let kept = kept.trim_start_matches('-').trim();
    if kept.is_empty() || kept == "." || kept == ".." { otherwise.to_owned() } else { kept.to_owned() }
}

/// The part of a file's name before its extension.
pub fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn no_name_leads_anywhere() {
        let id = PictureId::of_digest(&[0xab; 32]);
        assert_eq!(PictureId::try_from(id.to_string()).unwrap(), id);
        let upper = "AB".repeat(16);
        for word in ["", "..", "../../etc/passwd", "ab", &upper, "%2e%2e", &"é".repeat(16)] {
            assert!(PictureId::try_from(word.to_owned()).is_err(), "{word}");
        }
        assert_eq!(shown_name("C:\\pictures\\..\\a b.png", "x"), "a b.png");
        assert_eq!(shown_name("../..", "x"), "x");
        assert_eq!(shown_name("\u{1b}[2J\n", "x"), "[2J");
        assert_eq!(shown_name("--output=/etc/passwd", "x"), "passwd");
        assert_eq!(shown_name("-s", "x"), "s");
        assert_eq!(shown_name("", "x"), "x");
        assert_eq!((stem("a.b.png"), stem(".png"), stem("a")), ("a.b", ".png", "a"));
    }
}
