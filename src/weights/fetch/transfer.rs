//! The transfer itself: a partial file that grows, is checked, and gets its name.

use super::{
    FetchError, Progress,
    layout::Layout,
    remote::{Identity, Remote},
    write_error,
};
use crate::replace_file::replace_file;
use crate::weights::{
    FileFault,
    cache::{self, Cache},
    header::{Header, LENGTH_BYTES},
    load::{Format, load},
    source::Source,
};
use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes asked for first; a header of VGG19 has three thousand.
const FIRST_REQUEST: u64 = 16 << 10;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Kept beside the partial file, whose length shows how far the fetch got but not which version its bytes belong to.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct State {
    url: String,
    identity: Identity,
}

/// Whether these bytes are such a note, for those who try to break its parser.
#[doc(hidden)]
pub fn is_fetch_state(json: &[u8]) -> bool {
    serde_json::from_slice::<State>(json).is_ok()
}

/// Fetches a file that the cache does not have, or the rest of it.
pub(super) fn receive(
    source: &Source,
    cache: &Cache,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, FetchError> {
    std::fs::create_dir_all(cache.directory()).map_err(write_error(cache.directory()))?;
    let path = cache.path(source, source.deepest);
    let partial_path = cache.partial_path(source);
    let partial = open_partial(&partial_path)?;
    let received = fill(source, &partial_path, &partial, progress);
    let nothing = partial.metadata().is_ok_and(|metadata| metadata.len() == 0);
    // A lock would keep some systems from renaming the file.
    drop(partial);
    if nothing {
        discard(&partial_path);
    }
    received?;
    let checked = check(source, &path, &partial_path);
    if checked.is_ok() {
        std::fs::rename(&partial_path, &path).map_err(write_error(&path))?;
    } else {
        discard(&partial_path);
    }
    discard(&state_path(&partial_path));
    checked.map(|()| path)
}

/// Removes a file that is no longer needed; if that fails, the next fetch overwrites it.
fn discard(path: &Path) {
    let _ = std::fs::remove_file(path);
}

fn state_path(partial: &Path) -> PathBuf {
    cache::with_suffix(partial, "json")
}

fn open_partial(path: &Path) -> Result<File, FetchError> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(write_error(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FetchError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(FetchError::Write { path: path.to_owned(), source }),
    }
}

/// Fills the file from where an earlier fetch broke off, or from its start, to its end.
fn fill(
    source: &Source,
    path: &Path,
    mut partial: &File,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let mut remote = Remote::new(source);
    let header = read_header(source, &mut remote)?;
    let unsuitable = |fault| FetchError::Unsuitable { url: source.url.clone(), fault };
    let layout = Layout::new(&header, source.deepest).map_err(unsuitable)?;
    let mut received = resume(source, path, partial, &layout, &remote).map_err(write_error(path))?;
    let mut buffer = vec![0; CHUNK];
    loop {
        progress(Progress { received, total: layout.bytes });
        let Some(range) = layout.remote(received) else { break };
        let length = remote.read(range, &mut buffer)?;
        partial.write_all(&buffer[..length]).map_err(write_error(path))?;
        received += length as u64;
    }
    partial.sync_all().map_err(write_error(path))
}

fn read_header(source: &Source, remote: &mut Remote) -> Result<Header, FetchError> {
    let unsuitable = |fault| FetchError::Unsuitable { url: source.url.clone(), fault };
    let first = read_bytes(remote, 0, LENGTH_BYTES)?;
    let length = Header::length(&first).map_err(unsuitable)?;
    let known = |remote: &Remote| remote.identity().and_then(|identity| identity.length);
    let header_end = LENGTH_BYTES as u64 + length;
    let damaged = |expected, found| unsuitable(FileFault::WrongLength { expected, found });
    if let Some(found) = known(remote).filter(|&found| found < header_end) {
        return Err(damaged(header_end, found));
    }
    let json = read_bytes(remote, LENGTH_BYTES as u64, length as usize)?;
    let header = Header::parse(&json).map_err(unsuitable)?;
    match known(remote) {
        Some(found) if found != header.file_length() => Err(damaged(header.file_length(), found)),
        _ => Ok(header),
    }
}

/// Bytes of the server's file; fewer if it is known to end earlier.
fn read_bytes(remote: &mut Remote, start: u64, length: usize) -> Result<Vec<u8>, FetchError> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let position = start + filled as u64;
        let end = (start + length as u64).max(FIRST_REQUEST);
        match remote.read(position..end, &mut bytes[filled..])? {
            0 => break,
            length => filled += length,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Prepares the file for writing at the position returned: where an earlier fetch of the same version broke off, or
/// behind a new header.
fn resume(source: &Source, path: &Path, mut file: &File, layout: &Layout, remote: &Remote) -> io::Result<u64> {
    let state_path = state_path(path);
    let state = remote.identity().map(|identity| State { url: source.url.clone(), identity: identity.clone() });
    // If the server does not name its versions, nothing shows that the file is still the same.
    let resumable = state.as_ref().is_some_and(|state| state.identity.version.is_some());
    let earlier = std::fs::read(&state_path).ok().and_then(|bytes| serde_json::from_slice::<State>(&bytes).ok());
    let length = file.metadata()?.len();
    if resumable && earlier == state && (layout.header.len() as u64..=layout.bytes).contains(&length) {
        let mut header = vec![0; layout.header.len()];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut header)?;
        if header == layout.header {
            return file.seek(SeekFrom::Start(length));
        }
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    std::fs::write(&state_path, serde_json::to_vec(&state)?)?;
    file.write_all(&layout.header)?;
    Ok(layout.header.len() as u64)
}

/// Loads the new file once, and compares its digest with the one noted for `path` or notes it.
fn check(source: &Source, path: &Path, partial: &Path) -> Result<(), FetchError> {
    let arrived = |error| FetchError::Arrived { url: source.url.clone(), source: error };
    load(partial, Format::Torchvision, source.deepest).map_err(arrived)?;
    let found = cache::digest(partial).map_err(write_error(partial))?;
    match cache::noted_digest(path).map_err(write_error(path))? {
        Some(noted) if noted != found => {
            let note = cache::with_suffix(path, "sha256");
            Err(FetchError::OtherDigest { url: source.url.clone(), found, noted, note })
        }
        Some(_) => Ok(()),
        None => note_digest(path, &found).map_err(write_error(path)),
    }
}

/// Notes the digest of a file in the format of the `sha256sum` command.
fn note_digest(path: &Path, digest: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    replace_file(&cache::with_suffix(path, "sha256"), |file| writeln!(file, "{digest}  {name}"))
}
