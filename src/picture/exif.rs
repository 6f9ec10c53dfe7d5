//! EXIF data that is passed on: what a camera says of itself, of the moment and of the place.

use std::num::NonZeroU16;

/// The longest that is passed on: a segment of a JPEG holds no more.
const LONGEST: usize = 65_000;

/// Tags of TIFF, on which EXIF is built.
const ORIENTATION: u16 = 0x0112;
const WIDE_RESOLUTION: u16 = 0x011A;
const HIGH_RESOLUTION: u16 = 0x011B;
const RESOLUTION_UNIT: u16 = 0x0128;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LENGTH: u16 = 0x0202;

/// Types of values.
const SHORT: u16 = 3;
const RATIONAL: u16 = 5;

/// The unit of resolutions that is an inch; another is a centimetre.
const INCH: u16 = 2;

/// EXIF data for a picture that has been turned upright and is not the one that its thumbnail shows; none if it is broken
/// or too long.
///
/// Both are changed in place, because offsets that only a camera's maker knows would no longer fit if anything moved.
pub(super) fn cleaned(exif: &[u8]) -> Option<Vec<u8>> {
    let mut exif = Exif { big: exif.starts_with(b"MM\0*"), bytes: exif.to_vec() };
    if exif.bytes.len() > LONGEST || !(exif.big || exif.bytes.starts_with(b"II*\0")) {
        return None;
    }
    let first = exif.long(4)?;
    let after = first + 2 + 12 * exif.short(first)?;
    let second = exif.long(after)?;
    if second > 0 {
        exif.put_long(after, 0)?;
        let count = exif.short(second)?;
        let field = |tag| exif.long(exif.entry(second, tag)? + 8);
        let thumbnail = field(THUMBNAIL_OFFSET).zip(field(THUMBNAIL_LENGTH));
        exif.erase(second, 2 + 12 * count + 4)?;
        if let Some((offset, length)) = thumbnail {
            exif.erase(offset, length)?;
        }
    }
    if let Some(entry) = exif.entry(first, ORIENTATION) {
        // A number of 16 bits, and only one.
        exif.put_short(entry + 2, 3)?;
        exif.put_long(entry + 4, 1)?;
        exif.put_long(entry + 8, 0)?;
        exif.put_short(entry + 8, 1)?;
    }
    Some(exif.bytes)
}

/// EXIF data that says nothing: a header, and a directory without entries.
pub(super) const EMPTY: &[u8] = b"II*\0\x08\0\0\0\0\0\0\0\0\0";

/// [`cleaned`] EXIF data with another density, in pixels per inch; as it was if it is broken, or would be too long.
pub(super) fn with_density(exif: &[u8], density: NonZeroU16) -> Vec<u8> {
    try_density(exif, density).filter(|exif| exif.len() <= LONGEST).unwrap_or_else(|| exif.to_vec())
}

/// The first directory is written anew behind everything else, because nothing may move, and there may be no entry whose
/// value could be replaced.
fn try_density(exif: &[u8], density: NonZeroU16) -> Option<Vec<u8>> {
    /// Bytes of an entry.
    const ENTRY: usize = 12;
    let mut exif = Exif { big: exif.starts_with(b"MM\0*"), bytes: exif.to_vec() };
    let first = exif.long(4)?;
    let count = exif.short(first)?;
    let replaced = [WIDE_RESOLUTION, HIGH_RESOLUTION, RESOLUTION_UNIT];
    // In the order of their tags, as they must be.
    let mut entries = std::collections::BTreeMap::new();
    for entry in (0..count).map(|index| first + 2 + ENTRY * index) {
        let tag = u16::try_from(exif.short(entry)?).ok()?;
        entries.insert(tag, exif.field::<ENTRY>(entry)?);
    }
    exif.bytes.resize(exif.bytes.len().next_multiple_of(2), 0);
    let directory = exif.bytes.len();
    let (short, long) = (|value| exif.short_bytes(value), |value| exif.long_bytes(value));
    let added = replaced.iter().filter(|tag| !entries.contains_key(tag)).count();
    let after = directory + 2 + ENTRY * (entries.len() + added) + 4;
    let value = long(u32::try_from(after).ok()?);
    let entry = |tag: u16, kind: u16, value: [u8; 4]| {
        let bytes = [&short(tag)[..], &short(kind), &long(1), &value].concat();
        bytes.try_into().expect("two and two and four and four bytes")
    };
    let [high, low] = short(INCH);
    entries.insert(WIDE_RESOLUTION, entry(WIDE_RESOLUTION, RATIONAL, value));
    entries.insert(HIGH_RESOLUTION, entry(HIGH_RESOLUTION, RATIONAL, value));
    entries.insert(RESOLUTION_UNIT, entry(RESOLUTION_UNIT, SHORT, [high, low, 0, 0]));
    let written = [
        short(u16::try_from(entries.len()).ok()?).to_vec(),
        entries.into_values().flatten().collect(),
        long(0).to_vec(),
        long(density.get().into()).to_vec(),
        long(1).to_vec(),
    ]
    .concat();
    exif.bytes.extend(written);
    exif.put_long(4, u32::try_from(directory).ok()?)?;
    Some(exif.bytes)
}

