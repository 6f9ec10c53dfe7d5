//! From a file to a checkpoint.
//!
//! The file may be damaged, or made to do harm: its digest keeps nobody from writing another. So the header is read
//! first, and is believed only as far as the numbers in it can be those of a painting and agree with the file's length;
//! then the arrays are looked at. Those of the optimiser stay where they are until a session takes them, because they are as
//! large as what it keeps.

use super::{
    Array, Checkpoint, CheckpointError, DIGEST_KEY, INIT, InitKind, LONGEST_HEADER, NOTES_KEY, PAINTED, PAINTING_KEY,
    Saved, SavedMoment, VERSION, VERSION_KEY, digest, dtype,
};
use crate::{
    Contents,
    file_part::FilePart,
    picture::Picture,
    plan::Size,
    printable::shortened,
    style::{moment::Moment, optimizer::kept, recipe::Init},
};
use safetensors::tensor::Metadata;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

/// Bytes of the number that gives the header's length.
const LENGTH_BYTES: u64 = 8;

/// Characters of a version in a message, at most.
const QUOTED: usize = 20;

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no checkpoint, of another version, or damaged.
    pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let unreadable = |source| CheckpointError::Read { path: path.to_owned(), source };
        // Looked at before it is opened: that alone would wait for whoever writes into a pipe.
        let attributes = std::fs::metadata(path).map_err(unreadable)?;
        if !attributes.is_file() {
            let found = if attributes.is_dir() { "a directory" } else { "a device or a pipe" };
            return Err(CheckpointError::NotAFile { path: path.to_owned(), found });
        }
        let file = File::open(path).map_err(unreadable)?;
        let source = Source::File(FilePart::whole(file, path, attributes.len()));
        source.checkpoint().map_err(|fault| fault.of(path))
    }

    /// Reads the bytes of a file, which errors call `name`.
    ///
    /// # Errors
    /// If they are no checkpoint, or one of another version, or damaged.
    pub fn from_bytes(name: &Path, file: &[u8]) -> Result<Checkpoint, CheckpointError> {
        Source::Bytes(file).checkpoint().map_err(|fault| fault.of(name))
    }
}

/// Why bytes are not a checkpoint.
enum Fault {
    Unreadable(io::Error),
    Foreign,
    Version(String),
    Damaged(String),
    /// So many bytes are more than there is memory for.
    Memory(u64),
}

impl Fault {
    /// The error of a file.
    fn of(self, path: &Path) -> CheckpointError {
        let path = path.to_owned();
        match self {
            Fault::Unreadable(source) => CheckpointError::Read { path, source },
            Fault::Foreign => CheckpointError::Foreign { path },
            Fault::Version(found) => CheckpointError::Version { path, found },
            Fault::Damaged(fault) => CheckpointError::Damaged { path, fault },
            Fault::Memory(bytes) => CheckpointError::Memory { path, mebibytes: bytes >> 20 },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => damaged("it ends early"),
            _ => Fault::Unreadable(error),
        }
    }
}

fn damaged(fault: &str) -> Fault {
    Fault::Damaged(fault.to_owned())
}

/// What is wrong with JSON, in words that hold nothing of it.
fn misread(what: &str, error: &serde_json::Error) -> Fault {
    Fault::Damaged(format!("{what} does not parse at line {}, column {}", error.line(), error.column()))
}

/// Where a checkpoint is.
enum Source<'a> {
    File(FilePart),
    Bytes(&'a [u8]),
}

