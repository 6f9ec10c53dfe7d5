//! A painting in a file: everything needed to continue as if it had never stopped.
//!
//! The file is in the safetensors format. Its tensors are pictures, the optimiser's arrays and, where there is one, the
//! start picture; everything else is JSON in its metadata, under `painting`. `sha256` is a digest over that, the notes
//! and the tensors, so that a damaged file is rejected.

use super::{
    error::StylizeError,
    moment::Moment,
    optimizer::{SavedOptimizer, kept},
    recipe::{Init, Recipe},
    sizes::sizes,
};
use crate::{
    picture::Picture,
    plan::{IterationState, Optimizer, Precision, Size, Tensor},
    replace_file::replace_file,
    weights::Filters,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The version of the file that is written and read.
const VERSION: &str = "1";

/// The metadata entry with the version; no other kind of file has it.
const VERSION_KEY: &str = "impasto_checkpoint";
const PAINTING_KEY: &str = "painting";
const NOTES_KEY: &str = "notes";
const DIGEST_KEY: &str = "sha256";

const PAINTED: &str = "painted";
const INIT: &str = "init";

/// Why a painting cannot be saved or continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the checkpoint {}: {source}; what was there before is as it was", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is some other file.
    #[error("{} is no checkpoint of impasto: name a file that it wrote", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version.
    #[error("the checkpoint {} is of version {found}, but this impasto reads version {VERSION}: go on with the impasto that wrote it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The file is not as it was written.
    #[error("the checkpoint {} is damaged ({fault}): begin anew, or go on from another", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// An input differs from the original one.
    #[error("the checkpoint belongs to {0}: name the one that the painting began with")]
    OtherInput(Input),
    /// What the checkpoint holds does not fit together.
    #[error("the checkpoint contradicts itself ({0}): begin anew")]
    Contradiction(&'static str),
    /// The device failed before the painting could be saved.
    #[error(transparent)]
    Painting(#[from] Box<StylizeError>),
}

/// What a painting is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The network.
    Filters,
    /// The content picture.
    Photograph,
    /// The style picture.
    Painting,
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Input::Filters => "other filters",
            Input::Photograph => "another photograph",
            Input::Painting => "another painting",
        })
    }
}

/// SHA-256 of what a painting is made from, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digests {
    filters: String,
    content: String,
    style: String,
}

impl Digests {
    /// Of the filters, only those that the recipe uses count.
    pub fn new(filters: &Filters, recipe: &Recipe, content: &Picture, style: &Picture) -> Digests {
        let layers = recipe.deepest().map_or(0, |deepest| deepest.index() + 1);
        let mut hash = Sha256::new();
        hash.update(bytemuck::bytes_of(&filters.normalisation.mean));
        hash.update(bytemuck::bytes_of(&filters.normalisation.deviation));
        for layer in filters.layers.iter().take(layers) {
            hash.update(bytemuck::cast_slice(&layer.weight));
            hash.update(bytemuck::cast_slice(&layer.bias));
        }
        let of_picture = |picture: &Picture| {
            let mut hash = Sha256::new();
            hash.update(bytemuck::bytes_of(&[picture.size().width, picture.size().height]));
            hash.update(bytemuck::cast_slice(picture.pixels()));
            digits(hash)
        };
        Digests { filters: digits(hash), content: of_picture(content), style: of_picture(style) }
    }
}

