//! EXIF data that is passed on: what a camera says of itself, of the moment and of the place.

/// The longest that is passed on: a segment of a JPEG holds no more.
const LONGEST: usize = 65_000;

/// Tags of TIFF, on which EXIF is built.
const ORIENTATION: u16 = 0x0112;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LENGTH: u16 = 0x0202;

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

    fn put_short(&mut self, at: usize, value: u16) -> Option<()> {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.get_mut(at..at.checked_add(2)?)?.copy_from_slice(&bytes);
        Some(())
    }

    fn put_long(&mut self, at: usize, value: u32) -> Option<()> {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
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
    fn broken_data_is_left_out_and_never_read_beyond_its_end() {
        for big in [false, true] {
            let whole = exif(big);
            assert!((0..whole.len()).all(|length| cleaned(&whole[..length]).is_none()));
            for at in 0..whole.len() {
                for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                    let mut damaged = whole.clone();
                    damaged[at] = byte;
                    let _ = cleaned(&damaged);
                }
            }
        }
        assert_eq!(cleaned(b"not EXIF data at all"), None);
        assert_eq!(cleaned(&[exif(true), vec![0; LONGEST]].concat()), None);
    }
}
