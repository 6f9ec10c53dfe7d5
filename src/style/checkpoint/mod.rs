//! A painting in a file: everything needed to continue as if it had never stopped.
//!
//! The file is in the safetensors format. Its tensors are pictures, the optimiser's arrays and, where there is one, the
//! start picture; everything else is JSON in its metadata, under `painting`. `sha256` is a digest over that, the notes
//! and the tensors, so that a damaged file is rejected.

mod check;
mod error;
mod read;
mod resize;

pub use check::{checkpoint_bytes, checkpoint_memory};
pub use error::{CheckpointError, Input};

use super::{
    inputs::{Inputs, StyleInput},
    moment::Moment,
    optimizer::{SavedOptimizer, kept},
    recipe::{Init, Recipe},
};
use crate::{
    Contents,
    hexadecimal::hexadecimal,
    picture::{Mask, Picture},
    plan::{Precision, Size},
    replace_file::replace_file,
    weights::FilterSummary,
};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

/// The version of the file that is written and read. In files of version 1 the optimiser's arrays are in another unit;
/// those of version 2 know one painting.
const VERSION: &str = "3";

/// A longer header is neither written nor read; that of the command line has some ten thousand bytes.
const LONGEST_HEADER: u64 = 4 << 20;

/// The metadata entry with the version; no other kind of file has it.
const VERSION_KEY: &str = "impasto_checkpoint";
const PAINTING_KEY: &str = "painting";
const NOTES_KEY: &str = "notes";
const DIGEST_KEY: &str = "sha256";

const PAINTED: &str = "painted";
const INIT: &str = "init";

/// SHA-256 of what a painting is made from, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digests {
    filters: String,
    content: String,
    /// What says where the photograph is seen and kept.
    masks: String,
    /// Of each painting with its masks.
    paintings: Vec<String>,
}

impl Digests {
    /// Of the filters, only those that the recipe uses count.
    pub fn new(filters: &FilterSummary, recipe: &Recipe, inputs: &Inputs) -> Digests {
        let add = |hash: &mut Sha256, size: Size, values: &[f32]| {
            hash.update(bytemuck::bytes_of(&[size.width, size.height]));
            hash.update(bytemuck::cast_slice(values));
        };
        // A mask that is there differs from any that is not.
        let add_masks = |hash: &mut Sha256, masks: [&Option<Mask>; 2]| {
            for mask in masks {
                match mask {
                    Some(mask) => add(hash, mask.size(), mask.values()),
                    None => hash.update([0]),
                }
            }
        };
        let of_painting = |painting: &StyleInput| {
            let mut hash = Sha256::new();
            add(&mut hash, painting.picture.size(), painting.picture.pixels());
            add_masks(&mut hash, [&painting.mask, &painting.region]);
            hexadecimal(&hash.finalize())
        };
        let (mut content, mut masks) = (Sha256::new(), Sha256::new());
        add(&mut content, inputs.content.size(), inputs.content.pixels());
        add_masks(&mut masks, [&inputs.alpha, &inputs.keep]);
        Digests {
            filters: filters.digest(recipe.deepest()).to_owned(),
            content: hexadecimal(&content.finalize()),
            masks: hexadecimal(&masks.finalize()),
            paintings: inputs.paintings.iter().map(of_painting).collect(),
        }
    }
}

/// How far a painting has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The sizes of all scales.
    pub sizes: Vec<Size>,
    /// The present scale.
    pub index: usize,
    /// The precision in which its maps are stored.
    pub precision: Precision,
    /// Whether the last scale is done.
    pub done: bool,
}

/// A painting as it stood between two iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub(super) recipe: Recipe,
    pub(super) position: Position,
    pub(super) digests: Digests,
    /// Where the current scale stands; none before its first iteration.
    pub(super) moment: Option<Moment>,
    /// The result of the last finished scale.
    pub(super) painted: Option<Arc<Picture>>,
    /// The caller's own text, kept as it is: the command line stores here where its files are.
    pub notes: String,
}

/// How a first scale starts, without the picture.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum InitKind {
    Content,
    Noise,
    Picture,
}

/// The contents of the metadata.
#[derive(Serialize, Deserialize)]
struct Saved {
    recipe: Recipe,
    init: InitKind,
    position: Position,
    digests: Digests,
    moment: Option<SavedMoment>,
    painted: Option<Size>,
    init_size: Option<Size>,
}

/// A [`Moment`] without its arrays.
#[derive(Serialize, Deserialize)]
struct SavedMoment {
    iteration: u32,
    evaluations: u32,
    seconds: f64,
    gradient_exponent: Option<i32>,
    optimizer: SavedOptimizer,
}

/// An array of a file.
enum Array<'a> {
    Pixels(&'a Picture),
    Slot(&'a Contents),
}

impl Array<'_> {
    fn len(&self) -> usize {
        match self {
            Array::Pixels(picture) => size_of_val(picture.pixels()),
            Array::Slot(contents) => contents.len(),
        }
    }

    /// See [`Contents::in_pieces`].
    fn in_pieces(&self, mut work: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match self {
            Array::Pixels(picture) => work(bytemuck::cast_slice(picture.pixels())),
            Array::Slot(contents) => contents.in_pieces(work),
        }
    }
}

