//! The pictures and filters that a page was given: their files, in this worker's memory.

use impasto::{
    hexadecimal::hexadecimal,
    picture::{Detail, Encoding, Mask, Opened, Picture as Pixels, PictureError},
    plan::Size,
    studio::{Picture, PictureId, Role, Seen, look_at, shown_name},
    weights::{Filters, Format, WeightsError, read_all},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A picture's file, and what is known of it.
struct Kept {
    picture: Picture,
    file: Vec<u8>,
    digest: String,
}

/// See the module.
#[derive(Default)]
pub struct Library {
    pictures: BTreeMap<PictureId, Kept>,
    filters: BTreeMap<String, Arc<Filters>>,
}

impl Library {
    /// Takes a file, if it is a picture: what is known of it, and how a page shows it, if that is new.
    pub fn add(
        &mut self,
        name: &str,
        file: Vec<u8>,
        mask: bool,
        role: Option<Role>,
    ) -> Result<(Picture, Option<Vec<u8>>), PictureError> {
        let digest = Sha256::digest(&file);
        let id = PictureId::of_digest(&digest);
        if let Some(known) = self.pictures.get(&id) {
            return Ok((known.picture.clone(), None));
        }
        let name = shown_name(name, "picture");
        let Seen { picture, view, alpha } = look_at(id.clone(), name, &file[..], mask)?;
        let view = view.to_png(&picture.name, &Encoding { alpha, ..Encoding::default() })?;
        let picture = Picture { demo: role, ..picture };
        self.pictures.insert(id, Kept { picture: picture.clone(), file, digest: hexadecimal(&digest) });
        Ok((picture, Some(view)))
    }

    pub fn remove(&mut self, id: &PictureId) {
        self.pictures.remove(id);
    }

    pub fn get(&self, id: &PictureId) -> Option<&Picture> {
        self.pictures.get(id).map(|kept| &kept.picture)
    }

    pub fn size(&self, id: &PictureId) -> Option<Size> {
        self.get(id).map(|picture| Size { width: picture.width, height: picture.height })
    }

    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.pictures.values().map(|kept| &kept.picture)
    }

    /// What a picture's user calls it.
    pub fn name(&self, id: &PictureId) -> String {
        self.get(id).map_or("unknown".to_owned(), |picture| picture.name.clone())
    }

    /// SHA-256 of a picture's file.
    pub fn digest(&self, id: &PictureId) -> Option<String> {
        self.pictures.get(id).map(|kept| kept.digest.clone())
    }

    pub fn by_digest(&self, digest: &str) -> Option<PictureId> {
        self.pictures.values().find(|kept| kept.digest == digest).map(|kept| kept.picture.id.clone())
    }

    /// A picture's pixels, with the detail that is needed.
    pub fn open(&self, id: &PictureId, detail: Detail) -> Result<Opened, String> {
        let kept = self.kept(id)?;
        Pixels::read_for(Path::new(&kept.picture.name), &kept.file[..], detail).map_err(|error| error.to_string())
    }

    /// A mask, which must not be empty.
    pub fn open_mask(&self, id: &PictureId, detail: Detail) -> Result<Mask, String> {
        let kept = self.kept(id)?;
        let mask = Mask::read_for(Path::new(&kept.picture.name), &kept.file[..], detail);
        let mask = mask.map_err(|error| error.to_string())?;
        if mask.is_empty() {
            return Err(format!("{} is empty: a mask is white where it counts", kept.picture.name));
        }
        Ok(mask)
    }

    fn kept(&self, id: &PictureId) -> Result<&Kept, String> {
        self.pictures.get(id).ok_or_else(|| format!("there is no picture {id}: choose its file again"))
    }

    /// Takes a safetensors file with the filters of VGG19.
    pub fn add_filters(&mut self, name: &str, file: &[u8]) -> Result<(), WeightsError> {
        let filters = read_all(Path::new(name), file, Format::Torchvision)?;
        self.filters.insert(name.to_owned(), Arc::new(filters));
        Ok(())
    }

    pub fn filters(&self, name: &str) -> Option<Arc<Filters>> {
        self.filters.get(name).cloned()
    }

    pub fn filter_names(&self) -> Vec<&str> {
        self.filters.keys().map(String::as_str).collect()
    }
}
