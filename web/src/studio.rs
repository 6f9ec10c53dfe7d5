//! All pictures and works of a page, and what it asks for: the studio's server has the same in `/api`.

use crate::{
    library::Library,
    options,
    record::Record,
    sitting::{Learned, Outcome, Sitting},
};
use impasto::{
    Device,
    demo::DRAWN,
    picture::recorded_in,
    studio::{
        Drawn, MOST_FURTHER, Picture, PictureId, Request, RequestError, Role, State, Work, WorkId, call, demonstration,
        shown_name, typed,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    time::Duration,
};
use web_time::{Instant, SystemTime, UNIX_EPOCH};

/// The usual long side where a GPU paints, and where this worker does.
const USUAL: [u32; 2] = [512, 96];

/// The longest that is offered where this worker paints.
const LARGEST_WITHOUT_GPU: u32 = 256;

/// What a page asks for.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    State,
    Options,
    /// A picture's file comes with it.
    AddPicture {
        name: String,
        mask: bool,
    },
    RemovePicture {
        picture: PictureId,
    },
    /// A saved picture's file comes with it.
    Reopen {
        name: String,
    },
    /// A safetensors file comes with it.
    AddFilters {
        name: String,
    },
    Begin {
        request: Request,
    },
    Pause {
        work: WorkId,
    },
    Resume {
        work: WorkId,
    },
    Stop {
        work: WorkId,
    },
    Further {
        work: WorkId,
        iterations: u32,
    },
    Larger {
        work: WorkId,
        size: u32,
    },
    Change {
        work: WorkId,
        options: BTreeMap<String, String>,
    },
    Remove {
        work: WorkId,
    },
    Restore {
        work: WorkId,
    },
    /// What the browser kept of a work; its result's file comes with it, if there is one.
    Keep {
        work: Box<Work>,
    },
}

/// Why something is not done, in a sentence.
#[derive(Debug, Serialize)]
pub struct Refusal {
    pub refused: String,
    /// Whether the state of the work is the reason, so that a new one may.
    pub conflict: bool,
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Refusal {
        refused(error)
    }
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal { refused: error.to_string(), conflict: false }
}

fn conflict(sentence: impl Into<String>) -> Refusal {
    Refusal { refused: sentence.into(), conflict: true }
}

/// Something that happened, for the page.
#[derive(Serialize)]
pub struct Told {
    event: &'static str,
    data: Value,
    /// A file that belongs to it.
    #[serde(skip)]
    pub file: Option<Vec<u8>>,
}

struct Entry {
    work: Work,
    /// While it is painted, and after that for as long as the page is open.
    sitting: Option<Sitting>,
    result: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Whole<'a> {
    version: &'static str,
    device: &'a str,
    largest: Option<u32>,
    pictures: Vec<&'a Picture>,
    works: Vec<&'a Work>,
}

/// What there is to do for the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing until the page asks for something.
    Idle,
    /// The device has not answered yet.
    Pending,
    Worked,
}

/// See the module.
pub struct Studio {
    device: Device,
    library: Library,
    works: BTreeMap<WorkId, Entry>,
    told: VecDeque<Told>,
    learned: Option<Learned>,
    /// Whether a work has failed since that was asked last.
    failed: bool,
    last_told: Instant,
}

/// Time between two reports of a painting that moves fast.
const TELL_EVERY: Duration = Duration::from_millis(100);

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).expect("strings, numbers and lists can be written")
}

impl Studio {
    /// With the demonstration's pictures.
    ///
    /// # Errors
    /// Never in practice: what is drawn can be read.
    pub fn new(device: Device) -> Result<Studio, String> {
        let (library, works, told) = (Library::default(), BTreeMap::new(), VecDeque::new());
        let mut studio =
            Studio { device, library, works, told, learned: None, failed: false, last_told: Instant::now() };
        for Drawn { role, name, file } in demonstration().map_err(|error| error.to_string())? {
            studio.add_picture(name, file, false, Some(role)).map_err(|refusal| refusal.refused)?;
        }
        Ok(studio)
    }

    /// Paints on another device from now on: the one before was lost. What was being painted begins anew when it is
    /// resumed.
    pub fn set_device(&mut self, device: Device) {
        self.device = device;
        self.works.values_mut().for_each(|entry| entry.sitting = None);
    }

    fn has_gpu(&self) -> bool {
        matches!(self.device, Device::Gpu(_))
    }

    fn usual(&self) -> u32 {
        USUAL[usize::from(!self.has_gpu())]
    }

    /// The oldest thing that happened and was not told yet.
    pub fn next_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    fn tell(&mut self, event: &'static str, data: Value, file: Option<Vec<u8>>) {
        self.told.push_back(Told { event, data, file });
    }

