//! Paints the works of the queue, one after the other, in a thread of its own.

use super::{
    calls::{calls, check, command_line},
    hub::{Command, Hub, Leave},
    options::parsed,
};
use crate::cli::{
    CliError,
    console::Console,
    output::Destination,
    resume::{Notes, TakenUp, take_up},
    stylize::{self, Call, Pictures},
};
use impasto::{
    Engine,
    options::SizeOptions,
    pace::Pace,
    picture::{Encoding, Picture},
    studio::{CHECKPOINT_EVERY, Request, SHOW_EVERY, State, Work, WorkId},
    style::{Checkpoint, Estimate, Event, Painting, Status, StylizeError},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

/// Time between two reports of a painting that moves fast.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Quality of the JPEG files that show a picture on the way.
const ON_THE_WAY: u8 = 88;

/// Paints until the studio closes.
fn run(hub: &Hub) {
    while let Some((work, commands)) = hub.next() {
        let id = work.id;
        // A bug in the painting of one picture is no reason to lose the others.
        let ending = catch_unwind(AssertUnwindSafe(|| paint(hub, &work, &commands)));
        hub.left();
        let (state, message) = match ending {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => (State::Failed, Some(error.sentence())),
            Err(_) => (
                State::Failed,
                Some("the painter broke down, which is a mistake of the studio: see where it was started".to_owned()),
            ),
        };
        let updated = hub.update(id, |work| {
            work.state = state;
            work.left = None;
            if message.is_some() {
                work.message = message;
            }
        });
        if let Err(error) = updated {
            // Where nothing can be written, the queue would be painted in circles.
            eprintln!("impasto: {error}");
            hub.note(id, true, |work| (work.state, work.message) = (State::Failed, Some(error.to_string())));
        }
    }
}

/// A work that is ready to be painted.
struct Begun {
    painting: Painting,
    engine: Engine,
    destination: Destination,
    notes: Notes,
}

fn begin(hub: &Hub, work: &Work, console: &Console) -> Result<Begun, CliError> {
    let calls = calls(hub, work)?;
    let arguments = parsed(&calls.real)?;
    let mut destination = arguments.destination()?;
    let path = hub.store.checkpoint(work.id);
    let larger = work.larger.filter(|_| work.further.is_none());
    let begun = arguments.sizes.clone();
    let grown = larger.map(|long| begun.followed_by(&SizeOptions::of_pixels(long)));
    let notes = Notes::new(calls.real.clone(), None)?.growing_to(grown.clone());
    let sizes = grown.unwrap_or_else(|| begun.clone());
    let checkpoint = match path.exists().then(|| Checkpoint::read(&path)) {
        Some(Ok(checkpoint)) => Some(checkpoint),
        Some(Err(error)) => {
            console.say(&format!("{error}: it is painted from the beginning"));
            None
        }
        None => None,
    };
    let mut arguments = arguments;
    let (painting, engine, carried) = match checkpoint {
        Some(checkpoint) => {
            let before = Notes::read(&checkpoint).map_or_else(|| begun.clone(), |notes| notes.sizes_of(&begun));
            let TakenUp { painting, engine, carried } =
                take_up(&mut arguments, checkpoint, [&begun, &before, &sizes], console)?;
            (painting, engine, carried)
        }
        None => {
            arguments.sizes = sizes;
            let Pictures { inputs, long, carried, .. } = arguments.pictures(console)?;
            let mut recipe = arguments.recipe(long, console)?;
            recipe.check()?;
            let engine = stylize::engine(&arguments, &mut recipe, &inputs, console)?;
            let painting = Painting::new(&engine, inputs, recipe).map_err(Box::new)?;
            (painting, engine, carried)
        }
    };
    destination.check(painting.last_size())?;
    destination.carry(carried, console);
    let shown = Call { arguments: calls.shown, before: None, resumed: None };
    stylize::remember(&arguments, &shown, &painting, painting.last_size(), &engine, &mut destination, console);
    Ok(Begun { painting, engine, destination, notes })
}

/// How a work ends, and what is to be said of it.
type Ending = (State, Option<String>);

fn paint(hub: &Hub, work: &Work, commands: &Receiver<Command>) -> Result<Ending, CliError> {
    let id = work.id;
    hub.update(id, |work| (work.state, work.message) = (State::Preparing, None)).map_err(failed)?;
    let console = Console::collecting();
    let begun = begin(hub, work, &console)?;
    let said = console.said();
    hub.set_device(begun.engine.name());
    let size = begun.painting.last_size();
    hub.update(id, |work| {
        work.state = State::Painting;
        (work.width, work.height) = (Some(size.width), Some(size.height));
        work.message = (!said.is_empty()).then(|| said.join("; "));
    })
    .map_err(failed)?;
    let estimate = Estimate::of(begun.painting.recipe(), begun.painting.sizes());
    let now = Instant::now();
    let (pace, checkpoints) = (Pace::at_once(now, SHOW_EVERY), Pace::later(now, CHECKPOINT_EVERY));
    Sitting { hub, id, begun, commands, estimate, pace, checkpoints, further: (0, 0), told: now }.paint()
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// One work while it is painted.
struct Sitting<'a> {
    hub: &'a Hub,
    id: WorkId,
    begun: Begun,
    commands: &'a Receiver<Command>,
    estimate: Estimate,
    pace: Pace,
    checkpoints: Pace,
    /// Iterations that were asked for on the way, at the smallest size and at each of the others.
    further: (u32, u32),
    /// When pages were last told how far it is.
    told: Instant,
}

impl Sitting<'_> {
    fn paint(mut self) -> Result<Ending, CliError> {
        loop {
            let status = self.begun.painting.wait();
            self.see_events();
            let status = match status {
                Ok(status) => status,
                Err(error) => {
                    if let Some(picture) = error.so_far {
                        self.save_result(&picture)?;
                    }
                    return Err(CliError::Stylize(Box::new(error.reason)));
                }
            };
            if let Some(checkpoint) = self.begun.painting.take_checkpoint() {
                self.save_checkpoint(checkpoint);
            }
            if status == Status::Done {
                // From here on a restart finds the picture in the checkpoint.
                self.keep()?;
                self.save_picture()?;
                return Ok((State::Done, None));
            }
            while let Ok(command) = self.commands.try_recv() {
                if let Some(ending) = self.obey(command)? {
                    return Ok(ending);
                }
            }
            let now = Instant::now();
            if self.checkpoints.is_due(now) {
                self.begun.painting.request_checkpoint();
            }
            if self.hub.is_watched() && self.pace.is_due(now) {
                self.begun.painting.request_picture();
            }
        }
    }

    fn see_events(&mut self) {
        loop {
            let start = Instant::now();
            let Some(event) = self.begun.painting.next_event() else { return };
            match &event {
                Event::Scale { number, .. } => self.estimate.begin(*number - 1),
                Event::Iteration { iteration, seconds, .. } => self.estimate.advance(*iteration, *seconds),
                Event::Snapshot { picture, .. } => {
                    self.show(picture);
                    self.pace.took(start, Instant::now());
                    continue;
                }
                _ => {}
            }
            let tell = matches!(event, Event::DeviceLost(_)) || self.told.elapsed() >= TELL_EVERY;
            if tell {
                self.told = Instant::now();
            }
            let left = self.estimate.left().map(|left| left.as_secs_f64());
            self.hub.note(self.id, tell, |work| {
                work.see(&event);
                work.left = left;
            });
        }
    }

    /// Puts a picture on the way where pages see it. One that cannot be written is left out.
    fn show(&self, picture: &Picture) {
        let Ok(work) = self.hub.work(self.id) else { return };
        let number = work.picture + 1;
        let encoding = Encoding { jpeg_quality: ON_THE_WAY, ..Encoding::default() };
        if picture.save_as(self.hub.store.on_the_way(self.id, number), &encoding).is_err() {
            return;
        }
        self.hub.note(self.id, true, |work| {
            work.picture = number;
            for dropped in work.keep_in_strip(number) {
                // What is left is removed with the work.
                let _ = std::fs::remove_file(self.hub.store.on_the_way(work.id, dropped));
            }
        });
    }

    /// A checkpoint that cannot be written is no reason to stop painting.
    fn save_checkpoint(&mut self, mut checkpoint: Checkpoint) {
        let start = Instant::now();
        checkpoint.notes = self.begun.notes.to_text();
        let saving = checkpoint.save(&self.hub.store.checkpoint(self.id)).map_err(|error| error.to_string());
        // With it what is known of the work.
        let saving = saving.and_then(|()| self.hub.update(self.id, |_| {}).map_err(|error| error.to_string()));
        if let Err(error) = saving {
            self.hub.note(self.id, true, |work| work.message = Some(error));
        }
        self.checkpoints.took(start, Instant::now());
    }

    /// Writes the checkpoint now.
    fn keep(&mut self) -> Result<(), CliError> {
        let checkpoint = self.begun.painting.checkpoint().map_err(|error| CliError::Stylize(Box::new(error.reason)))?;
        self.see_events();
        self.save_checkpoint(checkpoint);
        Ok(())
    }

    /// Writes the picture as it is now as the result: after the first iteration, if there was none yet.
    fn save_picture(&mut self) -> Result<(), CliError> {
        let failed = |error: StylizeError| CliError::Stylize(Box::new(error.reason));
        loop {
            let picture = self.begun.painting.picture().map_err(failed)?;
            self.see_events();
            if let Some(picture) = picture {
                return self.save_result(&picture);
            }
            if self.begun.painting.wait().map_err(failed)? == Status::Done {
                return Ok(());
            }
        }
    }

    fn save_result(&self, picture: &Picture) -> Result<(), CliError> {
        self.begun.destination.save(picture)?;
        self.show(picture);
        let size = picture.size();
        let noted = self.hub.update(self.id, |work| {
            (work.result, work.width, work.height) = (true, Some(size.width), Some(size.height));
        });
        noted.map(|_| ()).map_err(failed)
    }

    fn obey(&mut self, command: Command) -> Result<Option<Ending>, CliError> {
        match command {
            Command::Leave(leave) => {
                if leave != Leave::Drop {
                    self.keep()?;
                }
                Ok(Some(match leave {
                    Leave::Pause => (State::Paused, None),
                    Leave::Wait => (State::Waiting, None),
                    Leave::Drop => (State::Stopped, None),
                    Leave::Stop => {
                        self.save_picture()?;
                        (State::Stopped, None)
                    }
                }))
            }
            Command::Change(request, answer) => {
                let changed = self.change(request);
                // Whoever asked may have gone.
                let _ = answer.send(changed);
                Ok(None)
            }
            Command::Further(iterations, answer) => {
                let first = self.begun.painting.scale() == 0;
                let changed = self.begun.painting.change(|recipe| {
                    let count = if first { &mut recipe.first_iterations } else { &mut recipe.iterations };
                    *count = count.saturating_add(iterations);
                });
                if changed.is_ok() {
                    let further = if first { &mut self.further.0 } else { &mut self.further.1 };
                    *further = further.saturating_add(iterations);
                    let painting = &self.begun.painting;
                    self.estimate.follow(painting.recipe(), painting.sizes());
                    self.hub.note(self.id, true, |work| work.iterations = work.iterations.saturating_add(iterations));
                }
                let _ = answer.send(changed.map_err(|error| error.to_string()));
                Ok(None)
            }
        }
    }

    /// Lets the painting go on as another request says, where only what can change on the way has changed.
    fn change(&mut self, request: Request) -> Result<(), String> {
        let sentence = |error: CliError| error.sentence();
        let arguments = check(self.hub, &request).map_err(sentence)?;
        let (painting, filters) = (&self.begun.painting, self.begun.engine.filters());
        let recipe = arguments.look.on_the_way(painting.recipe(), filters, self.further);
        self.begun.painting.change(|present| *present = recipe).map_err(|error| error.to_string())?;
        let painting = &self.begun.painting;
        self.estimate.follow(painting.recipe(), painting.sizes());
        let command = command_line(self.hub, &request).map_err(|error| error.to_string())?;
        let noted = self.hub.update(self.id, |work| (work.request, work.command) = (request, command));
        noted.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The thread of the painter.
pub(super) fn spawn(hub: Arc<Hub>) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("painter".to_owned()).spawn(move || run(&hub))
}
