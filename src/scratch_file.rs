//! An array on the disk, for what is too large for the memory and read a part at a time.

use crate::{backend_error::BackendError, file_part};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

/// Words of a file that are in memory at a time.
pub(crate) const PIECE: usize = 1 << 18;

/// Words of four bytes in a file that has no name, so that it vanishes with this or with the process.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    /// Whoever reads or writes moves its place first.
    file: Mutex<File>,
    directory: PathBuf,
    bytes: u64,
}

impl ScratchFile {
    /// So many zeros, in a file of a directory, which is made if there is none.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) fn new(directory: &Path, words: usize) -> Result<ScratchFile, BackendError> {
        let bytes = 4 * words as u64;
        let make = || {
            std::fs::create_dir_all(directory)?;
            let file = tempfile::tempfile_in(directory)?;
            file.set_len(bytes)?;
            Ok(file)
        };
        let file = make().map_err(|reason| failed(directory, bytes, &reason))?;
        Ok(ScratchFile { file: Mutex::new(file), directory: directory.to_owned(), bytes })
    }

    /// Bytes from a word on.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn read(&self, first: usize, into: &mut [u8]) -> Result<(), BackendError> {
        self.at(first, |mut file| file.read_exact(into))
    }

    /// Overwrites bytes from a word on.
    ///
    /// # Errors
    /// If the file cannot be written, as on a full disk.
    pub(crate) fn write(&self, first: usize, from: &[u8]) -> Result<(), BackendError> {
        assert!(4 * first as u64 + from.len() as u64 <= self.bytes, "the file holds what was asked for, and no more");
        self.at(first, |mut file| file.write_all(from))
    }

    /// Another with the same contents.
    ///
    /// # Errors
    /// If it cannot be made, or one of both fails.
    pub(crate) fn copy(&self) -> Result<ScratchFile, BackendError> {
        let words = (self.bytes / 4) as usize;
        let copy = ScratchFile::new(&self.directory, words)?;
        let mut piece = vec![0; 4 * PIECE.min(words)];
        for first in (0..words).step_by(PIECE) {
            let bytes = &mut piece[..4 * PIECE.min(words - first)];
            self.read(first, bytes)?;
            copy.write(first, bytes)?;
        }
        Ok(copy)
    }

    /// Does something at a word.
    fn at(&self, word: usize, work: impl FnOnce(&File) -> io::Result<()>) -> Result<(), BackendError> {
        file_part::at(&self.file, 4 * word as u64, work).map_err(|reason| failed(&self.directory, self.bytes, &reason))
    }
}

fn failed(directory: &Path, bytes: u64, reason: &io::Error) -> BackendError {
    let reason = reason.to_string();
    BackendError::Scratch { directory: directory.to_owned(), mebibytes: bytes.div_ceil(1 << 20), reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn words_are_where_they_were_put_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        let file = ScratchFile::new(&inner, 1001).unwrap();
        let read = |first| {
            let mut words = [7_u32; 5];
            file.read(first, bytemuck::cast_slice_mut(&mut words)).unwrap();
            words
        };
        assert_eq!(read(996), [0; 5]);
        file.write(998, bytemuck::cast_slice(&[3_u32, 1, 4])).unwrap();
        file.write(0, &[1, 0, 0, 0, 2, 0, 0, 0]).unwrap();
        assert_eq!(read(996), [0, 0, 3, 1, 4]);
        assert_eq!(read(0).map(u32::from_le), [1, 2, 0, 0, 0]);
        assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 0);
    }

    #[test]
    fn a_place_for_no_files_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "no directory").unwrap();
        let error = ScratchFile::new(&file, 1 << 20).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()) && error.contains("4 MiB"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let full = File::options().read(true).write(true).open("/dev/full").unwrap();
        let file = ScratchFile { file: Mutex::new(full), directory: PathBuf::from("there"), bytes: 64 };
        let error = file.write(0, &[1; 64]).unwrap_err().to_string();
        assert!(error.contains("there") && error.contains("No space left"), "{error}");
    }
}
