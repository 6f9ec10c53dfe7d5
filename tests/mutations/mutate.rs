//! Damage of every kind, from a seed: what bad copies do to a file, and what somebody would who knows its format.
//!
//! A format's checksums are put right afterwards, because nothing behind them would see the damage otherwise.

use impasto::{hexadecimal::hexadecimal, random::Random};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, ops::Range};

/// What a file is, as far as damaging it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Png,
    Jpeg,
    /// WebP.
    Riff,
    Tiff,
    Bmp,
    Gif,
    Avif,
    Pnm,
    /// Weights.
    Tensors,
    Checkpoint,
    Json,
}

/// Numbers at the edges of what fields hold.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    7,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x4000,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x2000_0000_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// What may stand where JSON has a value, and what may not.
const TOKENS: [&str; 30] = [
    "0",
    "1",
    "-1",
    "-0.0",
    "0.5",
    "1e38",
    "1e39",
    "-1e39",
    "1e308",
    "1e999",
    "3",
    "64",
    "1728",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "NaN",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "\"F64\"",
    "\"relu5_4\"",
    "\"\\u001b[31m\\u202e\\n\"",
    "\"Lbfgs\"",
    "\"F16\"",
    ",",
];

/// One of `seeds`, damaged in one place or in several.
pub fn mutated(kind: Kind, seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        match random.below(8) {
            0 => anywhere(&mut bytes, random),
            1 => rearrange(kind, &mut bytes, seeds, random),
            _ => within_a_part(kind, &mut bytes, random),
        }
    }
    // Now and then the checksum itself is what is wrong.
    if random.below(16) > 0 { repaired(kind, bytes) } else { bytes }
}

/// Checksums and lengths that cover the whole put right, as far as the bytes can be understood.
pub fn repaired(kind: Kind, mut bytes: Vec<u8>) -> Vec<u8> {
    match kind {
        Kind::Png => {
            for part in parts(kind, &bytes).iter().filter(|part| part.len() >= 12) {
                let sum = crc32(&bytes[part.start + 4..part.end - 4]);
                bytes[part.end - 4..part.end].copy_from_slice(&sum.to_be_bytes());
            }
            bytes
        }
        Kind::Checkpoint => with_digest(&bytes).unwrap_or(bytes),
        _ => bytes,
    }
}

/// The checksum of PNG.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn at(bytes: &[u8], start: usize, length: usize, big_endian: bool) -> Option<usize> {
    let field = bytes.get(start..start.checked_add(length)?)?;
    let fold = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
    let value = if big_endian { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) };
    usize::try_from(value).ok()
}

