//! All pictures and works of a page, and what it asks for: the studio's server has the same in `/api`.

mod calls;
mod entry;
mod painter;

pub use calls::{Call, Told, refused};
pub use painter::Step;

use crate::{library::Library, materials::Learned, options, record::Record};
use calls::{Refusal, conflict};
use entry::Entry;
use impasto::{
    Device,
    demo::DRAWN,
    picture::recorded_in,
    studio::{Drawn, Picture, PictureId, Request, Role, State, Work, WorkId, call, demonstration, shown_name, typed},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};
use web_time::{Instant, SystemTime, UNIX_EPOCH};

/// The usual long side where a GPU paints, and where this worker does.
const USUAL: [u32; 2] = [512, 96];

/// The longest that is offered where this worker paints.
const LARGEST_WITHOUT_GPU: u32 = 256;

#[derive(Serialize)]
struct Whole<'a> {
    version: &'static str,
    device: &'a str,
    largest: Option<u32>,
    pictures: Vec<&'a Picture>,
    works: Vec<&'a Work>,
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

    /// Paints on another device from now on: the one before was lost. What was being painted goes on from its checkpoint when
    /// it is resumed.
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
            Call::Pause { work } => self.update(work, Entry::pause),
            Call::Resume { work } => self.update(work, Entry::resume),
            Call::Stop { work } => self.update(work, Entry::stop),
            Call::Further { work, iterations } => self.further(work, iterations),
            Call::Larger { work, size } => self.update(work, |entry| entry.larger(size)),
            Call::Change { work, options } => self.change(work, options),
            Call::Remove { work } => self.update(work, |entry| {
                entry.remove();
                Ok(())
            }),
            Call::Restore { work } => self.update(work, |entry| {
                entry.work.deleted = false;
                Ok(())
            }),
            Call::Keep { work, then } => Ok(self.keep(*work, then.as_deref(), file)),
            Call::Kept { work, problem } => self.update(work, |entry| {
                entry.kept(problem);
                Ok(())
            }),
            Call::Bring { work } => self.update(work, |entry| {
                entry.bring(file);
                Ok(())
            }),
        }
    }

    fn add_picture(&mut self, name: &str, file: Vec<u8>, mask: bool, role: Option<Role>) -> Result<Picture, Refusal> {
        let (picture, view) = self.library.add(name, file, mask, role)?;
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
        self.works.insert(id, Entry::new(work.clone()));
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
    fn update(&mut self, id: WorkId, change: impl FnOnce(&mut Entry) -> Result<(), Refusal>) -> Result<Value, Refusal> {
        let entry = self.works.get_mut(&id).ok_or_else(|| refused(format!("there is no work {id}")))?;
        change(entry)?;
        let work = value(&entry.work);
        self.tell("work", work.clone(), None);
        Ok(work)
    }

    fn further(&mut self, id: WorkId, iterations: u32) -> Result<Value, Refusal> {
        let work = self.update(id, |entry| entry.further(iterations))?;
        if self.works.get(&id).is_some_and(|entry| entry.sitting.is_none()) {
            // It is another painting on top of the result.
            self.tell("no-checkpoint", value(&id), None);
        }
        Ok(work)
    }

    fn change(&mut self, id: WorkId, options: BTreeMap<String, String>) -> Result<Value, Refusal> {
        let present = self.works.get(&id).ok_or_else(|| refused(format!("there is no work {id}")))?;
        let mut request = present.work.request.clone();
        request.options.extend(options);
        options::parsed(&request)?;
        let command = self.command_line(&request)?;
        self.update(id, |entry| entry.change(request, command))
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
        Ok(self.keep(work, None, file))
    }

    /// Takes in a work that the browser kept, as far as it came.
    fn keep(&mut self, work: Work, then: Option<&Work>, file: Vec<u8>) -> Value {
        let id = work.id;
        let entry = Entry::of_kept(work, then, file);
        let told = value(&entry.work);
        let result = entry.result.clone();
        self.works.insert(id, entry);
        if let Some(result) = result {
            self.tell_result(id, result);
        }
        self.tell("work", told.clone(), None);
        told
    }

    fn tell_result(&mut self, id: WorkId, file: Vec<u8>) {
        let Some(Entry { work, .. }) = self.works.get(&id) else { return };
        let told =
            json!({ "work": id, "name": self.result_name(&work.request), "finished": work.state == State::Done });
        self.tell("result", told, Some(file));
    }

    /// Whether a work has failed since this was asked last: the device may be lost.
    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }
}
