//! What the studio knows of a picture and of a work, as the page and other programs see it.

use super::names::{PictureId, WorkId};
use crate::{plan::Size, style::Event};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most points of a loss curve; it is thinned where there would be more.
const MOST_LOSSES: usize = 200;

/// The most pictures of a strip; every other is dropped where there would be more.
const MOST_IN_STRIP: usize = 24;

/// More iterations at once are a mistake.
const MOST_FURTHER: u32 = 10_000;

/// Whether so many further iterations may be asked for; a sentence if not.
pub fn check_further(iterations: u32) -> Result<(), String> {
    match iterations {
        1..=MOST_FURTHER => Ok(()),
        _ => Err(format!("iterations are 1 to {MOST_FURTHER}")),
    }
}

/// A picture that something can be painted from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub id: PictureId,
    /// What the user calls its file.
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// What it is in the demonstration, if it is one of its two pictures.
    pub demo: Option<Role>,
    /// Whether it is transparent anywhere.
    pub alpha: bool,
    /// Whether it was painted as a mask.
    pub mask: bool,
}

/// What a picture of the demonstration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Photograph,
    Painting,
}

/// What is to be painted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub photograph: PictureId,
    pub paintings: Vec<Painting>,
    /// Where the photograph stays.
    #[serde(default)]
    pub keep: Option<PictureId>,
    /// Options of `impasto stylize`, without their dashes, with their values; of one that takes none, any.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// A painting whose style is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Painting {
    pub picture: PictureId,
    /// How much it counts; 1 by default.
    #[serde(default)]
    pub weight: Option<f32>,
    /// The part of it that counts.
    #[serde(default)]
    pub mask: Option<PictureId>,
    /// Where on the photograph it rules.
    #[serde(default)]
    pub region: Option<PictureId>,
}

impl Painting {
    fn pictures(&self) -> impl Iterator<Item = &PictureId> {
        [&self.picture].into_iter().chain(&self.mask).chain(&self.region)
    }
}

impl Request {
    /// Every picture that it names.
    pub fn pictures(&self) -> impl Iterator<Item = &PictureId> {
        let of_paintings = self.paintings.iter().flat_map(Painting::pictures);
        [&self.photograph].into_iter().chain(&self.keep).chain(of_paintings)
    }
}

/// How far a work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In the queue.
    Waiting,
    /// Pictures are read, filters loaded or learned.
    Preparing,
    Painting,
    /// Until somebody lets it go on.
    Paused,
    Done,
    /// Ended by the user; can go on.
    Stopped,
    Failed,
}

/// One size of the picture while it grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Which, from 1.
    pub number: usize,
    pub count: usize,
    pub width: u32,
    pub height: u32,
}

/// A picture that is, was or will be painted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub id: WorkId,
    pub state: State,
    #[serde(flatten)]
    pub request: Request,
    /// Of the result, once known.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub scale: Option<Scale>,
    pub iteration: u32,
    /// Of the present scale.
    pub iterations: u32,
    pub loss: Option<f64>,
    /// Totals, thinned.
    pub losses: Vec<f64>,
    /// Seconds.
    pub left: Option<f64>,
    /// The number of the latest picture on the way, 0 before the first.
    pub picture: u64,
    /// The numbers of pictures on the way that are kept.
    pub strip: Vec<u64>,
    /// Whether there is a result.
    pub result: bool,
    /// What went wrong, or what to know.
    pub message: Option<String>,
    /// The command line that does the same.
    pub command: String,
    /// Seconds since 1970.
    pub created: u64,
    pub deleted: bool,
    /// The long side that it grows to, if that is another than it was begun for.
    pub larger: Option<u32>,
    /// Iterations on top of its result, if it was finished before.
    pub further: Option<u32>,
    /// Iterations between two points of the loss curve.
    stride: u32,
    /// Iterations since the last of them.
    since: u32,
}

impl Work {
    pub fn new(id: WorkId, request: Request, command: String, created: u64) -> Work {
        Work {
            id,
            state: State::Waiting,
            request,
            width: None,
            height: None,
            scale: None,
            iteration: 0,
            iterations: 0,
            loss: None,
            losses: Vec::new(),
            left: None,
            picture: 0,
            strip: Vec::new(),
            result: false,
            message: None,
            command,
            created,
            deleted: false,
            larger: None,
            further: None,
            stride: 1,
            since: 0,
        }
    }

