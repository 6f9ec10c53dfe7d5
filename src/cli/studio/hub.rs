//! What the server and the painter share: all pictures and works, who is told of changes, and what the painter is asked.

use super::store::{Store, StoreError};
use impasto::studio::{Picture, PictureId, Request, Role, State, Work, WorkId};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, oneshot};

/// Events that a slow page may be behind before it is told everything anew.
const BEHIND: usize = 64;

/// Why something cannot be done now, in a sentence; a conflict with the state of a work.
#[derive(Debug, thiserror::Error)]
pub(super) enum HubError {
    #[error("there is no work {0}")]
    NoWork(WorkId),
    #[error("there is no picture {0}: it has been removed, or never came in whole")]
    NoPicture(PictureId),
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn conflict(sentence: &str) -> HubError {
    HubError::Conflict(sentence.to_owned())
}

/// What the painter is asked, between two iterations.
#[derive(Debug)]
pub(super) enum Command {
    /// Keep everything and leave.
    Leave(Leave),
    /// Change the recipe to that of a request.
    Change(Request, oneshot::Sender<Result<(), String>>),
    /// Iterate more at the present size.
    Further(u32, oneshot::Sender<Result<(), String>>),
}

/// What becomes of a work that the painter leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Pause,
    /// With the picture so far as its result.
    Stop,
    /// It is painted on when its turn comes.
    Wait,
    /// Nothing of it is wanted any more.
    Drop,
}

/// Something that happened, for those who watch.
#[derive(Debug)]
pub(super) struct Told {
    pub event: &'static str,
    pub data: String,
}

#[derive(Debug, Default)]
struct Inner {
    pictures: BTreeMap<PictureId, Picture>,
    works: BTreeMap<WorkId, Work>,
    /// The work that is being painted, and the way to its painter.
    present: Option<(WorkId, mpsc::Sender<Command>)>,
    device: Option<String>,
    closing: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Hub {
    pub store: Store,
    /// Options of `stylize` that say where and with what to compute, where a request does not.
    pub machine: Vec<String>,
    inner: Mutex<Inner>,
    wake: Condvar,
    told: broadcast::Sender<Arc<Told>>,
}

/// Everything, as `/api/state` tells it.
#[derive(Serialize)]
struct Whole<'a> {
    version: &'static str,
    device: Option<&'a str>,
    pictures: Vec<&'a Picture>,
    works: Vec<&'a Work>,
}

impl Hub {
    /// Takes up what is in the directory: what was being painted waits for its turn, and what was deleted goes.
    pub fn open(store: Store, machine: Vec<String>) -> Result<Hub, StoreError> {
        let mut inner = Inner::default();
        for mut work in store.works()? {
            if work.deleted {
                store.forget_work(work.id)?;
                continue;
            }
            if matches!(work.state, State::Preparing | State::Painting) {
                work.state = State::Waiting;
            }
            inner.works.insert(work.id, work);
        }
        inner.pictures = store.pictures()?.into_iter().map(|picture| (picture.id.clone(), picture)).collect();
        let (told, _) = broadcast::channel(BEHIND);
        Ok(Hub { store, machine, inner: Mutex::new(inner), wake: Condvar::new(), told })
    }

