//! What a work is painted with: the pixels of its pictures, and filters.

use crate::{
    library::Library,
    options::{LEARNED, Options},
};
use impasto::{
    Device, Engine,
    learn::{LearnSettings, learn_filters},
    options::detail_for,
    picture::{Mask, Picture},
    plan::Pooling,
    studio::{PictureId, Request},
    style::{Inputs, StyleInput},
    weights::Filters,
};
use std::sync::Arc;

/// Pictures are read with the detail that this long side needs at least, so that what was painted small can grow.
const ROOM: u32 = 2048;

/// What was learned from some pictures, which further works from the same pictures need not learn again.
pub struct Learned {
    pictures: Vec<PictureId>,
    filters: Arc<Filters>,
}

/// What all works of a page are painted with.
pub struct Means<'a> {
    pub library: &'a Library,
    pub device: &'a Device,
    /// The long side where none is named.
    pub usual: u32,
    pub learned: &'a mut Option<Learned>,
}

/// The pictures of a request, with the detail that a result of this long side needs.
pub fn read(request: &Request, options: &Options, library: &Library, long: u32) -> Result<Inputs, String> {
    let detail = detail_for(long.max(ROOM));
    let content = library.open(&request.photograph, detail)?;
    let mask = |id: &Option<PictureId>| -> Result<Option<Mask>, String> {
        id.as_ref().map(|id| library.open_mask(id, detail)).transpose()
    };
    let blend = &options.look.paintings;
    let mut paintings = Vec::new();
    for (number, painting) in request.ordered().into_iter().enumerate() {
        let side = (f64::from(long.max(ROOM)) * f64::from(blend.scale(number))).ceil() as u32;
        let opened = library.open(&painting.picture, detail_for(side))?;
        let part = match (mask(&painting.mask)?, opened.alpha) {
            (Some(mask), Some(alpha)) => Some(mask.and(&alpha)),
            (mask, alpha) => mask.or(alpha),
        };
        paintings.push(StyleInput { picture: opened.picture, mask: part, region: mask(&painting.region)? });
    }
    let keep = mask(&request.keep)?;
    Ok(Inputs { content: content.picture, alpha: content.alpha, keep, paintings })
}

/// The filters that a request names, or those that are learned from its pictures.
pub fn filters(
    request: &Request,
    options: &Options,
    means: &mut Means<'_>,
    inputs: &Inputs,
) -> Result<Arc<Filters>, String> {
    if options.weights != LEARNED {
        let missing =
            || format!("there are no filters {}: open their file again, or take learned ones", options.weights);
        return means.library.filters(&options.weights).ok_or_else(missing);
    }
    let pictures: Vec<_> =
        [&request.photograph].into_iter().chain(request.ordered().iter().map(|one| &one.picture)).cloned().collect();
    if let Some(known) = means.learned.as_ref().filter(|known| known.pictures == pictures) {
        return Ok(known.filters.clone());
    }
    let paintings = inputs.paintings.iter().map(|painting| &painting.picture);
    let pixels: Vec<&Picture> = [&inputs.content].into_iter().chain(paintings).collect();
    let filters = learn_filters(&pixels, &LearnSettings::default()).map_err(|error| error.to_string())?;
    let filters = Arc::new(filters);
    *means.learned = Some(Learned { pictures, filters: filters.clone() });
    Ok(filters)
}

/// The device with filters for this pooling.
pub fn engine(device: &Device, filters: Arc<Filters>, pooling: Pooling) -> Result<Engine, String> {
    let filters = match pooling {
        Pooling::Max => filters,
        Pooling::Average => Arc::new((*filters).clone().for_average_pooling()),
    };
    Engine::new(device, filters).map_err(|error| error.to_string())
}
