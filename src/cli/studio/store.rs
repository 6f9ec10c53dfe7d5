//! The studio's directory: pictures, works, and what came of them.
//!
//!     lock                   held by the studio that uses the directory
//!     pictures/ID/original   a file as it came; its name is of its contents
//!     pictures/ID/view.jpg   the picture, at most 1024 pixels wide and high
//!     pictures/ID/about.json
//!     works/N/work.json      everything that is known of a work
//!     works/N/checkpoint     from where it goes on
//!     works/N/result.png
//!     works/N/base.png       the result that further iterations begin with
//!     works/N/strip/K.jpg    pictures on the way
//!
//! Every file appears whole or not at all, so that the process can be killed at any moment.

use directories::ProjectDirs;
use impasto::{
    replace_file::replace_file,
    studio::{Picture, PictureId, Work, WorkId},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Why the studio's directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("no directory is known for the studio's pictures: name one with --data")]
    Nowhere,
    #[error("another studio works in {}: use its page, or name another directory with --data", directory.display())]
    Taken { directory: PathBuf },
    #[error("cannot use {}: {source}; see that there is room and that it can be written to, or name another directory with --data", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    /// Unlocked when the process ends, however it does.
    _lock: File,
}

/// Adds the path to an error.
fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|source| StoreError::Io { path: path.to_owned(), source })
}

impl Store {
    /// Opens a directory, which need not be there yet, or the user's.
    pub fn open(directory: Option<&Path>) -> Result<Store, StoreError> {
        let directory = match directory {
            Some(directory) => at(directory, std::path::absolute(directory))?,
            None => {
                let user = ProjectDirs::from("", "", "impasto").ok_or(StoreError::Nowhere)?;
                user.data_local_dir().join("studio")
            }
        };
        for part in ["pictures", "works"] {
            let path = directory.join(part);
            at(&path, fs::create_dir_all(&path))?;
        }
        let path = directory.join("lock");
        let lock = at(&path, File::create(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Store { directory, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Taken { directory }),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn picture_file(&self, id: &PictureId, name: &str) -> PathBuf {
        self.directory.join("pictures").join(id.as_str()).join(name)
    }

    pub fn original(&self, id: &PictureId) -> PathBuf {
        self.picture_file(id, "original")
    }

    pub fn view(&self, id: &PictureId) -> PathBuf {
        self.picture_file(id, "view.jpg")
    }

    fn work_file(&self, id: WorkId, name: &str) -> PathBuf {
        self.directory.join("works").join(id.to_string()).join(name)
    }

    pub fn checkpoint(&self, id: WorkId) -> PathBuf {
        self.work_file(id, "checkpoint")
    }

    pub fn result(&self, id: WorkId) -> PathBuf {
        self.work_file(id, "result.png")
    }

    pub fn base(&self, id: WorkId) -> PathBuf {
        self.work_file(id, "base.png")
    }

    pub fn on_the_way(&self, id: WorkId, number: u64) -> PathBuf {
        self.work_file(id, "strip").join(format!("{number}.jpg"))
    }

    /// A new file for something that comes in.
    pub fn incoming(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        at(&self.directory, tempfile::NamedTempFile::new_in(&self.directory))
    }

    /// Makes the directory of a picture.
    pub fn make_picture(&self, id: &PictureId) -> Result<(), StoreError> {
        let path = self.picture_file(id, "");
        at(&path, fs::create_dir_all(&path))
    }

    /// Makes a picture's file whole: what is described is there.
    pub fn save_picture(&self, picture: &Picture) -> Result<(), StoreError> {
        save(&self.picture_file(&picture.id, "about.json"), picture)
    }

    pub fn save_work(&self, work: &Work) -> Result<(), StoreError> {
        let path = self.work_file(work.id, "strip");
        at(&path, fs::create_dir_all(&path))?;
        save(&self.work_file(work.id, "work.json"), work)
    }

    pub fn forget_picture(&self, id: &PictureId) -> Result<(), StoreError> {
        let path = self.picture_file(id, "");
        at(&path, fs::remove_dir_all(&path))
    }

    pub fn forget_work(&self, id: WorkId) -> Result<(), StoreError> {
        let path = self.work_file(id, "");
        at(&path, fs::remove_dir_all(&path))
    }

    /// Every picture that came in whole; what else is there, of a process that ended before, is removed.
    pub fn pictures(&self) -> Result<Vec<Picture>, StoreError> {
        let is_whole = |picture: &Picture| self.original(&picture.id).is_file() && self.view(&picture.id).is_file();
        self.load("pictures", "about.json", is_whole)
    }

    pub fn works(&self) -> Result<Vec<Work>, StoreError> {
        self.load("works", "work.json", |_| true)
    }

    fn load<T: DeserializeOwned>(
        &self,
        part: &str,
        name: &str,
        is_whole: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, StoreError> {
        let parent = self.directory.join(part);
        let mut all = Vec::new();
        for entry in at(&parent, fs::read_dir(&parent))? {
            let directory = at(&parent, entry)?.path();
            let text = fs::read(directory.join(name)).ok();
            match text.and_then(|text| serde_json::from_slice::<T>(&text).ok()) {
                Some(item) if is_whole(&item) => all.push(item),
                // A studio of another version may know what it is.
                Some(_) | None if directory.join(name).exists() => {}
                Some(_) | None => at(&directory, fs::remove_dir_all(&directory))?,
            }
        }
        Ok(all)
    }
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let text = serde_json::to_vec(value).expect("strings, numbers and lists can be written");
    at(path, replace_file(path, |file| file.write_all(&text)))
}
