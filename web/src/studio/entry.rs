//! One work of the page's table, and what may be asked of it.

use super::calls::{Refusal, conflict, refused};
use crate::sitting::Sitting;
use impasto::studio::{Request, State, Work, check_further};

/// Where the checkpoint is from which a work goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    Nowhere,
    InBrowser,
    /// In the browser, which was asked for it.
    Wanted,
    /// Its file.
    Here(Vec<u8>),
}

/// See the module.
pub struct Entry {
    pub work: Work,
    /// While it is painted, and after that for as long as the page is open.
    pub sitting: Option<Sitting>,
    pub result: Option<Vec<u8>>,
    pub checkpoint: Checkpoint,
    /// Whether the browser had no room for the last checkpoint.
    pub unkept: bool,
}

impl Entry {
    pub fn new(work: Work) -> Entry {
        Entry { work, sitting: None, result: None, checkpoint: Checkpoint::Nowhere, unkept: false }
    }

    /// What the browser kept, as it is and as it was at its checkpoint: what was on the way goes on from there, if somebody
    /// lets it.
    pub fn of_kept(mut work: Work, then: Option<&Work>, result: Vec<u8>) -> Entry {
        let then = then.filter(|_| work.state != State::Done);
        if matches!(work.state, State::Waiting | State::Preparing | State::Painting | State::Paused) {
            work.state = if then.is_some() { State::Paused } else { State::Stopped };
        }
        work.left = None;
        work.strip.clear();
        work.result = !result.is_empty();
        let mut checkpoint = Checkpoint::Nowhere;
        if let Some(then) = then {
            checkpoint = Checkpoint::InBrowser;
            work.go_back(then);
            work.strip.extend((work.picture > 0).then_some(work.picture));
        }
        let result = work.result.then_some(result);
        Entry { work, sitting: None, result, checkpoint, unkept: false }
    }

    /// Whether there is something to do for it although it is not painted: it owes a checkpoint.
    pub fn is_keeping(&self) -> bool {
        let rests = matches!(self.work.state, State::Paused | State::Stopped);
        rests && self.sitting.as_ref().is_some_and(Sitting::is_keeping)
    }

    pub fn pause(&mut self) -> Result<(), Refusal> {
        match (self.work.state, &mut self.sitting) {
            (State::Painting, Some(sitting)) => sitting.keep(),
            (State::Preparing, _) => {}
            _ => return self.work.pause().map_err(conflict),
        }
        self.work.state = State::Paused;
        Ok(())
    }

    pub fn resume(&mut self) -> Result<(), Refusal> {
        self.work.resume().map_err(conflict)?;
        if let Some(sitting) = self.sitting.as_mut().filter(|_| self.work.state == State::Waiting) {
            sitting.go_on();
        }
        Ok(())
    }

    pub fn stop(&mut self) -> Result<(), Refusal> {
        match (self.work.state, &mut self.sitting) {
            // Its picture is waited for: it stops when that has come.
            (State::Painting, Some(sitting)) => sitting.end(),
            (State::Paused, Some(sitting)) if self.work.iteration > 0 => {
                sitting.end();
                self.work.state = State::Painting;
            }
            (State::Preparing | State::Painting, _) => self.work.state = State::Stopped,
            _ => return self.work.stop().map_err(conflict),
        }
        Ok(())
    }

    /// Adds iterations at the present size, or on top of the result.
    pub fn further(&mut self, iterations: u32) -> Result<(), Refusal> {
        check_further(iterations).map_err(refused)?;
        match (self.work.state, &mut self.sitting) {
            (State::Painting | State::Paused, Some(sitting)) => {
                sitting.go_further(iterations).map_err(conflict)?;
                self.work.iterations = self.work.iterations.saturating_add(iterations);
                Ok(())
            }
            (State::Done | State::Stopped, sitting) if self.work.result => {
                // The checkpoint is of another painting.
                (*sitting, self.checkpoint) = (None, Checkpoint::Nowhere);
                (self.work.state, self.work.message, self.work.further) = (State::Waiting, None, Some(iterations));
                Ok(())
            }
            _ => Err(conflict("it has no result yet that could be painted on")),
        }
    }

    /// Lets it grow to another long side.
    pub fn larger(&mut self, size: u32) -> Result<(), Refusal> {
        let work = &mut self.work;
        let long = work.width.zip(work.height).map_or(0, |(width, height)| width.max(height));
        if size <= long {
            return Err(conflict(format!("it has {long} pixels on its long side already: ask for more")));
        }
        match &mut self.sitting {
            Some(sitting) => {
                sitting.grow(size).map_err(conflict)?;
                let (width, height) = sitting.last_size();
                (work.width, work.height) = (Some(width), Some(height));
            }
            // It grows when it goes on.
            None if self.checkpoint != Checkpoint::Nowhere => {}
            None => {
                return Err(conflict("it was begun before this page was opened, and cannot grow: begin a new one"));
            }
        }
        work.larger = Some(size);
        let goes_on = matches!(work.state, State::Painting | State::Paused) && self.sitting.is_some();
        if !goes_on && work.state != State::Preparing {
            (work.state, work.message) = (State::Waiting, None);
        }
        Ok(())
    }

    /// Lets it go on as another request says, for which one would type `command`.
    pub fn change(&mut self, request: Request, command: String) -> Result<(), Refusal> {
        match (self.work.state, &mut self.sitting) {
            (State::Painting | State::Paused, Some(sitting)) => sitting.change(&request).map_err(conflict)?,
            (State::Waiting, None) if self.checkpoint == Checkpoint::Nowhere => {}
            _ => return Err(conflict("it is not being painted: let it go on first, or begin a new one")),
        }
        (self.work.request, self.work.command) = (request, command);
        Ok(())
    }

    /// Takes it out of sight, until it is restored or the page is opened again.
    pub fn remove(&mut self) {
        self.work.deleted = true;
        if !matches!(self.work.state, State::Done | State::Failed) {
            self.work.state = State::Stopped;
        }
    }

    /// The file of a checkpoint that was wanted, which is empty if it is gone.
    pub fn bring(&mut self, file: Vec<u8>) {
        if self.checkpoint == Checkpoint::Wanted {
            self.checkpoint = if file.is_empty() { Checkpoint::Nowhere } else { Checkpoint::Here(file) };
        }
    }

    /// The browser kept the last checkpoint, or did not, for a reason.
    pub fn kept(&mut self, problem: Option<String>) {
        if let Some(sitting) = &mut self.sitting {
            sitting.kept();
        }
        match problem {
            Some(problem) => {
                self.unkept = true;
                self.work.message = Some(format!(
                    "how far it is cannot be kept in this browser ({problem}): make room, or leave the page open until it is done"
                ));
            }
            None if self.work.state == State::Done => {}
            None => {
                self.checkpoint = Checkpoint::InBrowser;
                if std::mem::take(&mut self.unkept) {
                    self.work.message = None;
                }
            }
        }
    }
}
