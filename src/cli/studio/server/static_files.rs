//! A folder of files, as any server shows one: for the page that needs no studio behind it.

use super::page::kind_of;
use axum::{
    Router,
    extract::{Request, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of a folder and of the folders in it, by their addresses. What is found when it is opened is all that is ever
/// shown, so that no address leads out of it.
#[derive(Debug)]
pub(in super::super) struct StaticFiles(BTreeMap<String, PathBuf>);

impl StaticFiles {
    /// Finds all files; there is none if the folder has no index.html.
    pub fn open(folder: &Path) -> io::Result<StaticFiles> {
        let mut files = BTreeMap::new();
        find(folder, "/", &mut files)?;
        match files.get("/index.html").cloned() {
            Some(index) => files.insert("/".to_owned(), index),
            None => return Err(io::Error::new(io::ErrorKind::NotFound, "it has no index.html")),
        };
        Ok(StaticFiles(files))
    }

    pub fn router(self) -> Router {
        Router::new().fallback(get(show)).with_state(Arc::new(self))
    }
}

fn find(folder: &Path, address: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        // A name that is no text has no address.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find(&entry.path(), &format!("{address}{name}/"), files)?;
        } else if kind.is_file() {
            files.insert(format!("{address}{name}"), entry.path());
        }
    }
    Ok(())
}

async fn show(State(files): State<Arc<StaticFiles>>, request: Request) -> Response {
    let missing = || (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response();
    let Some(path) = files.0.get(request.uri().path()) else { return missing() };
    let Ok(bytes) = std::fs::read(path) else { return missing() };
    let kind = kind_of(path).unwrap_or("application/octet-stream");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], bytes).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn only_what_is_in_the_folder_has_an_address() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("web");
        std::fs::create_dir_all(folder.join("page")).unwrap();
        std::fs::write(parent.path().join("secret"), "").unwrap();
        assert!(StaticFiles::open(&folder).unwrap_err().to_string().contains("index.html"));
        for name in ["index.html", "page/a b.js"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(parent.path(), folder.join("out")).unwrap();
        let StaticFiles(files) = StaticFiles::open(&folder).unwrap();
        let addresses: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(addresses, ["/", "/index.html", "/page/a b.js"]);
    }
}
