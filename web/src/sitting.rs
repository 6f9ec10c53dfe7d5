//! One work while it is painted, piece by piece.

use crate::{
    library::Library,
    options::{LEARNED, Options, parsed},
    record::Record,
};
use impasto::{
    Device, Engine,
    learn::{LearnSettings, learn_filters},
    options::detail_for,
    pace::Pace,
    picture::{Detail, Encoding, Mask, Picture, record_fits},
    plan::Pooling,
    studio::{PictureId, Request, SHOW_EVERY, Work},
    style::{Estimate, Event, Init, Inputs, Painting, Recipe, Status, StyleInput},
    weights::Filters,
};
use std::{path::Path, sync::Arc};
use web_time::Instant;

/// Pictures are read with the detail that this long side needs at least, so that what was painted small can grow.
const ROOM: u32 = 2048;

/// What was learned from some pictures, which further works from the same pictures need not learn again.
pub struct Learned {
    pictures: Vec<PictureId>,
    filters: Arc<Filters>,
}

/// What a piece of work led to.
pub enum Outcome {
    /// The device has not answered yet.
    Pending,
    Worked,
    /// With the result.
    Done(Vec<u8>),
    /// With what there was to save, and the reason in a sentence.
    Failed(Option<Vec<u8>>, String),
}

/// See the module.
pub struct Sitting {
    painting: Painting,
    engine: Engine,
    encoding: Encoding,
    estimate: Estimate,
    pace: Pace,
    /// Iterations that were asked for on the way, at the smallest size and at each of the others.
    further: (u32, u32),
    /// Whether the next picture that comes is the result.
    ending: bool,
}

