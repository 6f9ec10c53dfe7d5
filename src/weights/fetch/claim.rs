//! The right to write a partial file: the lock of a second file, which also says what the partial file's bytes belong
//! to.
//!
//! The partial file itself cannot be the lock. It is renamed when it is complete, and a process that had opened it just
//! before would then hold the lock of the finished file and write into it; some systems also refuse to read or rename a
//! locked file. The second file is never renamed. It is removed in a way that leaves nobody with the lock of a file
//! that is no longer there, see [`Claim::release`].

use super::FetchError;
use crate::weights::cache;
use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// The lock of one partial file.
#[derive(Debug)]
pub(super) struct Claim {
    /// The partial file.
    pub partial: PathBuf,
    path: PathBuf,
    file: File,
}

/// What is appended to the partial file's name.
pub(super) const SUFFIX: &str = "json";

impl Claim {
    /// Claims a partial file, which need not exist.
    pub fn take(partial: &Path) -> Result<Claim, FetchError> {
        let path = cache::with_suffix(partial, SUFFIX);
        let failed = |source| FetchError::Write { path: path.clone(), source };
        loop {
            let file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { path: partial.to_owned() }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            if is_still_there(&file, &path).map_err(failed)? {
                return Ok(Claim { partial: partial.to_owned(), path, file });
            }
        }
    }

    /// What is noted about the partial file's bytes.
    pub fn note(&mut self) -> io::Result<Vec<u8>> {
        let mut note = Vec::new();
        self.file.rewind()?;
        self.file.read_to_end(&mut note)?;
        Ok(note)
    }

    /// Notes something else about them.
    pub fn set_note(&mut self, note: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(note)
    }

    /// Removes the partial file, if it is still there, and gives up the claim.
    pub fn discard(self) {
        let _ = std::fs::remove_file(&self.partial);
        self.release();
    }

    /// Gives up the claim on a partial file that is no longer there. If the second file cannot be removed, it does no
    /// harm.
    pub fn release(self) {
        // While it is locked: who has it open and gets the lock next sees that it is no longer there.
        #[cfg(unix)]
        let _ = std::fs::remove_file(&self.path);
        drop(self.file);
        // Only while nobody has it open, or the system refuses: it was opened so.
        #[cfg(not(unix))]
        let _ = std::fs::remove_file(&self.path);
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(windows)]
    {
        /// FILE_SHARE_READ and FILE_SHARE_WRITE, without FILE_SHARE_DELETE.
        const NOT_REMOVABLE: u32 = 1 | 2;
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, NOT_REMOVABLE);
    }
    options.open(path)
}

/// Whether an open file is still the one that its name leads to.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match std::fs::metadata(path) {
        Ok(named) => Ok(identity(named) == identity(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// An open file cannot be removed here.
#[cfg(not(unix))]
fn is_still_there(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_held_until_it_is_given_up_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join("x.part");
        let mut claim = Claim::take(&partial).unwrap();
        assert!(matches!(Claim::take(&partial), Err(FetchError::Busy { path }) if path == partial));
        claim.set_note(b"a longer note").unwrap();
        claim.set_note(b"a note").unwrap();
        drop(claim);
        let mut claim = Claim::take(&partial).unwrap();
        assert_eq!(claim.note().unwrap(), b"a note");
        std::fs::write(&partial, "x").unwrap();
        claim.discard();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_of_a_removed_file_is_no_claim() {
        let directory = tempfile::tempdir().unwrap();
        let partial = directory.path().join("x.part");
        let first = Claim::take(&partial).unwrap();
        // As a second process would that had opened the file before it was removed.
        let opened = open(&first.path).unwrap();
        let path = first.path.clone();
        first.release();
        opened.try_lock().unwrap();
        assert!(!is_still_there(&opened, &path).unwrap());
        let third = Claim::take(&partial).unwrap();
        assert!(!is_still_there(&opened, &path).unwrap() && is_still_there(&third.file, &path).unwrap());
    }
}