    /// Does what is asked, and answers in JSON. `file` comes with some calls.
    ///
    /// # Errors
    /// A refusal, which leaves everything as it was.
    pub fn answer(&mut self, call: Call, file: Vec<u8>) -> Result<Value, Refusal> {
        match call {
            Call::State => Ok(value(&Whole {
                version: env!("CARGO_PKG_VERSION"),
                device: self.device.name(),
                largest: (!self.has_gpu()).then_some(LARGEST_WITHOUT_GPU),
                pictures: self.library.pictures().collect(),
                works: self.works.values().rev().map(|entry| &entry.work).collect(),
            })),
            Call::Options => Ok(json!({ "groups": options::all(&self.library.filter_names(), self.usual()) })),
            Call::AddPicture { name, mask } => self.add_picture(&name, file, mask, None).map(|picture| value(&picture)),
            Call::RemovePicture { picture } => self.remove_picture(&picture).map(|()| Value::Null),
            Call::Reopen { name } => self.reopen(&name, file),
            Call::AddFilters { name } => {
                self.library.add_filters(&name, &file).map_err(refused)?;
                self.tell("options", Value::Null, None);
                Ok(Value::Null)
            }
            Call::Begin { request } => self.begin(request),
            Call::Pause { work } => self.update(work, |work, _| match work.state {
                State::Waiting | State::Preparing | State::Painting | State::Paused => {
                    work.state = State::Paused;
                    Ok(())
                }
                _ => Err(conflict("only what is painted or waits can be paused")),
            }),
            Call::Resume { work } => self.update(work, |work, sitting| {
                work.resume().map_err(conflict)?;
                if let Some(sitting) = sitting.as_mut().filter(|_| work.state == State::Waiting) {
                    sitting.go_on();
                }
                Ok(())
            }),
            Call::Stop { work } => self.stop(work),
            Call::Further { work, iterations } => self.further(work, iterations),
            Call::Larger { work, size } => self.larger(work, size),
            Call::Change { work, options } => self.change(work, options),
            Call::Remove { work } => {
                self.update(work, |work, _| {
                    work.deleted = true;
                    if !matches!(work.state, State::Done | State::Failed) {
                        work.state = State::Stopped;
                    }
                    Ok(())
                })?;
                Ok(Value::Null)
            }
            Call::Restore { work } => self.update(work, |work, _| {
                work.deleted = false;
                Ok(())
            }),
            Call::Keep { work } => Ok(self.keep(*work, file)),
        }
    }

    fn add_picture(&mut self, name: &str, file: Vec<u8>, mask: bool, role: Option<Role>) -> Result<Picture, Refusal> {
        let (picture, view) = self.library.add(name, file, mask, role).map_err(refused)?;
        if let Some(view) = view {
            self.tell("view", value(&picture.id), Some(view));
            self.tell("picture", value(&picture), None);
        }
        Ok(picture)
    }

    fn remove_picture(&mut self, id: &PictureId) -> Result<(), Refusal> {
        let name = self.library.name(id);
        let uses = |entry: &&Entry| entry.work.request.pictures().any(|used| used == id);
        if let Some(entry) = self.works.values().find(uses) {
            let number = entry.work.id;
            return Err(conflict(format!("{name} is part of work {number}: delete that first, or keep both")));
        }
        if self.library.get(id).is_some_and(|picture| picture.demo.is_some()) {
            return Err(conflict(format!("{name} belongs to the demonstration and stays")));
        }
        self.library.remove(id);
        self.tell("gone", json!({ "picture": id }), None);
        Ok(())
    }

    fn begin(&mut self, request: Request) -> Result<Value, Refusal> {
        if let Some(missing) = request.pictures().find(|id| self.library.get(id).is_none()) {
            return Err(refused(format!("there is no picture {missing}: choose its file again")));
        }
        let options = options::parsed(&request)?;
        let own = self.library.size(&request.photograph).unwrap_or(DRAWN);
        options.recipe(options.long_side(own, self.usual())).check().map_err(refused)?;
        self.new_work(request).map(|work| value(&work))
    }

    fn new_work(&mut self, request: Request) -> Result<Work, Refusal> {
        let id = self.works.last_key_value().map_or(1, |(last, _)| last + 1);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let command = self.command_line(&request)?;
        let work = Work::new(id, request, command, created);
        self.works.insert(id, Entry { work: work.clone(), sitting: None, result: None });
        self.tell("work", value(&work), None);
        Ok(work)
    }