fn digits(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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
    pub(super) painted: Option<Picture>,
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

/// The digest over a file's contents.
fn digest(painting: &str, notes: &str, tensors: &BTreeMap<String, &[u8]>) -> String {
    let mut hash = Sha256::new();
    for text in [painting, notes] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    for (name, bytes) in tensors {
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    digits(hash)
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

    /// Writes the file, whole or not at all: the old one stays until the new one is safely on disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritable = |source| CheckpointError::Write { path: path.to_owned(), source };
        let bytes = self.to_bytes().map_err(|error| unwritable(io::Error::other(error)))?;
        replace_file(path, |writer| writer.write_all(&bytes)).map_err(unwritable)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let mut tensors: BTreeMap<String, &[u8]> = BTreeMap::new();
        if let Some(picture) = &self.painted {
            tensors.insert(PAINTED.to_owned(), bytemuck::cast_slice(picture.pixels()));
        }
        let (init, init_size) = match &self.recipe.init {
            Init::Content => (InitKind::Content, None),
            Init::Noise => (InitKind::Noise, None),
            Init::Picture(picture) => {
                tensors.insert(INIT.to_owned(), bytemuck::cast_slice(picture.pixels()));
                (InitKind::Picture, Some(picture.size()))
            }
        };
        let names = kept(self.recipe.method);
        for (tensor, bytes) in self.moment.iter().flat_map(|moment| &moment.contents) {
            let name = names.iter().find(|(kept, _)| kept == tensor).map(|(_, name)| *name);
            tensors.insert(name.expect("a moment holds what its optimiser keeps").to_owned(), bytes);
        }
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
            painted: self.painted.as_ref().map(Picture::size),
            init_size,
        };
        let painting = serde_json::to_string(&saved)?;
        let metadata = HashMap::from([
            (VERSION_KEY.to_owned(), VERSION.to_owned()),
            (DIGEST_KEY.to_owned(), digest(&painting, &self.notes, &tensors)),
            (PAINTING_KEY.to_owned(), painting),
            (NOTES_KEY.to_owned(), self.notes.clone()),
        ]);
        let views = tensors.iter().map(|(name, bytes)| {
            // The words of the state are of several types.
            let dtype = if *name == "adam.state" { Dtype::U32 } else { Dtype::F32 };
            Ok((name, TensorView::new(dtype, vec![bytes.len() / 4], bytes)?))
        });
        let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no checkpoint, of another version, or damaged.
    pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
        Checkpoint::from_bytes(&bytes).map_err(|fault| match fault {
            Fault::Foreign => CheckpointError::Foreign { path: path.to_owned() },
            Fault::Version(found) => CheckpointError::Version { path: path.to_owned(), found },
            Fault::Damaged(fault) => CheckpointError::Damaged { path: path.to_owned(), fault },
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Fault> {
        let (_, header) = match SafeTensors::read_metadata(bytes) {
            Ok(header) => header,
            Err(error) if mentions_version(bytes) => return Err(Fault::Damaged(error.to_string())),
            Err(_) => return Err(Fault::Foreign),
        };
        let file = SafeTensors::deserialize(bytes).map_err(|error| Fault::Damaged(error.to_string()))?;
        let metadata = header.metadata().as_ref().ok_or(Fault::Foreign)?;
        let version = metadata.get(VERSION_KEY).ok_or(Fault::Foreign)?;
        if version != VERSION {
            return Err(Fault::Version(version.clone()));
        }
        let entry = |key: &str| metadata.get(key).ok_or_else(|| damaged(format!("the entry {key} is missing")));
        let (painting, notes) = (entry(PAINTING_KEY)?, entry(NOTES_KEY)?);
        let mut tensors: BTreeMap<String, &[u8]> = BTreeMap::new();
        for name in file.names() {
            let view = file.tensor(name).map_err(|error| Fault::Damaged(error.to_string()))?;
            tensors.insert(name.to_owned(), view.data());
        }
        if *entry(DIGEST_KEY)? != digest(painting, notes, &tensors) {
            return Err(damaged("its contents do not match its digest".to_owned()));
        }
        let saved: Saved = serde_json::from_str(painting).map_err(|error| Fault::Damaged(error.to_string()))?;
        let array = |name: &str| tensors.get(name).ok_or_else(|| damaged(format!("the array {name} is missing")));
        let picture = |name: &str, size: Size| {
            let pixels = bytemuck::pod_collect_to_vec(array(name)?);
            Picture::new(size, pixels).map_err(|error| Fault::Damaged(error.to_string()))
        };
        let mut recipe = saved.recipe;
        recipe.init = match (saved.init, saved.init_size) {
            (InitKind::Picture, Some(size)) => Init::Picture(picture(INIT, size)?),
            (InitKind::Noise, _) => Init::Noise,
            _ => Init::Content,
        };
        let moment = match saved.moment {
            None => None,
            Some(moment) => {
                let mut contents = Vec::new();
                for &(tensor, name) in kept(recipe.method) {
                    contents.push((tensor, array(name)?.to_vec()));
                }
                let SavedMoment { iteration, evaluations, seconds, gradient_exponent, optimizer } = moment;
                Some(Moment { iteration, evaluations, seconds, gradient_exponent, optimizer, contents })
            }
        };
        let painted = saved.painted.map(|size| picture(PAINTED, size)).transpose()?;
        let Saved { position, digests, .. } = saved;
        let checkpoint = Checkpoint { recipe, position, digests, moment, painted, notes: notes.clone() };
        checkpoint.check_parts().map_err(|fault| Fault::Damaged(fault.to_owned()))?;
        Ok(checkpoint)
    }

    /// Whether its parts can come from one painting.
    fn check_parts(&self) -> Result<(), &'static str> {
        let Position { sizes, index, done, .. } = &self.position;
        self.recipe.check().map_err(|_| "a number of the recipe is out of range")?;
        let Some(&size) = sizes.get(*index) else { return Err("there is no such scale") };
        let painted = if *done { Some(size) } else { index.checked_sub(1).map(|before| sizes[before]) };
        if self.painted.as_ref().map(Picture::size) != painted {
            return Err("the picture is not of the scale before");
        }
        let Some(moment) = &self.moment else { return Ok(()) };
        let values = 3 * size.pixels();
        let optimizer = self.recipe.optimizer();
        let fits = match (&moment.optimizer, optimizer) {
            (SavedOptimizer::Adam, Optimizer::Adam(_)) | (SavedOptimizer::Lbfgs(None), Optimizer::Lbfgs { .. }) => true,
            (SavedOptimizer::Lbfgs(Some(saved)), Optimizer::Lbfgs { memory }) => saved.fits(memory),
            _ => false,
        };
        let rows = if let Optimizer::Lbfgs { memory } = optimizer { 2 * memory + 1 } else { 0 };
        let lengths = moment.contents.iter().all(|(tensor, bytes)| {
            bytes.len()
                == match tensor {
                    Tensor::State => size_of::<IterationState>(),
                    Tensor::LbfgsHistory => 4 * rows * values,
                    _ => 4 * values,
                }
        });
        if fits && lengths { Ok(()) } else { Err("the optimiser's arrays are of another size") }
    }

    /// Whether the inputs are those that the painting had.
    pub(super) fn check(&self, digests: &Digests, content: Size) -> Result<(), CheckpointError> {
        let inputs = [
            (Input::Filters, digests.filters == self.digests.filters),
            (Input::Photograph, digests.content == self.digests.content),
            (Input::Painting, digests.style == self.digests.style),
        ];
        if let Some((input, _)) = inputs.into_iter().find(|(_, same)| !same) {
            return Err(CheckpointError::OtherInput(input));
        }
        sizes(content, &self.recipe).map_err(|_| CheckpointError::Contradiction("the photograph is too small"))?;
        Ok(())
    }
}

/// Why bytes are not a checkpoint.
enum Fault {
    Foreign,
    Version(String),
    Damaged(String),
}

fn damaged(fault: String) -> Fault {
    Fault::Damaged(fault)
}

/// Whether the first bytes of a file that cannot be parsed mention a checkpoint.
fn mentions_version(bytes: &[u8]) -> bool {
    let key = VERSION_KEY.as_bytes();
    bytes[..bytes.len().min(1 << 16)].windows(key.len()).any(|window| window == key)
}