/// The chunks, segments or entries that a file is made of, the first few bytes of which say what they are. Empty where
/// nothing is recognised.
fn parts(kind: Kind, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut add = |start: usize, length: Option<usize>| {
        let end = start.checked_add(length?).filter(|&end| end <= bytes.len() && end > start)?;
        parts.push(start..end);
        Some(end)
    };
    match kind {
        Kind::Png => {
            let mut next = Some(8);
            while let Some(start) = next {
                next = add(start, at(bytes, start, 4, true).and_then(|length| length.checked_add(12)));
            }
        }
        Kind::Jpeg => {
            let mut next = Some(2);
            while let Some(start) = next {
                next = add(start, at(bytes, start + 2, 2, true).map(|length| length + 2));
            }
        }
        Kind::Riff => {
            let mut next = Some(12usize);
            while let Some(start) = next {
                let length = at(bytes, start.saturating_add(4), 4, false);
                next = add(start, length.and_then(|length| length.next_multiple_of(2).checked_add(8)));
            }
            add(0, Some(12));
        }
        Kind::Tiff => {
            let big_endian = bytes.first() == Some(&b'M');
            if let Some(start) = at(bytes, 4, 4, big_endian) {
                for entry in 0..at(bytes, start, 2, big_endian).unwrap_or(0).min(64) {
                    add(start + 2 + 12 * entry, Some(12));
                }
            }
            add(0, Some(8));
        }
        Kind::Bmp => {
            for field in [0..2, 2..6, 10..14, 14..18, 18..22, 22..26, 26..28, 28..30, 30..34, 34..38, 46..50] {
                add(field.start, Some(field.len()));
            }
        }
        Kind::Gif => {
            let table = |flags: usize| if flags & 0x80 > 0 { 3 << ((flags & 7) + 1) } else { 0 };
            let mut next = add(0, at(bytes, 10, 1, true).map(|flags| 13 + table(flags)));
            while let Some(start) = next {
                // What a block begins with; sub-blocks follow, up to an empty one.
                let head = match bytes.get(start) {
                    Some(0x21) => 2,
                    Some(0x2C) => 11 + at(bytes, start + 9, 1, true).map_or(0, table),
                    _ => break,
                };
                let mut end = start + head;
                while let Some(length) = at(bytes, end, 1, true).filter(|&length| length > 0) {
                    end += 1 + length;
                }
                next = add(start, Some(end + 1 - start));
            }
        }
        Kind::Avif => {
            let mut starts = vec![0usize];
            while let Some(start) = starts.pop() {
                let Some(length) = at(bytes, start, 4, true).filter(|&length| length >= 8) else { continue };
                starts.extend(add(start, Some(length)));
                // Boxes that hold boxes, behind so many bytes.
                let inner = match bytes.get(start + 4..start + 8) {
                    Some(b"meta") => 12,
                    Some(b"iprp" | b"ipco") => 8,
                    Some(b"iinf") => 14,
                    _ => continue,
                };
                starts.push(start + inner);
            }
        }
        Kind::Pnm => {
            add(0, Some(bytes.len().min(16)));
        }
        Kind::Tensors | Kind::Checkpoint => {
            add(8, at(bytes, 0, 8, false));
        }
        Kind::Json => {}
    }
    parts
}

/// A bad copy: bits, bytes, pieces.
fn anywhere(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.below(256) as u8);
        return;
    }
    let start = random.below(bytes.len());
    let end = (start + 1 + random.below(64)).min(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(start),
        1 => drop(bytes.drain(start..end)),
        2 => {
            let piece = bytes[start..end].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, piece);
        }
        3 => bytes[start..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
        4 => {
            let zeros = vec![random.below(2) as u8 * 255; 1 << random.below(13)];
            bytes.splice(start..start, zeros);
        }
        _ => field(&mut bytes[start..end], random),
    }
}

/// Another value for a field at the start of `bytes`.
fn field(bytes: &mut [u8], random: &mut Random) {
    let length = [1, 1, 2, 4, 4, 8][random.below(6)].min(bytes.len());
    if random.below(4) == 0 || length == 0 {
        if let Some(first) = bytes.first_mut() {
            *first ^= 1 << random.below(8);
        }
        return;
    }
    let old = bytes[..length].iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    let value = match random.below(3) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        _ => NUMBERS[random.below(NUMBERS.len())],
    };
    let value = if random.below(2) == 0 {
        value.to_be_bytes()[8 - length..].to_vec()
    } else {
        value.to_le_bytes()[..length].to_vec()
    };
    bytes[..length].copy_from_slice(&value);
}

/// Parts left out, doubled, exchanged, or taken from another file.
fn rearrange(kind: Kind, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let parts = parts(kind, bytes);
    if parts.is_empty() {
        return anywhere(bytes, random);
    }
    let [one, other] = [0; 2].map(|_| parts[random.below(parts.len())].clone());
    let foreign = &seeds[random.below(seeds.len())];
    match random.below(4) {
        0 => drop(bytes.drain(one)),
        1 => {
            let part = bytes[one].to_vec();
            bytes.splice(other.start..other.start, part);
        }
        2 => {
            let part = bytes[one].to_vec();
            bytes.splice(other, part);
        }
        _ => {
            let theirs = self::parts(kind, foreign);
            if !theirs.is_empty() {
                let part = foreign[theirs[random.below(theirs.len())].clone()].to_vec();
                bytes.splice(one, part);
            }
        }
    }
}