    /// What one would type for a request.
    fn command_line(&self, request: &Request) -> Result<String, Refusal> {
        let named = |id: &PictureId| self.library.name(id).into();
        let mut words = call(request.pictures_given(named)?, options::given(request)?);
        if !request.options.contains_key("weights") {
            words.push(format!("--weights={}", options::LEARNED).into());
        }
        words.push(format!("--output={}", self.result_name(request)).into());
        Ok(typed(&words))
    }

    fn result_name(&self, request: &Request) -> String {
        request.result_name(|id| Some(self.library.get(id)?.name.clone()))
    }

    /// Changes a work, tells it, and answers with it.
    fn update(
        &mut self,
        id: WorkId,
        change: impl FnOnce(&mut Work, &mut Option<Sitting>) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        let Entry { work, sitting, .. } =
            self.works.get_mut(&id).ok_or_else(|| refused(format!("there is no work {id}")))?;
        change(work, sitting)?;
        let work = value(work);
        self.tell("work", work.clone(), None);
        Ok(work)
    }

    fn stop(&mut self, id: WorkId) -> Result<Value, Refusal> {
        self.update(id, |work, sitting| match (work.state, sitting) {
            // Its picture is waited for: it stops when that has come.
            (State::Painting, Some(sitting)) => {
                sitting.end();
                Ok(())
            }
            (State::Paused, Some(sitting)) if work.iteration > 0 => {
                sitting.end();
                work.state = State::Painting;
                Ok(())
            }
            (State::Waiting | State::Paused | State::Failed | State::Preparing | State::Painting, _) => {
                work.state = State::Stopped;
                Ok(())
            }
            (State::Stopped, _) => Ok(()),
            (State::Done, _) => Err(conflict("it is painted already")),
        })
    }

    fn further(&mut self, id: WorkId, iterations: u32) -> Result<Value, Refusal> {
        if !(1..=MOST_FURTHER).contains(&iterations) {
            return Err(refused(format!("iterations are 1 to {MOST_FURTHER}")));
        }
        self.update(id, |work, sitting| match (work.state, sitting) {
            (State::Painting | State::Paused, Some(sitting)) => {
                sitting.go_further(iterations).map_err(conflict)?;
                work.iterations = work.iterations.saturating_add(iterations);
                Ok(())
            }
            (State::Done | State::Stopped, sitting) if work.result => {
                *sitting = None;
                (work.state, work.message, work.further) = (State::Waiting, None, Some(iterations));
                Ok(())
            }
            _ => Err(conflict("it has no result yet that could be painted on")),
        })
    }

    fn larger(&mut self, id: WorkId, size: u32) -> Result<Value, Refusal> {
        self.update(id, |work, sitting| {
            let long = work.width.zip(work.height).map_or(0, |(width, height)| width.max(height));
            if size <= long {
                return Err(conflict(format!("it has {long} pixels on its long side already: ask for more")));
            }
            let gone = || conflict("it was begun before this page was opened, and cannot grow: begin a new one");
            let sitting = sitting.as_mut().ok_or_else(gone)?;
            sitting.grow(size).map_err(conflict)?;
            let (width, height) = sitting.last_size();
            (work.larger, work.width, work.height) = (Some(size), Some(width), Some(height));
            if !matches!(work.state, State::Painting | State::Paused) {
                (work.state, work.message) = (State::Waiting, None);
            }
            Ok(())
        })
    }

    fn change(&mut self, id: WorkId, options: BTreeMap<String, String>) -> Result<Value, Refusal> {
        let present = self.works.get(&id).ok_or_else(|| refused(format!("there is no work {id}")))?;
        let mut request = present.work.request.clone();
        request.options.extend(options);
        options::parsed(&request)?;
        let command = self.command_line(&request)?;
        self.update(id, |work, sitting| {
            match (work.state, sitting) {
                (State::Painting | State::Paused, Some(sitting)) => sitting.change(&request).map_err(conflict)?,
                (State::Waiting, None) => {}
                _ => return Err(conflict("it is not being painted: let it go on first, or begin a new one")),
            }
            (work.request, work.command) = (request, command);
            Ok(())
        })
    }

    /// Takes up a picture that was saved: its record says what was asked for.
    fn reopen(&mut self, name: &str, file: Vec<u8>) -> Result<Value, Refusal> {
        let name = shown_name(name, "the picture");
        let text = recorded_in(Path::new(&name), &file).map_err(refused)?;
        let text = text.ok_or_else(|| refused(format!("{name} does not remember how it was painted")))?;
        let record: Record = serde_json::from_str(&text)
            .map_err(|_| refused(format!("{name} was painted by another version: this one cannot go on with it")))?;
        let request = record.request(&self.library).map_err(|missing| {
            refused(format!("{name} was painted from {}: choose these first, then open it again", missing.join(", ")))
        })?;
        let mut work = self.new_work(request)?;
        let (width, height) = record.size();
        (work.state, work.result, work.picture) = (State::Done, true, 1);
        (work.width, work.height) = (Some(width), Some(height));
        Ok(self.keep(work, file))
    }