/// The digest over a file's contents; arrays are sorted by name.
fn digest<'a>(
    painting: &str,
    notes: &str,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array<'a>)>,
) -> io::Result<String> {
    let mut hash = Sha256::new();
    for text in [painting, notes] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    for (name, array) in arrays {
        hash.update(name);
        hash.update((array.len() as u64).to_le_bytes());
        array.in_pieces(|bytes| {
            hash.update(bytes);
            Ok(())
        })?;
    }
    Ok(hexadecimal(&hash.finalize()))
}

/// Writes a file from where its arrays are, so that no second copy of them is in memory.
fn write(writer: &mut impl Write, header: &[u8], arrays: &BTreeMap<&str, Array<'_>>) -> io::Result<()> {
    writer.write_all(&(header.len() as u64).to_le_bytes())?;
    writer.write_all(header)?;
    arrays.values().try_for_each(|array| array.in_pieces(|bytes| writer.write_all(bytes)))
}

/// The type of a tensor's numbers; the words of the state are of several.
fn dtype(name: &str) -> Dtype {
    if name == "adam.state" { Dtype::U32 } else { Dtype::F32 }
}

impl Checkpoint {
    /// The recipe of the painting.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The size at which the work continues.
    pub fn size(&self) -> Size {
        self.position.sizes[self.position.index]
    }

    /// Iterations done at that size.
    pub fn iteration(&self) -> u32 {
        self.moment.as_ref().map_or(0, |moment| moment.iteration)
    }

    /// The size at which it ends.
    pub fn last_size(&self) -> Size {
        self.position.sizes[self.position.sizes.len() - 1]
    }

    /// Writes the file, whole or not at all: the old one stays until the new one is safely on disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritable = |source| CheckpointError::Write { path: path.to_owned(), source };
        let arrays = self.arrays();
        let header = self.header(&arrays).map_err(|error| unwritable(io::Error::other(error)))?;
        replace_file(path, |writer| write(writer, &header, &arrays)).map_err(unwritable)
    }

    /// The bytes of the file, for where there are no files; errors call it `name`.
    ///
    /// # Errors
    /// If the notes are too long.
    pub fn to_bytes(&self, name: &Path) -> Result<Vec<u8>, CheckpointError> {
        let unwritable = |source| CheckpointError::Write { path: name.to_owned(), source };
        let arrays = self.arrays();
        let header = self.header(&arrays).map_err(|error| unwritable(io::Error::other(error)))?;
        let mut bytes = Vec::with_capacity(8 + header.len() + arrays.values().map(|array| array.len()).sum::<usize>());
        write(&mut bytes, &header, &arrays).map_err(unwritable)?;
        Ok(bytes)
    }

    /// All arrays by their names, in the order in which they are in the file.
    fn arrays(&self) -> BTreeMap<&str, Array<'_>> {
        let mut arrays = BTreeMap::new();
        if let Some(picture) = &self.painted {
            arrays.insert(PAINTED, Array::Pixels(picture));
        }
        if let Init::Picture(picture) = &self.recipe.init {
            arrays.insert(INIT, Array::Pixels(picture));
        }
        let names = kept(self.recipe.method);
        for (tensor, contents) in self.moment.iter().flat_map(|moment| &moment.contents) {
            let name = names.iter().find(|(kept, _)| kept == tensor).map(|(_, name)| *name);
            arrays.insert(name.expect("a moment holds what its optimiser keeps"), Array::Slot(contents));
        }
        arrays
    }

    /// Everything else, and where the arrays are.
    fn header(&self, arrays: &BTreeMap<&str, Array<'_>>) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let (init, init_size) = match &self.recipe.init {
            Init::Content => (InitKind::Content, None),
            Init::Noise => (InitKind::Noise, None),
            Init::Picture(picture) => (InitKind::Picture, Some(picture.size())),
        };
        let moment = self.moment.as_ref().map(|moment| SavedMoment {
            iteration: moment.iteration,
            evaluations: moment.evaluations,
            seconds: moment.seconds,
            gradient_exponent: moment.gradient_exponent,
            optimizer: moment.optimizer.clone(),
        });
        let saved = Saved {
            recipe: self.recipe.clone(),
            init,
            position: self.position.clone(),
            digests: self.digests.clone(),
            moment,
            painted: self.painted.as_deref().map(Picture::size),
            init_size,
        };
        let painting = serde_json::to_string(&saved)?;
        let metadata = HashMap::from([
            (VERSION_KEY.to_owned(), VERSION.to_owned()),
            (DIGEST_KEY.to_owned(), digest(&painting, &self.notes, arrays.iter().map(|(name, array)| (*name, array)))?),
            (PAINTING_KEY.to_owned(), painting),
            (NOTES_KEY.to_owned(), self.notes.clone()),
        ]);
        let mut first = 0;
        let info = |(name, array): (&&str, &Array<'_>)| {
            let data_offsets = (first, first + array.len());
            first = data_offsets.1;
            (name.to_string(), TensorInfo { dtype: dtype(name), shape: vec![array.len() / 4], data_offsets })
        };
        let infos = arrays.iter().map(info).collect();
        let mut header = serde_json::to_vec(&Metadata::new(Some(metadata), infos)?)?;
        // The format aligns the arrays.
        header.resize(header.len().next_multiple_of(8), b' ');
        match header.len() as u64 {
            bytes if bytes > LONGEST_HEADER => {
                Err(format!("its notes make a header of {bytes} bytes, and up to {LONGEST_HEADER} can be read again")
                    .into())
            }
            _ => Ok(header),
        }
    }
}