impl Source<'_> {
    fn len(&self) -> u64 {
        match self {
            Source::File(file) => file.len(),
            Source::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// So many bytes from one on, all within the source.
    fn read(&self, first: u64, length: u64) -> Result<Vec<u8>, Fault> {
        let mut read = Vec::new();
        let reserved = usize::try_from(length).is_ok_and(|length| read.try_reserve_exact(length).is_ok());
        if !reserved {
            return Err(Fault::Memory(length));
        }
        match self {
            Source::File(file) => {
                read.resize(length as usize, 0);
                file.read(first, &mut read)?;
            }
            Source::Bytes(bytes) => read.extend_from_slice(&bytes[first as usize..][..length as usize]),
        }
        Ok(read)
    }

    /// The same, left where they are if that is a file.
    fn contents(&self, first: u64, length: u64) -> Result<Contents, Fault> {
        match self {
            Source::File(file) => Ok(Contents::of_part(file.part(first, length))),
            Source::Bytes(_) => Ok(self.read(first, length)?.into()),
        }
    }

    fn checkpoint(&self) -> Result<Checkpoint, Fault> {
        let json = self.header()?;
        let header: Metadata = serde_json::from_slice(&json).map_err(|error| match mentions_version(&json) {
            true => misread("its header", &error),
            false => Fault::Foreign,
        })?;
        let data = LENGTH_BYTES + json.len() as u64;
        let metadata = header.metadata().as_ref().ok_or(Fault::Foreign)?;
        let version = metadata.get(VERSION_KEY).ok_or(Fault::Foreign)?;
        if version != VERSION {
            return Err(Fault::Version(shortened(version, QUOTED)));
        }
        if data.checked_add(header.data_len() as u64) != Some(self.len()) {
            return Err(damaged("its header is that of a file of another length"));
        }
        let entry = |key| metadata.get(key).ok_or_else(|| Fault::Damaged(format!("the entry {key} is missing")));
        let (painting, notes) = (entry(PAINTING_KEY)?, entry(NOTES_KEY)?);
        let mut saved: Saved = serde_json::from_str(painting).map_err(|error| misread("its painting", &error))?;
        saved.check().map_err(damaged)?;
        if !agree(&header, &saved.lengths()) {
            return Err(damaged("its arrays are not those of its painting"));
        }
        let mut arrays = BTreeMap::new();
        for (name, info) in header.tensors() {
            let (start, end) = info.data_offsets;
            arrays.insert(name, self.contents(data + start as u64, (end - start) as u64)?);
        }
        let all: Vec<_> = arrays.iter().map(|(name, contents)| (name.as_str(), Array::Slot(contents))).collect();
        if *entry(DIGEST_KEY)? != digest(painting, notes, all.iter().map(|(name, array)| (*name, array)))? {
            return Err(damaged("its contents do not match its digest"));
        }
        let mut array = |name: &str| arrays.remove(name).ok_or_else(|| damaged("an array is missing"));
        let mut picture = |name: &str, size: Size| {
            let (mut pixels, array) = (Vec::new(), array(name)?);
            pixels.try_reserve_exact(3 * size.pixels()).map_err(|_| Fault::Memory(array.len() as u64))?;
            array.in_pieces(|bytes| {
                pixels.extend(bytes.as_chunks().0.iter().map(|value| f32::from_ne_bytes(*value)));
                Ok(())
            })?;
            Picture::new(size, pixels).map_err(|error| Fault::Damaged(error.to_string()))
        };
        saved.recipe.init = match (saved.init, saved.init_size) {
            (InitKind::Picture, Some(size)) => Init::Picture(Arc::new(picture(INIT, size)?)),
            (InitKind::Noise, _) => Init::Noise,
            _ => Init::Content,
        };
        let painted = saved.painted.map(|size| picture(PAINTED, size)).transpose()?.map(Arc::new);
        let kept = kept(saved.recipe.method);
        let moment = |moment: SavedMoment| {
            let SavedMoment { iteration, evaluations, seconds, gradient_exponent, optimizer } = moment;
            let contents = kept.iter().map(|&(tensor, name)| Ok((tensor, array(name)?)));
            let contents = contents.collect::<Result<Vec<_>, Fault>>()?;
            Ok::<_, Fault>(Moment { iteration, evaluations, seconds, gradient_exponent, optimizer, contents })
        };
        let moment = saved.moment.map(moment).transpose()?;
        let Saved { recipe, position, digests, .. } = saved;
        let checkpoint = Checkpoint { recipe, position, digests, moment, painted, notes: notes.clone() };
        checkpoint.check_values().map_err(damaged)?;
        Ok(checkpoint)
    }

    /// The JSON at the beginning.
    fn header(&self) -> Result<Vec<u8>, Fault> {
        let Some(rest) = self.len().checked_sub(LENGTH_BYTES) else { return Err(Fault::Foreign) };
        let first = self.read(0, LENGTH_BYTES)?;
        let announced = first.try_into().map(u64::from_le_bytes).map_err(|_| Fault::Foreign)?;
        let json = self.read(LENGTH_BYTES, announced.min(rest).min(LONGEST_HEADER))?;
        match json.len() as u64 == announced {
            true => Ok(json),
            false if mentions_version(&json) => Err(damaged("it ends within its header")),
            false => Err(Fault::Foreign),
        }
    }
}

/// Whether a header announces these arrays and no others, all with the type in which they are written.
fn agree(header: &Metadata, lengths: &BTreeMap<&str, u64>) -> bool {
    let announced = header.tensors();
    announced.len() == lengths.len()
        && announced.iter().all(|(name, info)| {
            let (start, end) = info.data_offsets;
            lengths.get(name.as_str()) == Some(&((end - start) as u64)) && info.dtype == dtype(name)
        })
}

/// Whether the first bytes of a header that cannot be used mention a checkpoint.
fn mentions_version(json: &[u8]) -> bool {
    let key = VERSION_KEY.as_bytes();
    json[..json.len().min(1 << 16)].windows(key.len()).any(|window| window == key)
}
