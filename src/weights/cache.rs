//! Fetched weights: one directory with a file for each source and depth, and beside it the digest that the file had
//! when it first arrived.

use super::{info::info, source::Source};
use crate::{
    cache_directory::{NoCacheDirectory, cache_directory},
    hexadecimal::hexadecimal,
    vgg19::Layer,
};
use sha2::{Digest, Sha256};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What is appended to the name of a file that has not fully arrived.
const PARTIAL: &str = "part";

/// The directory with fetched weights; it need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    directory: PathBuf,
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFile {
    /// The file.
    pub path: PathBuf,
    /// Its length so far.
    pub bytes: u64,
    /// Whether all of it is there.
    pub complete: bool,
}

impl Cache {
    /// A cache in a given directory.
    pub fn at(directory: impl Into<PathBuf>) -> Cache {
        Cache { directory: directory.into() }
    }

    /// The cache in the directory that [`cache_directory`] finds.
    ///
    /// # Errors
    /// If the system has no such directory.
    pub fn of_user(chosen: Option<&OsStr>) -> Result<Cache, NoCacheDirectory> {
        Ok(Cache::at(cache_directory(chosen)?))
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a source that reaches the wanted layer, the smallest if there are several.
    pub fn find(&self, source: &Source) -> Option<PathBuf> {
        self.own(source).into_iter().find(|path| path.is_file())
    }

    /// The files that serve for the filters of `source` without a network, best first: its own, and then the others by
    /// name. They reach deep enough and are what they were when they arrived.
    pub fn usable<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = PathBuf> + 'a {
        let own = self.own(source);
        let others = self.list().unwrap_or_default().into_iter().filter(|file| file.complete).map(|file| file.path);
        let others: Vec<_> = others.filter(|path| !own.contains(path)).collect();
        own.into_iter().chain(others).filter(|path| is_usable(path, source.deepest))
    }

    /// The file of a source that reaches the wanted layer and is what it was when it arrived.
    pub(super) fn find_usable(&self, source: &Source) -> Option<PathBuf> {
        self.own(source).into_iter().find(|path| is_usable(path, source.deepest))
    }

    /// Where the filters of a source may be, the smallest file that reaches the wanted layer first.
    fn own(&self, source: &Source) -> Vec<PathBuf> {
        let deep_enough = Layer::DEEPEST.up_to().filter(|&layer| layer >= source.deepest);
        deep_enough.map(|layer| self.path(source, layer)).collect()
    }

    /// All weights files, those that have not fully arrived included, by name.
    ///
    /// # Errors
    /// If the directory exists but cannot be read.
    pub fn list(&self) -> io::Result<Vec<CachedFile>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let complete = name.ends_with(".safetensors");
            if complete || is_partial(&name) {
                files.push(CachedFile { path: entry.path(), bytes: entry.metadata()?.len(), complete });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Where the filters of a source down to `deepest` are or will be.
    pub(super) fn path(&self, source: &Source, deepest: Layer) -> PathBuf {
        self.directory.join(format!("{}-{deepest}.safetensors", source.name))
    }

    #[cfg(feature = "fetch")]
    /// Where they are collected until they are complete.
    pub(super) fn partial_path(&self, source: &Source) -> PathBuf {
        with_suffix(&self.path(source, source.deepest), PARTIAL)
    }
}

/// Whether a name is that of a file that has not fully arrived.
pub(super) fn is_partial(name: &str) -> bool {
    name.strip_suffix(PARTIAL).is_some_and(|rest| rest.ends_with(".safetensors."))
}

/// `path` with `.suffix` behind its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    PathBuf::from(name)
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// If the file cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Whether a file is what it was when it arrived; one without a note was put there by hand and is trusted.
///
/// # Errors
/// If the file or its note cannot be read.
pub fn is_intact(path: &Path) -> io::Result<bool> {
    match noted_digest(path)? {
        Some(noted) => Ok(digest(path)? == noted),
        None => Ok(true),
    }
}

/// Whether a file has the filters down to a layer and is intact.
fn is_usable(path: &Path, deepest: Layer) -> bool {
    let reaches = || info(path).is_ok_and(|info| info.deepest >= Some(deepest));
    path.is_file() && reaches() && is_intact(path).unwrap_or(false)
}

/// The digest noted for a file when it first arrived, which outlives the file.
///
/// # Errors
/// If there is a note but it cannot be read.
pub fn noted_digest(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(with_suffix(path, "sha256")) {
        Ok(text) => Ok(text.split_whitespace().next().map(str::to_owned)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