    /// A thread that panicked with the lock has changed one work at most, and not half.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to what happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Told>> {
        self.told.subscribe()
    }

    /// Whether anybody sees what is painted.
    pub fn is_watched(&self) -> bool {
        self.told.receiver_count() > 0
    }

    fn tell(&self, event: &'static str, data: &impl Serialize) {
        let data = serde_json::to_string(data).expect("strings, numbers and lists can be written");
        // Nobody listens, or somebody does.
        let _ = self.told.send(Arc::new(Told { event, data }));
    }

    /// Everything, as JSON.
    pub fn state(&self) -> String {
        let inner = self.lock();
        let whole = Whole {
            version: env!("CARGO_PKG_VERSION"),
            device: inner.device.as_deref(),
            pictures: inner.pictures.values().collect(),
            works: inner.works.values().rev().collect(),
        };
        serde_json::to_string(&whole).expect("strings, numbers and lists can be written")
    }

    pub fn set_device(&self, name: &str) {
        self.lock().device = Some(name.to_owned());
    }

    pub fn picture(&self, id: &PictureId) -> Result<Picture, HubError> {
        self.lock().pictures.get(id).cloned().ok_or_else(|| HubError::NoPicture(id.clone()))
    }

    /// Takes a picture whose files are there. What is known already keeps what is known of it.
    pub fn add_picture(&self, picture: Picture) -> Result<Picture, HubError> {
        let mut inner = self.lock();
        if let Some(known) = inner.pictures.get(&picture.id) {
            return Ok(known.clone());
        }
        self.store.save_picture(&picture)?;
        self.tell("picture", &picture);
        inner.pictures.insert(picture.id.clone(), picture.clone());
        Ok(picture)
    }

    /// Lets a picture be one of the demonstration's.
    pub fn mark_as_demo(&self, id: &PictureId, role: Role) -> Result<(), HubError> {
        let mut inner = self.lock();
        let picture = inner.pictures.get_mut(id).ok_or_else(|| HubError::NoPicture(id.clone()))?;
        picture.demo = Some(role);
        self.store.save_picture(picture)?;
        Ok(())
    }

    pub fn remove_picture(&self, id: &PictureId) -> Result<(), HubError> {
        let mut inner = self.lock();
        let picture = inner.pictures.get(id).ok_or_else(|| HubError::NoPicture(id.clone()))?;
        if let Some(work) = inner.works.values().find(|work| work.request.pictures().any(|used| used == id)) {
            return Err(HubError::Conflict(format!(
                "{} is part of work {}: delete that first, or keep both",
                picture.name, work.id
            )));
        }
        if picture.demo.is_some() {
            return Err(HubError::Conflict(format!("{} belongs to the demonstration and stays", picture.name)));
        }
        inner.pictures.remove(id);
        self.store.forget_picture(id)?;
        self.tell("gone", &serde_json::json!({ "picture": id }));
        Ok(())
    }

    pub fn work(&self, id: WorkId) -> Result<Work, HubError> {
        self.lock().works.get(&id).cloned().ok_or(HubError::NoWork(id))
    }

    /// A new work at the end of the queue. `command` is what one would type for it.
    pub fn add_work(&self, request: Request, command: String) -> Result<Work, HubError> {
        let mut inner = self.lock();
        if let Some(missing) = request.pictures().find(|id| !inner.pictures.contains_key(id)) {
            return Err(HubError::NoPicture(missing.clone()));
        }
        let id = inner.works.last_key_value().map_or(1, |(last, _)| last + 1);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let work = Work::new(id, request, command, created);
        self.store.save_work(&work)?;
        self.tell("work", &work);
        inner.works.insert(id, work.clone());
        self.wake.notify_all();
        Ok(work)
    }

    /// Changes what is known of a work, in memory and for those who watch, if they are to know now.
    pub fn note(&self, id: WorkId, tell: bool, change: impl FnOnce(&mut Work)) {
        if let Some(work) = self.lock().works.get_mut(&id) {
            change(work);
            if tell {
                self.tell("work", work);
            }
        }
    }

    /// Changes what is known of a work for good.
    pub fn update(&self, id: WorkId, change: impl FnOnce(&mut Work)) -> Result<Work, HubError> {
        self.try_update(id, |work| {
            change(work);
            Ok(())
        })
    }

    fn try_update(&self, id: WorkId, change: impl FnOnce(&mut Work) -> Result<(), HubError>) -> Result<Work, HubError> {
        let mut inner = self.lock();
        let mut work = inner.works.get(&id).cloned().ok_or(HubError::NoWork(id))?;
        change(&mut work)?;
        self.store.save_work(&work)?;
        self.tell("work", &work);
        inner.works.insert(id, work.clone());
        self.wake.notify_all();
        Ok(work)
    }

    /// The next work of the queue, once there is one, and what its painter is asked; none when the studio closes.
    pub fn next(&self) -> Option<(Work, mpsc::Receiver<Command>)> {
        let mut inner = self.lock();
        loop {
            if inner.closing {
                return None;
            }
            let waiting = inner.works.values().find(|work| work.state == State::Waiting && !work.deleted).cloned();
            if let Some(work) = waiting {
                let (sender, commands) = mpsc::channel();
                inner.present = Some((work.id, sender));
                return Some((work, commands));
            }
            inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The painter has left its work.
    pub fn left(&self) {
        self.lock().present = None;
    }

    /// Asks the painter of a work for something; false if nobody paints it.
    pub fn ask(&self, id: WorkId, command: Command) -> bool {
        match &self.lock().present {
            Some((present, painter)) if *present == id => painter.send(command).is_ok(),
            _ => false,
        }
    }

    /// No further work is begun, and the present one is kept.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closing = true;
        if let Some((_, painter)) = &inner.present {
            // It may have just left.
            let _ = painter.send(Command::Leave(Leave::Wait));
        }
        self.wake.notify_all();
    }

    /// Pauses a work, now or where it stands in the queue.
    pub fn pause(&self, id: WorkId) -> Result<Work, HubError> {
        if self.ask(id, Command::Leave(Leave::Pause)) {
            return self.work(id);
        }
        self.try_update(id, |work| work.pause().map_err(conflict))
    }

    /// Puts a work that does not go on back into the queue.
    pub fn resume(&self, id: WorkId) -> Result<Work, HubError> {
        self.try_update(id, |work| work.resume().map_err(conflict))
    }

    /// Ends a work, with the picture so far.
    pub fn stop(&self, id: WorkId) -> Result<Work, HubError> {
        if self.ask(id, Command::Leave(Leave::Stop)) {
            return self.work(id);
        }
        self.try_update(id, |work| work.stop().map_err(conflict))
    }

    /// Lets a work grow to another long side.
    pub fn larger(&self, id: WorkId, size: u32) -> Result<Work, HubError> {
        let work = self.try_update(id, |work| {
            if let (Some(width), Some(height)) = (work.width, work.height)
                && size <= width.max(height)
            {
                return Err(HubError::Conflict(format!("it has {width} x {height} pixels already: ask for more")));
            }
            work.larger = Some(size);
            if !matches!(work.state, State::Preparing | State::Painting) {
                (work.state, work.message) = (State::Waiting, None);
            }
            Ok(())
        })?;
        // It goes on from its checkpoint, with more of its pictures' detail.
        self.ask(id, Command::Leave(Leave::Wait));
        Ok(work)
    }

    /// Lets a finished work be painted on from its result.
    pub fn further(&self, id: WorkId, iterations: u32) -> Result<Work, HubError> {
        self.try_update(id, |work| {
            if !work.result || !matches!(work.state, State::Done | State::Stopped) {
                return Err(HubError::Conflict("it has no result yet that could be painted on".to_owned()));
            }
            let copied = std::fs::copy(self.store.result(id), self.store.base(id));
            copied.map_err(|source| StoreError::Io { path: self.store.base(id), source })?;
            // The checkpoint is of another painting.
            let _ = std::fs::remove_file(self.store.checkpoint(id));
            (work.state, work.message, work.further) = (State::Waiting, None, Some(iterations));
            Ok(())
        })
    }

    /// Takes a work out of sight, until it is restored or the studio is opened again.
    pub fn delete(&self, id: WorkId) -> Result<(), HubError> {
        self.update(id, |work| {
            work.deleted = true;
            if work.state == State::Waiting {
                work.state = State::Stopped;
            }
        })?;
        self.ask(id, Command::Leave(Leave::Drop));
        Ok(())
    }

    pub fn restore(&self, id: WorkId) -> Result<Work, HubError> {
        self.update(id, |work| work.deleted = false)
    }
}
