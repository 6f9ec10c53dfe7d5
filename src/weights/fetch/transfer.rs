//! The transfer itself: a partial file that grows, is checked, and gets its name.

use super::{
    FetchError, Progress,
    claim::{self, Claim},
    layout::Layout,
    remote::{Identity, Remote},
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
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes asked for first; a header of VGG19 has three thousand.
const FIRST_REQUEST: u64 = 16 << 10;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Noted beside the partial file, whose length shows how far the fetch got but not which version its bytes belong to.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct State {
    url: String,
    identity: Identity,
}

impl State {
    fn of(source: &Source, remote: &Remote) -> Option<State> {
        remote.identity().map(|identity| State { url: source.url.clone(), identity: identity.clone() })
    }

    /// If the server does not name its versions, nothing shows that the file is still the same.
    fn is_resumable(&self) -> bool {
        self.identity.version.is_some()
    }
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
    sweep(cache.directory());
    // Nothing is written before it is known that there is something to write.
    let mut remote = Remote::new(source);
    let header = read_header(source, &mut remote)?;
    let unsuitable = |fault| FetchError::Unsuitable { url: source.url.clone(), fault };
    let layout = Layout::new(&header, source.deepest).map_err(unsuitable)?;
    let mut claim = Claim::take(&cache.partial_path(source))?;
    // Another process may just have finished.
    if let Some(path) = cache.find_usable(source) {
        claim.discard();
        return Ok(path);
    }
    let path = cache.path(source, source.deepest);
    match transfer(source, &path, &layout, &mut claim, &mut remote, progress) {
        Ok(()) => {
            claim.release();
            Ok(path)
        }
        Err(error) => {
            let received = std::fs::metadata(&claim.partial).map_or(0, |metadata| metadata.len());
            let resumable = State::of(source, &remote).is_some_and(|state| state.is_resumable());
            if !(resumable && received > layout.header.len() as u64 && leaves_a_rest(&error)) {
                claim.discard();
            }
            Err(error)
        }
    }
}

/// Whether the bytes that have arrived are good, and only the others are missing.
fn leaves_a_rest(error: &FetchError) -> bool {
    use FetchError::*;
    matches!(error, Broken { .. } | Offline { .. } | Status { .. } | Redirect { .. } | WrongRange { .. })
}

/// Receives, checks and names the file. All this time it is claimed.
fn transfer(
    source: &Source,
    path: &Path,
    layout: &Layout,
    claim: &mut Claim,
    remote: &mut Remote,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let partial_path = claim.partial.clone();
    let failed = write_error(&partial_path);
    let mut partial =
        File::options().read(true).write(true).create(true).truncate(false).open(&partial_path).map_err(&failed)?;
    let mut received = resume(State::of(source, remote), claim, &mut partial, layout).map_err(&failed)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        progress(Progress { received, total: layout.bytes });
        let Some(range) = layout.remote(received) else { break };
        let length = remote.read(range, &mut buffer)?;
        partial.write_all(&buffer[..length]).map_err(&failed)?;
        received += length as u64;
    }
    partial.sync_all().map_err(&failed)?;
    // Some systems do not rename an open file.
    drop(partial);
    check(source, path, &partial_path)?;
    std::fs::rename(&partial_path, path).map_err(write_error(path))
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> FetchError {
    move |source| FetchError::Write { path: path.to_owned(), source }
}

/// Removes what processes that no longer run have left in the cache, except partial files that a fetch can go on from.
/// What cannot be removed is not in the way.
fn sweep(directory: &Path) {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut partials = BTreeSet::new();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let partial = name.strip_suffix(&format!(".{}", claim::SUFFIX)).unwrap_or(&name);
        if cache::is_partial(partial) {
            partials.insert(path.with_file_name(partial));
        }
    }
    for partial in partials {
        let Ok(mut claim) = Claim::take(&partial) else { continue };
        let state = claim.note().ok().and_then(|note| serde_json::from_slice::<State>(&note).ok());
        let bytes = std::fs::metadata(&partial).map_or(0, |metadata| metadata.len());
        if bytes == 0 || !state.is_some_and(|state| state.is_resumable()) {
            claim.discard();
        }
    }
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
fn resume(state: Option<State>, claim: &mut Claim, file: &mut File, layout: &Layout) -> io::Result<u64> {
    let earlier = serde_json::from_slice::<State>(&claim.note()?).ok();
    let length = file.metadata()?.len();
    let resumable = earlier == state && earlier.is_some_and(|state| state.is_resumable());
    if resumable && (layout.header.len() as u64..=layout.bytes).contains(&length) {
        let mut header = vec![0; layout.header.len()];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut header)?;
        if header == layout.header {
            return file.seek(SeekFrom::Start(length));
        }
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    claim.set_note(&serde_json::to_vec(&state)?)?;
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
