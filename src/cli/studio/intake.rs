//! Pictures that come into the studio: a file, its view, and what is known of it.

use super::{
    hub::{Hub, HubError},
    store::{Store, StoreError},
};
use impasto::{
    picture::{Encoding, PictureError},
    studio::{Drawn, Picture, PictureId, Seen, demonstration, look_at, shown_name},
};
use sha2::{Digest, Sha256};
use std::{fs::File, io};

/// Quality of the JPEG file that a page is shown.
const VIEW_QUALITY: u8 = 90;

/// Why a file does not become a picture of the studio.
#[derive(Debug, thiserror::Error)]
pub(super) enum IntakeError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// A file that has come in, and its digest.
pub(super) struct Incoming {
    pub file: tempfile::NamedTempFile,
    pub digest: [u8; 32],
    /// What the user calls it.
    pub name: String,
    /// Whether it is a mask.
    pub mask: bool,
}

/// Takes a file that has come in, if it is a picture. Reads as much of it as its view needs.
pub(super) fn take(hub: &Hub, incoming: Incoming) -> Result<Picture, IntakeError> {
    let id = PictureId::of_digest(&incoming.digest);
    if let Ok(known) = hub.picture(&id) {
        return Ok(known);
    }
    // Errors call it what the user does.
    let name = shown_name(&incoming.name, "picture");
    let file = reopened(&hub.store, &incoming)?;
    let Seen { picture, view, alpha } = look_at(id.clone(), name, file, incoming.mask)?;
    hub.store.make_picture(&id)?;
    let encoding = Encoding { jpeg_quality: VIEW_QUALITY, alpha, ..Encoding::default() };
    view.save_as(hub.store.view(&id), &encoding)?;
    let path = hub.store.original(&id);
    let persisted = incoming.file.persist(&path).map_err(|error| error.error);
    persisted.and_then(|file| file.sync_all()).map_err(|source| StoreError::Io { path, source })?;
    Ok(hub.add_picture(picture)?)
}

fn reopened(store: &Store, incoming: &Incoming) -> Result<File, StoreError> {
    incoming.file.reopen().map_err(|source| StoreError::Io { path: store.directory().to_owned(), source })
}

/// Draws the demonstration's pictures, if they are not there.
pub(super) fn draw_demonstration(hub: &Hub) -> Result<(), IntakeError> {
    for Drawn { role, name, file: bytes } in demonstration()? {
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let id = PictureId::of_digest(&digest);
        if hub.picture(&id).is_ok() {
            continue;
        }
        let failed = |source: io::Error| StoreError::Io { path: hub.store.directory().to_owned(), source };
        let mut file = hub.store.incoming()?;
        io::Write::write_all(&mut file, &bytes).map_err(failed)?;
        let picture = take(hub, Incoming { file, digest, name: name.to_owned(), mask: false })?;
        hub.mark_as_demo(&picture.id, role)?;
    }
    Ok(())
}