/// A field of a part, near its beginning more often than not; in JSON, a token.
fn within_a_part(kind: Kind, bytes: &mut Vec<u8>, random: &mut Random) {
    match kind {
        Kind::Json => *bytes = other_token(bytes, random),
        Kind::Tensors | Kind::Checkpoint => within_tensors(kind, bytes, random),
        _ => {
            let parts = parts(kind, bytes);
            if parts.is_empty() {
                return anywhere(bytes, random);
            }
            let part = parts[random.below(parts.len())].clone();
            let reach = if random.below(3) > 0 { part.len().min(24) } else { part.len() };
            let start = part.start + random.below(reach);
            field(&mut bytes[start..part.end], random);
        }
    }
}

/// The header's JSON, that of the painting within it, or a number among the data.
fn within_tensors(kind: Kind, bytes: &mut Vec<u8>, random: &mut Random) {
    let Some(json) = parts(kind, bytes).first().cloned() else { return anywhere(bytes, random) };
    match random.below(4) {
        0 if json.end < bytes.len() => {
            let start = json.end + random.below(bytes.len() - json.end);
            let start = start - (start - json.end) % 4;
            let values =
                [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -f32::MAX, -1.0, 0.0, f32::MIN_POSITIVE];
            let value = values[random.below(values.len())].to_le_bytes();
            let end = (start + 4).min(bytes.len());
            bytes[start..end].copy_from_slice(&value[..end - start]);
        }
        1 => {
            let text = other_token(&bytes[json.clone()], random);
            set_header(bytes, json, &text);
        }
        _ if kind == Kind::Checkpoint => {
            let Ok(mut header) = serde_json::from_slice::<serde_json::Value>(&bytes[json.clone()]) else { return };
            let Some(painting) = header.pointer_mut("/__metadata__/painting") else { return };
            let text = other_token(painting.as_str().unwrap_or_default().as_bytes(), random);
            *painting = String::from_utf8_lossy(&text).into();
            set_header(bytes, json, header.to_string().as_bytes());
        }
        _ => {
            let start = random.below(json.end);
            field(&mut bytes[start..json.end], random);
        }
    }
}

/// Another header, with its length.
fn set_header(bytes: &mut Vec<u8>, old: Range<usize>, json: &[u8]) {
    bytes.splice(old, json.iter().copied());
    bytes[..8].copy_from_slice(&(json.len() as u64).to_le_bytes());
}

/// JSON with another token somewhere.
fn other_token(json: &[u8], random: &mut Random) -> Vec<u8> {
    let is_mark = |byte: &u8| b"{}[],:".contains(byte);
    let mut ends: Vec<usize> = (0..json.len()).filter(|&place| is_mark(&json[place])).collect();
    ends.push(json.len());
    let number = random.below(ends.len());
    let start = if number == 0 { 0 } else { ends[number - 1] + 1 };
    let token = match random.below(12) {
        0 => "[".repeat(1 << random.below(11)).into_bytes(),
        1 => format!("\"{}\"", "long".repeat(1 << random.below(10))).into_bytes(),
        2 => Vec::new(),
        3 => json[start..ends[random.below(ends.len())].max(start)].to_vec(),
        _ => TOKENS[random.below(TOKENS.len())].into(),
    };
    [&json[..start], &token, &json[ends[number].max(start)..]].concat()
}

/// A checkpoint with the digest that belongs to its contents; none if they make no sense.
fn with_digest(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = 8usize.checked_add(at(bytes, 0, 8, false)?)?;
    let mut header: serde_json::Value = serde_json::from_slice(bytes.get(8..end)?).ok()?;
    let data = &bytes[end..];
    let mut hash = Sha256::new();
    for key in ["painting", "notes"] {
        let text = header["__metadata__"][key].as_str()?;
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let tensors: BTreeMap<_, _> = header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__").collect();
    for (name, tensor) in tensors {
        let place = |index: usize| usize::try_from(tensor["data_offsets"][index].as_u64()?).ok();
        let array = data.get(place(0)?..place(1)?)?;
        hash.update(name);
        hash.update((array.len() as u64).to_le_bytes());
        hash.update(array);
    }
    *header.pointer_mut("/__metadata__/sha256")? = hexadecimal(&hash.finalize()).into();
    let json = header.to_string();
    Some([&(json.len() as u64).to_le_bytes(), json.as_bytes(), data].concat())
}
