//! Pictures that come in, and those that are there from the start.

use super::{
    names::PictureId,
    work::{Picture, Role},
};
use crate::{
    demo::{DRAWN, brushwork, townscape},
    picture::{Detail, Encoding, Mask, Picture as Pixels, PictureError, fit_long_side},
};
use std::{io::Read, path::Path};

/// Long side of the picture that a page is shown.
const VIEW: u32 = 1024;

/// A picture that has come in.
pub struct Seen {
    /// What is known of it.
    pub picture: Picture,
    /// How a page shows it.
    pub view: Pixels,
    pub alpha: Option<Mask>,
}

/// Looks at a file, of which it reads as much as the view needs; errors call it `name`.
pub fn look_at(id: PictureId, name: String, file: impl Read, mask: bool) -> Result<Seen, PictureError> {
    let opened = Pixels::read_for(Path::new(&name), file, Detail::LongSide(VIEW))?;
    let shown = fit_long_side(opened.size, VIEW.min(opened.size.long_side()));
    let (width, height, alpha) = (opened.size.width, opened.size.height, opened.alpha.is_some());
    let picture = Picture { id, name, width, height, demo: None, alpha, mask };
    Ok(Seen { picture, view: opened.picture.resize(shown), alpha: opened.alpha })
}

/// A picture of the demonstration.
pub struct Drawn {
    pub role: Role,
    pub name: &'static str,
    /// Its file: drawing always gives the same.
    pub file: Vec<u8>,
}

/// The pictures of the demonstration.
pub fn demonstration() -> Result<[Drawn; 2], PictureError> {
    let drawn = |role, name, picture: Pixels| {
        Ok::<_, PictureError>(Drawn { role, name, file: picture.to_png(name, &Encoding::default())? })
    };
    Ok([
        drawn(Role::Photograph, "town.png", townscape(DRAWN))?,
        drawn(Role::Painting, "brushwork.png", brushwork(DRAWN))?,
    ])
}