impl Sitting {
    /// Reads the pictures of a work, learns filters if no others were chosen, and prepares to paint: on top of `base`, its
    /// result, if further iterations were asked for. `usual` is the long side where none is named.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn begin(
        work: &Work,
        library: &Library,
        device: &Device,
        usual: u32,
        base: Option<&[u8]>,
        learned: &mut Option<Learned>,
    ) -> Result<Sitting, String> {
        let request = &work.request;
        let options = parsed(request).map_err(sentence)?;
        let (inputs, long) = read(request, &options, library, work.larger, usual)?;
        let mut recipe = match (work.further, base) {
            (Some(iterations), Some(base)) => {
                let start = Picture::read_for(Path::new("the result"), base, Detail::Full).map_err(sentence)?.picture;
                let long = start.size().long_side();
                let recipe = options.recipe_from(long, Init::Picture(Arc::new(start)));
                Recipe { min_scale: long, first_iterations: iterations, ..recipe }
            }
            _ => options.recipe(long),
        };
        recipe.check().map_err(sentence)?;
        let filters = filters(request, &options, library, &inputs, learned)?;
        if let Some(reach) = filters.deepest() {
            options.look.follow(&mut recipe, reach, filters.origin);
        }
        let filters = match recipe.pooling {
            Pooling::Max => filters,
            Pooling::Average => Arc::new((*filters).clone().for_average_pooling()),
        };
        let engine = Engine::new(device, filters).map_err(sentence)?;
        let alpha = inputs.alpha.clone();
        let painting = Painting::new(&engine, inputs, recipe).map_err(sentence)?;
        let encoding =
            Encoding { depth: options.depth, alpha, density: options.sizes.density(), ..Encoding::default() };
        let estimate = Estimate::of(painting.recipe(), painting.sizes());
        let pace = Pace::at_once(Instant::now(), SHOW_EVERY);
        Ok(Sitting { painting, engine, encoding, estimate, pace, further: (0, 0), ending: false })
    }

    /// Does a piece of work. `show` gets the files of pictures on the way.
    pub fn advance(&mut self, work: &mut Work, library: &Library, show: &mut dyn FnMut(&mut Work, Vec<u8>)) -> Outcome {
        let now = Instant::now();
        if self.pace.is_due(now) {
            self.painting.request_picture();
        }
        let status = match self.painting.advance() {
            Ok(status) => status,
            Err(error) => {
                let saved = error.so_far.as_ref().and_then(|picture| self.file(picture, &work.request, library).ok());
                return Outcome::Failed(saved, error.to_string());
            }
        };
        let ended = self.see(work, library, show);
        let result = match (ended, status) {
            (Some(picture), _) => Ok(Some(picture)),
            // It does not wait: what is painted is there.
            (None, Status::Done) => self.painting.picture().map_err(sentence),
            (None, Status::Pending) => return Outcome::Pending,
            (None, Status::Worked) => return Outcome::Worked,
        };
        let file = result.and_then(|picture| {
            let picture = picture.ok_or("nothing was painted yet".to_owned())?;
            self.file(&picture, &work.request, library)
        });
        match file {
            Ok(file) => Outcome::Done(file),
            Err(sentence) => Outcome::Failed(None, sentence),
        }
    }

    /// Takes note of what happened; the picture with which the work is to end, if it has come.
    fn see(&mut self, work: &mut Work, library: &Library, show: &mut dyn FnMut(&mut Work, Vec<u8>)) -> Option<Picture> {
        while let Some(event) = self.painting.next_event() {
            match &event {
                Event::Scale { number, .. } => self.estimate.begin(*number - 1),
                Event::Iteration { iteration, seconds, .. } => self.estimate.advance(*iteration, *seconds),
                Event::Snapshot { picture, .. } if self.ending => return Some(picture.clone()),
                Event::Snapshot { picture, .. } => {
                    let start = Instant::now();
                    if let Ok(file) = self.file(picture, &work.request, library) {
                        show(work, file);
                    }
                    self.pace.took(start, Instant::now());
                }
                _ => {}
            }
            work.see(&event);
            work.left = self.estimate.left().map(|left| left.as_secs_f64());
        }
        None
    }

    /// A picture as a PNG file that remembers how it was painted.
    fn file(&self, picture: &Picture, request: &Request, library: &Library) -> Result<Vec<u8>, String> {
        let size = (picture.size().width, picture.size().height);
        let record = Record::new(request, library, &self.engine, self.painting.recipe(), size).to_text();
        let record = Some(record).filter(|record| record_fits(record));
        picture.to_png("the picture", &Encoding { record, ..self.encoding.clone() }).map_err(sentence)
    }

    /// The size at which it ends.
    pub fn last_size(&self) -> (u32, u32) {
        let size = self.painting.last_size();
        (size.width, size.height)
    }

    /// Lets the next picture be the result.
    pub fn end(&mut self) {
        self.ending = true;
        self.painting.request_picture();
    }

    /// Whether the next picture is the result.
    pub fn is_ending(&self) -> bool {
        self.ending
    }

    /// Goes on after all.
    pub fn go_on(&mut self) {
        self.ending = false;
    }

    /// Adds iterations at the present size.
    pub fn go_further(&mut self, iterations: u32) -> Result<(), String> {
        let first = self.painting.scale() == 0;
        let add = |count: &mut u32| *count = count.saturating_add(iterations);
        let changed = self.painting.change(|recipe| match first {
            true => add(&mut recipe.first_iterations),
            false => add(&mut recipe.iterations),
        });
        changed.map_err(sentence)?;
        add(if first { &mut self.further.0 } else { &mut self.further.1 });
        self.estimate.follow(self.painting.recipe(), self.painting.sizes());
        Ok(())
    }

    /// Lets it grow to another long side.
    pub fn grow(&mut self, long: u32) -> Result<(), String> {
        self.painting.change(|recipe| recipe.size = long).map_err(sentence)?;
        self.ending = false;
        self.estimate.follow(self.painting.recipe(), self.painting.sizes());
        Ok(())
    }

    /// Lets it go on as another request says, where only what can change on the way has changed.
    pub fn change(&mut self, request: &Request) -> Result<(), String> {
        let options = parsed(request).map_err(sentence)?;
        let recipe = options.look.on_the_way(self.painting.recipe(), self.engine.filters(), self.further);
        self.painting.change(|present| *present = recipe).map_err(sentence)?;
        self.estimate.follow(self.painting.recipe(), self.painting.sizes());
        Ok(())
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What is painted from, and the long side of the result.
fn read(
    request: &Request,
    options: &Options,
    library: &Library,
    larger: Option<u32>,
    usual: u32,
) -> Result<(Inputs, u32), String> {
    let own = library.size(&request.photograph).ok_or("the photograph is not there any more: choose it again")?;
    let long = larger.unwrap_or(options.long_side(own, usual));
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
    Ok((Inputs { content: content.picture, alpha: content.alpha, keep, paintings }, long))
}

/// The filters that a request names, or those that are learned from its pictures.
fn filters(
    request: &Request,
    options: &Options,
    library: &Library,
    inputs: &Inputs,
    learned: &mut Option<Learned>,
) -> Result<Arc<Filters>, String> {
    if options.weights != LEARNED {
        let missing =
            || format!("there are no filters {}: open their file again, or take learned ones", options.weights);
        return library.filters(&options.weights).ok_or_else(missing);
    }
    let pictures: Vec<_> =
        [&request.photograph].into_iter().chain(request.ordered().iter().map(|one| &one.picture)).cloned().collect();
    if let Some(known) = learned.as_ref().filter(|known| known.pictures == pictures) {
        return Ok(known.filters.clone());
    }
    let paintings = inputs.paintings.iter().map(|painting| &painting.picture);
    let pixels: Vec<&Picture> = [&inputs.content].into_iter().chain(paintings).collect();
    let filters = Arc::new(learn_filters(&pixels, &LearnSettings::default()).map_err(sentence)?);
    *learned = Some(Learned { pictures, filters: filters.clone() });
    Ok(filters)
}
