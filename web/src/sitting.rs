//! One work while it is painted, piece by piece.

use crate::{
    library::Library,
    materials::{Means, engine, filters, read},
    options::{Options, parsed},
    record::Record,
};
use impasto::{
    Engine,
    pace::Pace,
    picture::{Detail, Encoding, Mask, Picture, record_fits},
    studio::{CHECKPOINT_EVERY, Request, SHOW_EVERY, State, Work},
    style::{Checkpoint, CheckpointError, Estimate, Event, Init, Painting, Recipe, Status},
};
use serde::{Deserialize, Serialize};
use std::{path::Path, sync::Arc};
use web_time::Instant;

/// What errors call a checkpoint.
const NAME: &str = "in this browser";

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

/// What a checkpoint knows besides the painting.
#[derive(Deserialize, Serialize)]
struct Notes {
    /// As it was then: what has changed since counts from when the work goes on.
    request: Request,
    /// The long side that pictures were read for.
    read_for: u32,
    /// See [`Sitting`].
    further: (u32, u32),
}

/// Why a work does not go on from a checkpoint.
pub enum NotTakenUp {
    /// It cannot, but it can begin anew.
    Checkpoint(CheckpointError),
    /// It cannot be painted now; a sentence for the user.
    Work(String),
}

impl From<CheckpointError> for NotTakenUp {
    fn from(error: CheckpointError) -> NotTakenUp {
        NotTakenUp::Checkpoint(error)
    }
}

impl From<String> for NotTakenUp {
    fn from(sentence: String) -> NotTakenUp {
        NotTakenUp::Work(sentence)
    }
}

/// When checkpoints are made.
struct Keeping {
    pace: Pace,
    /// Whether one was asked for and has not come yet.
    asked: bool,
    /// Since when the last is being made and kept, while it is.
    since: Option<Instant>,
}

/// See the module.
pub struct Sitting {
    painting: Painting,
    engine: Engine,
    encoding: Encoding,
    estimate: Estimate,
    /// The long side that pictures were read for.
    read_for: u32,
    pace: Pace,
    keeping: Keeping,
    /// Iterations that were asked for on the way, at the smallest size and at each of the others.
    further: (u32, u32),
    /// Whether the next picture that comes is the result.
    ending: bool,
}

impl Sitting {
    /// Reads the pictures of a work, learns filters if no others were chosen, and prepares to paint: on top of `base`, its
    /// result, if further iterations were asked for.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn begin(work: &Work, means: &mut Means<'_>, base: Option<&[u8]>) -> Result<Sitting, String> {
        let request = &work.request;
        let options = parsed(request).map_err(sentence)?;
        let own = means.library.size(&request.photograph);
        let own = own.ok_or("the photograph is not there any more: choose it again")?;
        let read_for = work.larger.unwrap_or(options.long_side(own, means.usual));
        let inputs = read(request, &options, means.library, read_for)?;
        let mut recipe = match (work.further, base) {
            (Some(iterations), Some(base)) => {
                let start = Picture::read_for(Path::new("the result"), base, Detail::Full).map_err(sentence)?.picture;
                let long = start.size().long_side();
                let recipe = options.recipe_from(long, Init::Picture(Arc::new(start)));
                Recipe { min_scale: long, first_iterations: iterations, ..recipe }
            }
            _ => options.recipe(read_for),
        };
        recipe.check().map_err(sentence)?;
        let filters = filters(request, &options, means, &inputs)?;
        if let Some(reach) = filters.deepest() {
            options.look.follow(&mut recipe, reach, filters.origin);
        }
        let engine = engine(means.device, filters, recipe.pooling)?;
        let alpha = inputs.alpha.clone();
        let painting = Painting::new(&engine, inputs, recipe).map_err(sentence)?;
        Ok(Sitting::of(painting, engine, &options, alpha, read_for))
    }

    /// Goes on from a checkpoint, with the pictures and filters that it was painted with. What was asked for since it was made
    /// counts from now on.
    pub fn take_up(work: &Work, means: &mut Means<'_>, checkpoint: &[u8]) -> Result<Sitting, NotTakenUp> {
        let checkpoint = Checkpoint::from_bytes(Path::new(NAME), checkpoint)?;
        let notes: Notes = serde_json::from_str(&checkpoint.notes)
            .map_err(|_| CheckpointError::Contradiction("its notes are those of another version"))?;
        let options = parsed(&notes.request).map_err(sentence)?;
        let inputs = read(&notes.request, &options, means.library, notes.read_for)?;
        let filters = filters(&notes.request, &options, means, &inputs)?;
        let engine = engine(means.device, filters, checkpoint.recipe().pooling)?;
        let alpha = inputs.alpha.clone();
        let painting = Painting::resume(&engine, inputs, checkpoint)?;
        let mut sitting =
            Sitting { further: notes.further, ..Sitting::of(painting, engine, &options, alpha, notes.read_for) };
        if work.request != notes.request {
            sitting.change(&work.request)?;
        }
        if let Some(long) = work.larger.filter(|long| *long > sitting.painting.recipe().size) {
            sitting.grow(long)?;
        }
        Ok(sitting)
    }

    fn of(painting: Painting, engine: Engine, options: &Options, alpha: Option<Mask>, read_for: u32) -> Sitting {
        let now = Instant::now();
        Sitting {
            estimate: Estimate::of(painting.recipe(), painting.sizes()),
            encoding: Encoding { depth: options.depth, alpha, density: options.sizes.density(), ..Encoding::default() },
            painting,
            engine,
            read_for,
            pace: Pace::at_once(now, SHOW_EVERY),
            keeping: Keeping { pace: Pace::later(now, CHECKPOINT_EVERY), asked: false, since: None },
            further: (0, 0),
            ending: false,
        }
    }

    /// Does a piece of work. `show` gets the files of pictures on the way.
    pub fn advance(&mut self, work: &mut Work, library: &Library, show: &mut dyn FnMut(&mut Work, Vec<u8>)) -> Outcome {
        let now = Instant::now();
        // What is paused goes on only until its checkpoint is there.
        if work.state == State::Painting {
            if self.pace.is_due(now) {
                self.painting.request_picture();
            }
            if self.keeping.since.is_none() && self.keeping.pace.is_due(now) {
                self.keep();
            }
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

    /// Makes a checkpoint as soon as the device can.
    pub fn keep(&mut self) {
        self.keeping.asked = true;
        self.painting.request_checkpoint();
    }

    /// Whether a checkpoint was asked for and has not come yet.
    pub fn is_keeping(&self) -> bool {
        self.keeping.asked
    }

    /// The file of the checkpoint that was asked for, once it is there.
    pub fn checkpoint(&mut self, request: &Request) -> Option<Result<Vec<u8>, CheckpointError>> {
        let mut checkpoint = self.painting.take_checkpoint()?;
        (self.keeping.asked, self.keeping.since) = (false, Some(Instant::now()));
        let notes = Notes { request: request.clone(), read_for: self.read_for, further: self.further };
        checkpoint.notes = serde_json::to_string(&notes).expect("words and numbers can be written");
        Some(checkpoint.to_bytes(Path::new(NAME)))
    }

    /// The browser is done with the last checkpoint.
    pub fn kept(&mut self) {
        if let Some(since) = self.keeping.since.take() {
            self.keeping.pace.took(since, Instant::now());
        }
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
        self.keep();
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
        // Nothing else knows of them.
        self.keep();
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