    /// Puts it back into the queue if it does not go on; a sentence if it is done.
    pub fn resume(&mut self) -> Result<(), &'static str> {
        match self.state {
            State::Paused | State::Stopped | State::Failed => {
                (self.state, self.message) = (State::Waiting, None);
                Ok(())
            }
            State::Waiting | State::Preparing | State::Painting => Ok(()),
            State::Done => Err("it is painted: ask for more iterations or for a larger picture"),
        }
    }

    /// Pauses it where nobody paints it; a sentence if it is painted.
    pub fn pause(&mut self) -> Result<(), &'static str> {
        match self.state {
            State::Waiting | State::Paused => {
                self.state = State::Paused;
                Ok(())
            }
            _ => Err("only what is painted or waits can be paused"),
        }
    }

    /// Ends it where nobody paints it; a sentence if it is painted.
    pub fn stop(&mut self) -> Result<(), &'static str> {
        match self.state {
            State::Waiting | State::Paused | State::Failed | State::Stopped => {
                self.state = State::Stopped;
                Ok(())
            }
            _ => Err("it is painted already"),
        }
    }

    /// Goes back to how far it was at another moment.
    pub fn go_back(&mut self, then: &Work) {
        let Work { width, height, scale, iteration, iterations, loss, picture, stride, since, .. } = *then;
        *self = Work { width, height, scale, iteration, iterations, loss, picture, stride, since, ..self.clone() };
        self.losses.clone_from(&then.losses);
    }

    /// Takes note of what happened to the painting.
    pub fn see(&mut self, event: &Event) {
        match event {
            Event::Scale { number, count, size: Size { width, height }, iterations, .. } => {
                self.scale = Some(Scale { number: *number, count: *count, width: *width, height: *height });
                (self.iteration, self.iterations) = (0, *iterations);
            }
            Event::Iteration { iteration, loss, .. } => {
                self.iteration = *iteration;
                // What JSON has no word for.
                self.loss = loss.total.is_finite().then_some(loss.total);
                self.since += 1;
                if self.since >= self.stride {
                    self.since = 0;
                    self.losses.extend(self.loss);
                }
                if self.losses.len() > MOST_LOSSES {
                    self.losses = self.losses.iter().copied().step_by(2).collect();
                    self.stride *= 2;
                }
            }
            Event::DeviceLost(lost) => self.say(&lost.to_string()),
            _ => {}
        }
    }

    /// Adds something to know to what is known already.
    fn say(&mut self, sentence: &str) {
        let before = self.message.take().map(|before| format!("{before}; "));
        self.message = Some(before.unwrap_or_default() + sentence);
    }

    /// Takes a picture on the way into the strip; the numbers of those that are no longer in it.
    pub fn keep_in_strip(&mut self, number: u64) -> Vec<u64> {
        self.strip.push(number);
        if self.strip.len() <= MOST_IN_STRIP {
            return Vec::new();
        }
        let all = std::mem::take(&mut self.strip);
        let (kept, dropped): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
        let numbers = |numbered: Vec<(usize, u64)>| numbered.into_iter().map(|(_, number)| number).collect();
        self.strip = numbers(kept);
        numbers(dropped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::LostDevice;

    fn work() -> Work {
        let photograph = PictureId::of_digest(&[1; 16]);
        let request = Request { photograph, paintings: Vec::new(), keep: None, options: BTreeMap::new() };
        Work::new(7, request, String::new(), 0)
    }

    #[test]
    fn a_strip_keeps_the_first_picture_and_a_bounded_number() {
        let mut work = work();
        let dropped: Vec<u64> = (1..=1000).flat_map(|number| work.keep_in_strip(number)).collect();
        assert!(work.strip.len() <= MOST_IN_STRIP && work.strip.len() >= MOST_IN_STRIP / 2);
        assert_eq!(work.strip[0], 1);
        assert_eq!(dropped.len() + work.strip.len(), 1000);
        assert!(work.strip.iter().all(|number| !dropped.contains(number)));
    }

    #[test]
    fn a_device_that_is_lost_is_something_to_know() {
        let mut work = work();
        let lost = |device: &str| {
            let (device, reason) = (device.to_owned(), "is out of memory".to_owned());
            Event::DeviceLost(LostDevice { device, reason, left: vec!["CPU".to_owned()] })
        };
        work.see(&lost("a card"));
        assert_eq!(work.message.as_deref(), Some("a card is out of memory: CPU goes on with its windows"));
        work.see(&lost("another"));
        let message = work.message.unwrap();
        assert!(
            message.starts_with("a card is ") && message.contains("windows; another is out of memory: "),
            "{message}"
        );
    }

    #[test]
    fn what_nobody_paints_is_paused_stopped_and_resumed() {
        let mut work = work();
        for (act, state) in [
            (Work::pause as fn(&mut Work) -> _, State::Paused),
            (Work::resume, State::Waiting),
            (Work::stop, State::Stopped),
            (Work::stop, State::Stopped),
            (Work::resume, State::Waiting),
        ] {
            assert_eq!((act(&mut work), work.state), (Ok(()), state));
        }
        work.state = State::Done;
        assert!(work.pause().is_err() && work.stop().is_err() && work.resume().is_err());
        assert_eq!(work.state, State::Done);
    }

    #[test]
    fn a_work_goes_back_to_how_far_it_was_with_what_was_asked_for_since() {
        let mut then = work();
        (then.iteration, then.losses, then.picture) = (3, vec![2.0, 1.0], 5);
        let mut now = Work { iteration: 9, losses: vec![0.5], larger: Some(64), state: State::Stopped, ..then.clone() };
        now.go_back(&then);
        assert_eq!(now, Work { larger: Some(64), state: State::Stopped, ..then });
    }

    #[test]
    fn what_is_written_is_read_again() {
        let work = work();
        let text = serde_json::to_string(&work).unwrap();
        assert_eq!(serde_json::from_str::<Work>(&text).unwrap(), work);
        assert!(text.contains("\"state\":\"waiting\"") && text.contains("\"photograph\":\"0101"), "{text}");
    }
}
