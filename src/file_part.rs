//! A part of a file that somebody else wrote and nobody changes, read some bytes at a time.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// See the module. A clone reads the same file, which stays open, and so readable, when its name is given to another.
#[derive(Clone, Debug)]
pub(crate) struct FilePart {
    /// Whoever reads moves its place first.
    file: Arc<Mutex<File>>,
    path: Arc<Path>,
    first: u64,
    length: u64,
}

impl FilePart {
    /// All of a file, of so many bytes. The path is for messages.
    pub(crate) fn whole(file: File, path: &Path, length: u64) -> FilePart {
        FilePart { file: Arc::new(Mutex::new(file)), path: path.into(), first: 0, length }
    }

    /// A part of this part, which must be within it.
    pub(crate) fn part(&self, first: u64, length: u64) -> FilePart {
        assert!(first.checked_add(length).is_some_and(|end| end <= self.length), "a part is within the whole");
        FilePart { first: self.first + first, length, ..self.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Bytes from one on.
    ///
    /// # Errors
    /// If the file cannot be read, or has become shorter.
    pub(crate) fn read(&self, first: u64, into: &mut [u8]) -> io::Result<()> {
        at(&self.file, self.first + first, |mut file| file.read_exact(into))
    }
}

/// Does something at a byte of a file that several may read and write.
pub(crate) fn at(file: &Mutex<File>, byte: u64, work: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(byte))?;
    work(&file)
}
