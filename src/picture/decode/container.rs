//! The boxes around the AV1 pictures of an AVIF file (ISO/IEC 14496-12, ISO/IEC 23008-12 and AV1 Image File Format).

use image::metadata::Orientation;

use super::code_points::Codes;
use crate::plan::Size;

/// What an AVIF file holds.
pub(super) struct Contents {
    pub size: Size,
    /// AV1 data of the picture.
    pub colour: Vec<u8>,
    /// AV1 data of its transparency.
    pub alpha: Option<Vec<u8>>,
    /// Whether colours are multiplied with it already.
    pub premultiplied: bool,
    pub orientation: Orientation,
    pub profile: Option<Vec<u8>>,
    pub codes: Option<Codes>,
    /// Whether pictures in time follow.
    pub animated: bool,
}

/// Why the boxes are of no use.
pub(super) enum BoxError {
    Damaged(&'static str),
    Unsupported(&'static str),
}

const ENDS: BoxError = BoxError::Damaged("it ends in the middle of the picture");

/// Four letters that name a kind of box, item or reference.
type Kind = [u8; 4];

#[derive(Default)]
struct Item {
    id: u32,
    kind: Kind,
    /// In the box `idat` and not in the file at large.
    inside: bool,
    /// Offset and length; zero reaches to the end.
    extents: Vec<(u64, u64)>,
    /// Numbers of properties, from one.
    properties: Vec<usize>,
}

/// Reads big-endian numbers from a box.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], BoxError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(ENDS)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A number of up to eight bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, BoxError> {
        Ok(self.bytes(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn kind(&mut self) -> Result<Kind, BoxError> {
        Ok(*self.bytes(4)?.first_chunk().expect("four bytes"))
    }

    /// The version and the flags that begin many boxes.
    fn version(&mut self) -> Result<(u64, u64), BoxError> {
        Ok((self.number(1)?, self.number(3)?))
    }

    /// The next box: its kind and what is in it.
    fn next_box(&mut self) -> Result<Option<(Kind, &'a [u8])>, BoxError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (length, kind) = (self.number(4)?, self.kind()?);
        let inner = match length {
            0 => self.0.len() as u64,
            1 => self.number(8)?.checked_sub(16).ok_or(ENDS)?,
            length => length.checked_sub(8).ok_or(ENDS)?,
        };
        let inner = usize::try_from(inner).map_err(|_| ENDS)?;
        // The last box of a file cut short is of use as far as it goes; what is missing is found when it is needed.
        Ok(Some((kind, self.bytes(inner.min(self.0.len()))?)))
    }

    /// The inside of the first box of a kind.
    fn find(mut self, wanted: &Kind) -> Result<Option<&'a [u8]>, BoxError> {
        while let Some((kind, inner)) = self.next_box()? {
            if kind == *wanted {
                return Ok(Some(inner));
            }
        }
        Ok(None)
    }
}

impl Contents {
    pub(super) fn of(file: &[u8]) -> Result<Contents, BoxError> {
        let meta = Fields(file).find(b"meta")?.ok_or(BoxError::Unsupported("it has no still picture"))?;
        let animated = Fields(file).find(b"moov")?.is_some();
        let mut meta = Fields(meta);
        meta.version()?;
        let (mut items, mut references) = (Vec::new(), Vec::new());
        let (mut primary, mut properties, mut idat) = (None, Vec::new(), &[][..]);
        while let Some((kind, inner)) = meta.next_box()? {
            let mut fields = Fields(inner);
            match &kind {
                b"pitm" => {
                    let (version, _) = fields.version()?;
                    primary = Some(fields.number(if version == 0 { 2 } else { 4 })? as u32);
                }
                b"iinf" => item_kinds(fields, &mut items)?,
                b"iloc" => item_places(fields, &mut items)?,
                b"iprp" => {
                    let mut list = Fields(Fields(inner).find(b"ipco")?.ok_or(ENDS)?);
                    while let Some(property) = list.next_box()? {
                        properties.push(property);
                        count(properties.len() as u64)?;
                    }
                    while let Some((kind, inner)) = fields.next_box()? {
                        if kind == *b"ipma" {
                            item_properties(Fields(inner), &mut items)?;
                        }
                    }
                }
                b"iref" => references = item_references(fields)?,
                b"idat" => idat = inner,
                _ => {}
            }
        }

        let find = |id: u32| items.iter().find(|item| item.id == id);
        let of = |item: &Item, wanted: &Kind| {
            let mut own = item.properties.iter().filter_map(|index| properties.get(index.checked_sub(1)?));
            own.find(|(kind, _)| kind == wanted).map(|(_, inner)| Fields(inner))
        };
        let colour = primary.and_then(find).ok_or(BoxError::Damaged("it names no picture"))?;
        match &colour.kind {
            b"av01" => {}
            b"grid" => return Err(BoxError::Unsupported("it is made of tiles")),
            b"hvc1" => return Err(BoxError::Unsupported("it is HEIC and not AVIF")),
            _ => return Err(BoxError::Unsupported("its picture is not AV1")),
        }
        let mut ispe = of(colour, b"ispe").ok_or(BoxError::Damaged("it has no size"))?;
        ispe.version()?;
        let size = Size { width: ispe.number(4)? as u32, height: ispe.number(4)? as u32 };

        let is_alpha = |item: &Item| {
            let name = of(item, b"auxC").and_then(|mut fields| fields.bytes(fields.0.len()).ok()).unwrap_or_default();
            name.get(4..).is_some_and(|name| name.starts_with(b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"))
        };
        let belongs = |kind: &Kind, from, to| references.contains(&(*kind, from, to));
        let mut alphas = items.iter().filter(|item| belongs(b"auxl", item.id, colour.id));
        let alpha = alphas.find(|item| item.kind == *b"av01" && is_alpha(item));

        let turns = of(colour, b"irot").map_or(Ok(0), |mut fields| fields.number(1))? & 3;
        let mirror = of(colour, b"imir").map(|mut fields| fields.number(1)).transpose()?.map(|axis| axis & 1);
        let (mut profile, mut codes) = (None, None);
        for index in &colour.properties {
            let Some((b"colr", inner)) = index.checked_sub(1).and_then(|at| properties.get(at)).map(|p| (&p.0, p.1))
            else {
                continue;
            };
            let mut fields = Fields(inner);
            match &fields.kind()? {
                b"prof" | b"rICC" => profile = Some(fields.0.to_vec()),
                b"nclx" => {
                    let mut code = || Ok(u8::try_from(fields.number(2)?).unwrap_or(2));
                    let (primaries, transfer, matrix) = (code()?, code()?, code()?);
                    let full_range = fields.number(1)? & 0x80 != 0;
                    codes = Some(Codes { primaries, transfer, matrix, full_range });
                }
                _ => {}
            }
        }
        Ok(Contents {
            size,
            colour: data(colour, file, idat)?,
            premultiplied: alpha.is_some_and(|alpha| belongs(b"prem", colour.id, alpha.id)),
            alpha: alpha.map(|alpha| data(alpha, file, idat)).transpose()?,
            orientation: orientation(turns, mirror),
            profile,
            codes,
            animated,
        })
    }
}

/// Quarter turns against the clock, then the mirror: 0 exchanges top and bottom, 1 left and right.
fn orientation(turns: u64, mirror: Option<u64>) -> Orientation {
    use Orientation::*;
    let [plain, upside_down, left_right] = match turns {
        0 => [NoTransforms, FlipVertical, FlipHorizontal],
        1 => [Rotate270, Rotate90FlipH, Rotate270FlipH],
        2 => [Rotate180, FlipHorizontal, FlipVertical],
        _ => [Rotate90, Rotate270FlipH, Rotate90FlipH],
    };
    match mirror {
        None => plain,
        Some(0) => upside_down,
        Some(_) => left_right,
    }
}

/// The item of an id, which is added if it is new.
fn item(items: &mut Vec<Item>, id: u32) -> Result<&mut Item, BoxError> {
    let at = items.iter().position(|item| item.id == id).unwrap_or_else(|| {
        items.push(Item { id, ..Item::default() });
        items.len() - 1
    });
    count(items.len() as u64)?;
    Ok(&mut items[at])
}

/// A still picture has a handful of items, an Exif block and thumbnails among them, and as many properties. Lists of them
/// take more memory than in the file, and are searched from the start.
const MOST_ITEMS: u64 = 1024;

fn count(number: u64) -> Result<u64, BoxError> {
    if number > MOST_ITEMS { Err(BoxError::Unsupported("it has more than 1024 parts")) } else { Ok(number) }
}

fn item_kinds(mut fields: Fields, items: &mut Vec<Item>) -> Result<(), BoxError> {
    let (version, _) = fields.version()?;
    for _ in 0..count(fields.number(if version == 0 { 2 } else { 4 })?)? {
        let Some((_, inner)) = fields.next_box()? else { break };
        let mut entry = Fields(inner);
        let (version, _) = entry.version()?;
        if version < 2 {
            continue;
        }
        let id = entry.number(if version == 2 { 2 } else { 4 })? as u32;
        entry.number(2)?;
        item(items, id)?.kind = entry.kind()?;
    }
    Ok(())
}

fn item_places(mut fields: Fields, items: &mut Vec<Item>) -> Result<(), BoxError> {
    let (version, _) = fields.version()?;
    let widths = fields.number(2)? as usize;
    let [offset, length, base, index] = [widths >> 12, widths >> 8 & 15, widths >> 4 & 15, widths & 15];
    let index = if version == 0 { 0 } else { index };
    if [offset, length, base, index].iter().any(|width| *width > 8) {
        return Err(BoxError::Damaged("its offsets are longer than 8 bytes"));
    }
    let id_width = if version < 2 { 2 } else { 4 };
    for _ in 0..count(fields.number(id_width)?)? {
        let id = fields.number(id_width)? as u32;
        let method = if version == 0 { 0 } else { fields.number(2)? & 15 };
        fields.number(2)?;
        let base = fields.number(base)?;
        let mut extents = Vec::new();
        for _ in 0..count(fields.number(2)?)? {
            fields.number(index)?;
            extents.push((base.saturating_add(fields.number(offset)?), fields.number(length)?));
        }
        let item = item(items, id)?;
        (item.inside, item.extents) = (method == 1, extents);
    }
    Ok(())
}

fn item_properties(mut fields: Fields, items: &mut Vec<Item>) -> Result<(), BoxError> {
    let (version, flags) = fields.version()?;
    for _ in 0..count(fields.number(4)?)? {
        let id = fields.number(if version == 0 { 2 } else { 4 })? as u32;
        for _ in 0..fields.number(1)? {
            let index = if flags & 1 == 1 { fields.number(2)? & 0x7FFF } else { fields.number(1)? & 0x7F };
            let item = item(items, id)?;
            item.properties.push(index as usize);
            count(item.properties.len() as u64)?;
        }
    }
    Ok(())
}

/// Kind, from and to.
fn item_references(mut fields: Fields) -> Result<Vec<(Kind, u32, u32)>, BoxError> {
    let (version, _) = fields.version()?;
    let width = if version == 0 { 2 } else { 4 };
    let mut references = Vec::new();
    while let Some((kind, inner)) = fields.next_box()? {
        let mut entry = Fields(inner);
        let from = entry.number(width)? as u32;
        for _ in 0..count(entry.number(2)?)? {
            references.push((kind, from, entry.number(width)? as u32));
        }
        count(references.len() as u64)?;
    }
    Ok(references)
}

/// The bytes of an item, no more than the file has.
fn data(item: &Item, file: &[u8], idat: &[u8]) -> Result<Vec<u8>, BoxError> {
    let place = if item.inside { idat } else { file };
    let mut data = Vec::new();
    for (offset, length) in &item.extents {
        let rest = usize::try_from(*offset).ok().and_then(|offset| place.get(offset..)).ok_or(ENDS)?;
        let length = if *length == 0 { rest.len() } else { usize::try_from(*length).map_err(|_| ENDS)? };
        data.extend_from_slice(rest.get(..length).ok_or(ENDS)?);
        if data.len() > file.len() {
            return Err(BoxError::Damaged("its parts overlap"));
        }
    }
    if data.is_empty() { Err(ENDS) } else { Ok(data) }
}
