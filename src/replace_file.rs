//! Files that appear whole or not at all: written under a temporary name beside the old one, synced, then renamed.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// What the names of temporary files begin with.
const PREFIX: &str = ".impasto-";
/// A temporary file that nobody holds and that is older than this was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(600);
/// Links in a row that are followed, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Lets `write` fill a temporary file beside `path` and then gives it that name; if anything fails, the file that was
/// there is as it was, and nothing is left behind.
///
/// A symbolic link stays, and what it points to is replaced. The new file has the permissions of the old one. Where the
/// path names no file that could be replaced, such as a pipe or a device, it is written to directly. Temporary files that
/// an earlier process left in the directory are removed.
///
/// # Errors
/// As [`check_replaceable`], what `write` fails with, and if writing, syncing or renaming fails.
pub fn replace_file<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    match Target::of(path)? {
        Target::Special => fill(&mut File::options().write(true).open(path)?, write),
        Target::File(target) => {
            let mut file = Replacement::beside(target)?;
            fill(file.file(), write)?;
            Ok(file.persist().map(drop)?)
        }
    }
}

/// [`replace_file`] with contents that are only the beginning: returns the new file under its name, to be written on.
///
/// # Errors
/// As [`replace_file`].
pub fn begin_file(path: &Path, beginning: &[u8]) -> io::Result<File> {
    match Target::of(path)? {
        Target::Special => {
            let mut file = File::options().write(true).open(path)?;
            file.write_all(beginning).map(|()| file)
        }
        Target::File(target) => {
            let mut file = Replacement::beside(target)?;
            file.file().write_all(beginning)?;
            file.persist()
        }
    }
}

/// Checks that [`replace_file`] can begin; leaves nothing behind.
///
/// # Errors
/// If the path names a directory or a write-protected file, its directory does not exist, or no file can be created
/// there.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        Target::Special => Ok(()),
        Target::File(target) => Replacement::beside(target).map(drop),
    }
}

fn fill<E: From<io::Error>>(
    file: &mut File,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    Ok(writer.flush()?)
}

/// What a path leads to.
enum Target {
    /// A regular file, or none yet: all links are followed.
    File(PathBuf),
    /// A pipe, a terminal or another device.
    Special,
}

impl Target {
    fn of(path: &Path) -> io::Result<Target> {
        let mut target = path.to_owned();
        for _ in 0..MOST_LINKS {
            match fs::symlink_metadata(&target) {
                Ok(metadata) if metadata.is_symlink() => {
                    let next = fs::read_link(&target)?;
                    target = directory_of(&target).join(next);
                }
                Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
                Ok(metadata) if !metadata.is_file() => return Ok(Target::Special),
                Ok(metadata) if metadata.permissions().readonly() => {
                    let reason = "a write-protected file of that name exists";
                    return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
                }
                _ => return Ok(Target::File(target)),
            }
        }
        Err(io::Error::other("its symbolic links lead in a circle"))
    }
}

/// A file that takes the place of another.
struct Replacement {
    file: NamedTempFile,
    target: PathBuf,
}

impl Replacement {
    /// An empty one for a file that is there, or not yet. Errors omit the temporary name, which would only puzzle.
    fn beside(target: PathBuf) -> io::Result<Replacement> {
        let directory = directory_of(&target);
        if !directory.is_dir() {
            let reason = format!("there is no directory {}", directory.display());
            return Err(io::Error::new(ErrorKind::NotFound, reason));
        }
        remove_abandoned(directory);
        let mut builder = tempfile::Builder::new();
        // Temporary files are private unless told otherwise.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(PREFIX).tempfile_in(directory).map_err(without_path)?;
        // Shows others that somebody is at work; where files cannot be locked, its age has to do.
        let _ = file.as_file().try_lock();
        if let Ok(old) = fs::metadata(&target) {
            file.as_file().set_permissions(old.permissions())?;
        }
        Ok(Replacement { file, target })
    }

    fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Brings the contents to the disk and gives the file its name.
    fn persist(self) -> io::Result<File> {
        let Replacement { file, target } = self;
        file.as_file().sync_all()?;
        let _ = file.as_file().unlock();
        let file = file.persist(&target).map_err(|error| error.error)?;
        // The name is in the directory. Some systems cannot sync one, and the contents are safe by now.
        #[cfg(unix)]
        let _ = File::open(directory_of(&target)).and_then(|directory| directory.sync_all());
        Ok(file)
    }
}

/// An error of the tempfile crate names its file.
fn without_path(error: io::Error) -> io::Error {
    let code =
        error.get_ref().and_then(std::error::Error::source).and_then(|source| source.downcast_ref::<io::Error>());
    match code.or(Some(&error)).and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes temporary files that dead processes left. What cannot be looked at or removed stays.
fn remove_abandoned(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if is_ours(&entry.file_name()) && entry.metadata().is_ok_and(|metadata| is_abandoned(&metadata)) {
            let path = entry.path();
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn is_abandoned(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    metadata.is_file() && age.is_some_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use tempfile::tempdir;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn put(path: &Path, text: &str) -> io::Result<()> {
        replace_file(path, |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn a_failure_in_the_middle_leaves_the_old_file_and_nothing_else() {
        let directory = tempdir().unwrap();
        let path = directory.path().join("file");
        put(&path, "old").unwrap();
        let error = replace_file(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no more");
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), names(directory.path())),
            ("old", vec!["file".into()])
        );
        put(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn what_an_earlier_process_left_is_removed_and_what_is_young_or_held_is_not() {
        let directory = tempdir().unwrap();
        let old = SystemTime::now() - 2 * ABANDONED;
        let make = |name: &str, modified: SystemTime| {
            let file = File::create(directory.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
            file
        };
        make(".impasto-dead", old);
        make(".impasto-young", SystemTime::now());
        make("impasto-other", old);
        let held = make(".impasto-held", old);
        held.lock().unwrap();
        put(&directory.path().join("file"), "new").unwrap();
        assert_eq!(names(directory.path()), [".impasto-held", ".impasto-young", "file", "impasto-other"]);
    }

    #[test]
    fn directories_and_missing_directories_are_named() {
        let directory = tempdir().unwrap();
        assert_eq!(put(directory.path(), "new").unwrap_err().kind(), ErrorKind::IsADirectory);
        let error = put(&directory.path().join("none/file"), "new").unwrap_err().to_string();
        assert!(error.contains("there is no directory") && error.contains("none"), "{error}");
        assert!(names(directory.path()).is_empty());
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        #[test]
        fn links_stay_and_what_they_point_to_keeps_its_mode() {
            let directory = tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            fs::create_dir(path("far")).unwrap();
            fs::write(path("far/file"), "old").unwrap();
            fs::set_permissions(path("far/file"), PermissionsExt::from_mode(0o640)).unwrap();
            symlink("far/file", path("near")).unwrap();
            symlink("near", path("link")).unwrap();
            put(&path("link"), "new").unwrap();
            assert!(path("link").is_symlink() && path("near").is_symlink());
            assert_eq!(fs::read_to_string(path("far/file")).unwrap(), "new");
            assert_eq!(fs::metadata(path("far/file")).unwrap().permissions().mode() & 0o777, 0o640);
            symlink("far/later", path("dangling")).unwrap();
            put(&path("dangling"), "first").unwrap();
            assert_eq!(fs::read_to_string(path("far/later")).unwrap(), "first");
            symlink("circle", path("circle")).unwrap();
            assert!(put(&path("circle"), "new").unwrap_err().to_string().contains("circle"));
        }

        #[test]
        fn devices_are_written_to_and_not_replaced() {
            put(Path::new("/dev/null"), "nothing").unwrap();
            check_replaceable(Path::new("/dev/null")).unwrap();
            assert!(!fs::metadata("/dev/null").unwrap().is_file());
        }
    }
}