    /// Takes in a work that the browser kept, as far as it came.
    fn keep(&mut self, mut work: Work, file: Vec<u8>) -> Value {
        if matches!(work.state, State::Waiting | State::Preparing | State::Painting | State::Paused) {
            // What was on the way is gone with the page that painted it.
            work.state = State::Stopped;
        }
        work.left = None;
        work.strip.clear();
        work.result = !file.is_empty();
        let id = work.id;
        let told = value(&work);
        let result = work.result.then(|| file.clone());
        if work.result {
            self.tell("result", json!({ "work": id, "name": self.result_name(&work.request) }), Some(file));
        }
        self.works.insert(id, Entry { work, sitting: None, result });
        self.tell("work", told.clone(), None);
        told
    }

    /// Does a piece of work, if there is any.
    pub fn step(&mut self) -> Step {
        let with = |state: State| {
            self.works
                .values()
                .find(|entry| entry.work.state == state && !entry.work.deleted)
                .map(|entry| entry.work.id)
        };
        if let Some(id) = with(State::Painting) {
            return self.paint(id);
        }
        if let Some(id) = with(State::Preparing) {
            self.prepare(id);
            return Step::Worked;
        }
        let Some(id) = with(State::Waiting) else { return Step::Idle };
        let begun = |work: &mut Work, sitting: &mut Option<Sitting>| {
            work.state = if sitting.is_some() { State::Painting } else { State::Preparing };
            Ok(())
        };
        // It was just found.
        let _ = self.update(id, begun);
        Step::Worked
    }

    fn prepare(&mut self, id: WorkId) {
        let usual = self.usual();
        let Some(entry) = self.works.get_mut(&id) else { return };
        let base = entry.result.as_deref();
        let begun = Sitting::begin(&entry.work, &self.library, &self.device, usual, base, &mut self.learned);
        match begun {
            Ok(sitting) => {
                let (width, height) = sitting.last_size();
                (entry.work.width, entry.work.height) = (Some(width), Some(height));
                (entry.work.state, entry.work.message) = (State::Painting, None);
                entry.sitting = Some(sitting);
            }
            Err(sentence) => (entry.work.state, entry.work.message) = (State::Failed, Some(sentence)),
        }
        let work = value(&entry.work);
        self.tell("work", work, None);
    }

    fn paint(&mut self, id: WorkId) -> Step {
        let Some(entry) = self.works.get_mut(&id) else { return Step::Idle };
        let (work, Some(sitting)) = (&mut entry.work, &mut entry.sitting) else { return Step::Idle };
        let mut shown = Vec::new();
        let outcome = sitting.advance(work, &self.library, &mut |work, file| {
            work.picture += 1;
            let dropped = work.keep_in_strip(work.picture);
            shown.push((json!({ "work": work.id, "number": work.picture, "dropped": dropped }), file));
        });
        let ended = sitting.is_ending();
        let (step, file) = match outcome {
            Outcome::Pending => (Step::Pending, None),
            Outcome::Worked => (Step::Worked, None),
            Outcome::Done(file) => {
                work.state = if ended { State::Stopped } else { State::Done };
                (Step::Worked, Some(file))
            }
            Outcome::Failed(file, sentence) => {
                (work.state, work.message) = (State::Failed, Some(sentence));
                // It begins anew if it is resumed.
                (entry.sitting, self.failed) = (None, true);
                (Step::Worked, file)
            }
        };
        let has_ended = work.state != State::Painting;
        if has_ended {
            work.left = None;
        }
        for (told, file) in shown {
            self.tell("on-the-way", told, Some(file));
        }
        if let Some(file) = file {
            self.end_with(id, file);
        }
        if has_ended || (step == Step::Worked && self.last_told.elapsed() >= TELL_EVERY) {
            self.last_told = Instant::now();
            let told = self.works.get(&id).map(|entry| value(&entry.work));
            self.tell("work", told.unwrap_or_default(), None);
        }
        step
    }

    /// Whether a work has failed since this was asked last: the device may be lost.
    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }

    fn end_with(&mut self, id: WorkId, file: Vec<u8>) {
        let Some(entry) = self.works.get(&id) else { return };
        let name = self.result_name(&entry.work.request);
        let Some(entry) = self.works.get_mut(&id) else { return };
        (entry.work.result, entry.result) = (true, Some(file.clone()));
        // Each result is shown under a number of its own.
        entry.work.picture += 1;
        self.tell("result", json!({ "work": id, "name": name }), Some(file));
    }
}
