//! Paints the works of the table, one after the other and piece by piece.

use super::{
    Studio,
    entry::{Checkpoint, Entry},
    value,
};
use crate::{
    materials::Means,
    sitting::{NotTakenUp, Outcome, Sitting},
};
use impasto::{
    studio::{State, WorkId},
    style::CheckpointError,
};
use serde_json::json;
use std::time::Duration;
use web_time::Instant;

/// Time between two reports of a painting that moves fast.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What there is to do for the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing until the page asks for something.
    Idle,
    /// The device has not answered yet.
    Pending,
    Worked,
}

impl Studio {
    /// Does a piece of work, if there is any.
    pub fn step(&mut self) -> Step {
        let find =
            |is_it: &dyn Fn(&Entry) -> bool| self.works.values().find(|entry| is_it(entry)).map(|entry| entry.work.id);
        let with = |state: State| find(&|entry| entry.work.state == state && !entry.work.deleted);
        if let Some(id) = find(&Entry::is_keeping).or_else(|| with(State::Painting)) {
            return self.paint(id);
        }
        if let Some(id) = with(State::Preparing) {
            return self.prepare(id);
        }
        let Some(id) = with(State::Waiting) else { return Step::Idle };
        let begun = |entry: &mut Entry| {
            entry.work.state = if entry.sitting.is_some() { State::Painting } else { State::Preparing };
            Ok(())
        };
        // It was just found.
        let _ = self.update(id, begun);
        Step::Worked
    }

    fn prepare(&mut self, id: WorkId) -> Step {
        let usual = self.usual();
        let Some(Entry { work, sitting, result, checkpoint, .. }) = self.works.get_mut(&id) else { return Step::Idle };
        let mut means = Means { library: &self.library, device: &self.device, usual, learned: &mut self.learned };
        work.message = None;
        let taken_up = match checkpoint {
            Checkpoint::Nowhere => None,
            Checkpoint::InBrowser => {
                *checkpoint = Checkpoint::Wanted;
                self.tell("wanted", value(&id), None);
                return Step::Worked;
            }
            Checkpoint::Wanted => return Step::Idle,
            Checkpoint::Here(file) => match Sitting::take_up(work, &mut means, file) {
                Ok(sitting) => Some(Ok(sitting)),
                Err(NotTakenUp::Work(sentence)) => Some(Err(sentence)),
                Err(NotTakenUp::Checkpoint(error)) => {
                    work.message = Some(format!("{error}: it is painted from the beginning"));
                    None
                }
            },
        };
        if *checkpoint != Checkpoint::Nowhere {
            *checkpoint = Checkpoint::InBrowser;
        }
        match taken_up.unwrap_or_else(|| Sitting::begin(work, &mut means, result.as_deref())) {
            Ok(begun) => {
                let (width, height) = begun.last_size();
                (work.width, work.height, work.state) = (Some(width), Some(height), State::Painting);
                *sitting = Some(begun);
            }
            Err(sentence) => (work.state, work.message) = (State::Failed, Some(sentence)),
        }
        let work = value(work);
        self.tell("work", work, None);
        Step::Worked
    }

    fn paint(&mut self, id: WorkId) -> Step {
        let Some(entry) = self.works.get_mut(&id) else { return Step::Idle };
        let (work, Some(sitting)) = (&mut entry.work, &mut entry.sitting) else { return Step::Idle };
        let before = work.state;
        let mut shown = Vec::new();
        let outcome = sitting.advance(work, &self.library, &mut |work, file| {
            work.picture += 1;
            let dropped = work.keep_in_strip(work.picture);
            shown.push((json!({ "work": work.id, "number": work.picture, "dropped": dropped }), file));
        });
        let ended = sitting.is_ending();
        let checkpoint = sitting.checkpoint(&work.request);
        let (step, file) = match outcome {
            Outcome::Pending => (Step::Pending, None),
            Outcome::Worked => (Step::Worked, None),
            Outcome::Done(file) => {
                work.state = if ended { State::Stopped } else { State::Done };
                (Step::Worked, Some(file))
            }
            Outcome::Failed(file, sentence) => {
                (work.state, work.message) = (State::Failed, Some(sentence));
                // It goes on from its checkpoint if it is resumed.
                (entry.sitting, self.failed) = (None, true);
                (Step::Worked, file)
            }
        };
        if work.state != State::Painting {
            work.left = None;
        }
        let is_done = work.state == State::Done;
        if is_done {
            entry.checkpoint = Checkpoint::Nowhere;
        }
        let has_changed = work.state != before;
        for (told, file) in shown {
            self.tell("on-the-way", told, Some(file));
        }
        if let Some(file) = file {
            self.end_with(id, file);
        }
        if let Some(checkpoint) = checkpoint.filter(|_| !is_done) {
            self.tell_checkpoint(id, checkpoint);
        }
        if has_changed || (step == Step::Worked && self.last_told.elapsed() >= TELL_EVERY) {
            self.last_told = Instant::now();
            let told = self.works.get(&id).map(|entry| value(&entry.work));
            self.tell("work", told.unwrap_or_default(), None);
        }
        step
    }

    fn tell_checkpoint(&mut self, id: WorkId, checkpoint: Result<Vec<u8>, CheckpointError>) {
        let Some(entry) = self.works.get_mut(&id) else { return };
        match checkpoint {
            Ok(file) => {
                let then = value(&entry.work);
                self.tell("checkpoint", then, Some(file));
            }
            Err(error) => entry.kept(Some(error.to_string())),
        }
    }

    fn end_with(&mut self, id: WorkId, file: Vec<u8>) {
        let Some(entry) = self.works.get_mut(&id) else { return };
        (entry.work.result, entry.result) = (true, Some(file.clone()));
        // Each result is shown under a number of its own.
        entry.work.picture += 1;
        self.tell_result(id, file);
    }
}