/// The density that EXIF data gives, in pixels per inch.
pub(super) fn density(exif: &[u8]) -> Option<f64> {
    let exif = Exif { big: exif.starts_with(b"MM\0*"), bytes: exif.to_vec() };
    let first = exif.long(4)?;
    let place = exif.long(exif.entry(first, WIDE_RESOLUTION)? + 8)?;
    let unit = exif.entry(first, RESOLUTION_UNIT).and_then(|entry| exif.short(entry + 8)).unwrap_or(INCH.into());
    let per_unit = exif.long(place)? as f64 / exif.long(place.checked_add(4)?)? as f64;
    Some(if unit == usize::from(INCH) { per_unit } else { per_unit * 2.54 })
}

struct Exif {
    big: bool,
    bytes: Vec<u8>,
}

impl Exif {
    fn field<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn short(&self, at: usize) -> Option<usize> {
        let bytes = self.field(at)?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }.into())
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = self.field(at)?;
        usize::try_from(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }).ok()
    }

    fn short_bytes(&self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn long_bytes(&self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn put_short(&mut self, at: usize, value: u16) -> Option<()> {
        let bytes = self.short_bytes(value);
        self.bytes.get_mut(at..at.checked_add(2)?)?.copy_from_slice(&bytes);
        Some(())
    }

    fn put_long(&mut self, at: usize, value: u32) -> Option<()> {
        let bytes = self.long_bytes(value);
        self.bytes.get_mut(at..at.checked_add(4)?)?.copy_from_slice(&bytes);
        Some(())
    }

    fn erase(&mut self, at: usize, length: usize) -> Option<()> {
        self.bytes.get_mut(at..at.checked_add(length)?)?.fill(0);
        Some(())
    }

    /// Where the entry of a tag is in a directory.
    fn entry(&self, directory: usize, tag: u16) -> Option<usize> {
        let entries = (0..self.short(directory)?).map(|index| directory + 2 + 12 * index);
        entries.take_while(|entry| entry + 12 <= self.bytes.len()).find(|entry| self.short(*entry) == Some(tag.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::metadata::Orientation;

    /// A maker, an orientation, and a thumbnail of eight bytes.
    fn exif(big: bool) -> Vec<u8> {
        let short = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [&short(tag)[..], &short(kind), &long(count), &value].concat()
        };
        let turned = [&short(6)[..], &[0, 0]].concat();
        [
            if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() },
            long(8).to_vec(),
            short(2).to_vec(),
            entry(0x010F, 2, 4, *b"Joe\0"),
            entry(ORIENTATION, 3, 1, turned.try_into().expect("four bytes")),
            long(38).to_vec(),
            short(2).to_vec(),
            entry(THUMBNAIL_OFFSET, 4, 1, long(68)),
            entry(THUMBNAIL_LENGTH, 4, 1, long(8)),
            long(0).to_vec(),
            b"PICTURES".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn the_orientation_is_upright_and_the_thumbnail_gone() {
        for big in [false, true] {
            let before = exif(big);
            assert_eq!(Orientation::from_exif_chunk(&before), Some(Orientation::Rotate90));
            let after = cleaned(&before).expect("EXIF data that is whole");
            assert_eq!(Orientation::from_exif_chunk(&after), Some(Orientation::NoTransforms));
            assert_eq!(after.len(), before.len());
            assert_eq!(after[..22], before[..22]);
            assert!(after[34..].iter().all(|byte| *byte == 0), "{after:?}");
            assert_eq!(cleaned(&after), Some(after));
        }
    }

    #[test]
    fn a_density_is_put_in_or_replaced_and_all_else_stays() {
        let dense = |value| NonZeroU16::new(value).expect("a density");
        for big in [false, true] {
            let before = cleaned(&exif(big)).expect("EXIF data that is whole");
            assert_eq!(density(&before), None);
            let first = with_density(&before, dense(72));
            let second = with_density(&first, dense(300));
            assert_eq!((density(&first), density(&second)), (Some(72.0), Some(300.0)));
            assert_eq!(first[8..before.len()], before[8..]);
            assert_eq!(Orientation::from_exif_chunk(&second), Some(Orientation::NoTransforms));
            let exif = Exif { big, bytes: second.clone() };
            let directory = exif.long(4).expect("an offset");
            let entry = exif.entry(directory, 0x010F).expect("the maker");
            assert_eq!(second[entry + 8..entry + 12], *b"Joe\0");
        }
        assert_eq!(density(&with_density(EMPTY, dense(65535))), Some(65535.0));
        let long = [exif(true), vec![0; LONGEST - 80]].concat();
        assert_eq!(with_density(&long, dense(300)), long, "there is no room");
    }

    #[test]
    fn broken_data_is_left_out_and_never_read_beyond_its_end() {
        for big in [false, true] {
            let whole = exif(big);
            assert!((0..whole.len()).all(|length| cleaned(&whole[..length]).is_none()));
            for at in 0..whole.len() {
                for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                    let mut damaged = whole.clone();
                    damaged[at] = byte;
                    let _ = (cleaned(&damaged), density(&damaged), try_density(&damaged, NonZeroU16::MAX));
                }
            }
        }
        assert_eq!(cleaned(b"not EXIF data at all"), None);
        assert_eq!(cleaned(&[exif(true), vec![0; LONGEST]].concat()), None);
    }
}
