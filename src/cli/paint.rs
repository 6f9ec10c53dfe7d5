//! The loop that paints: events are shown, checkpoints written, and a signal ends it in order.

use super::{
    CliError,
    interrupt::{Interrupt, Interrupts},
    output::{Destination, Placed},
    resume::Notes,
};
use impasto::{
    BackendError,
    pace::Pace,
    picture::Picture,
    style::{Checkpoint, CheckpointError, Event, Painting, Reason, Status, StylizeError},
};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Where checkpoints go and how often.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    pub path: PathBuf,
    /// As often as that, but for large ones, which take long; zero for after each iteration.
    pub every: Duration,
    /// What the command line needs to go on.
    pub notes: Notes,
}

impl Checkpoints {
    fn save(&self, mut checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        checkpoint.notes = self.notes.to_text();
        checkpoint.save(&self.path)
    }
}

/// What is kept on the way, and where the picture goes.
pub(crate) struct Keeping<'a> {
    pub destination: &'a Destination,
    pub checkpoints: Option<Checkpoints>,
    /// Whether the result of each size is saved, because the system may end the process at the next.
    pub every_size: bool,
    /// After how many sizes the work ends with a checkpoint, if not after all.
    pub preview: Option<usize>,
}

impl<'a> Keeping<'a> {
    /// Nothing but the picture.
    pub fn only(destination: &'a Destination) -> Keeping<'a> {
        Keeping { destination, checkpoints: None, every_size: false, preview: None }
    }
}

/// Is told what happens.
pub(crate) trait Watcher {
    /// Something happened to the painting.
    fn see(&mut self, event: &Event);

    /// Something that the user should know.
    fn say(&mut self, line: &str);

    /// Nothing more comes; what is printed next has the terminal to itself.
    fn finish(&mut self);
}

/// What came of the work.
pub(crate) struct Painted {
    pub picture: Picture,
    /// Why the last checkpoint was not written, if one was to be.
    pub unsaved: Option<CheckpointError>,
}

/// Why there is no picture.
pub(crate) enum Failure {
    /// The painting failed.
    Stylize(StylizeError),
    /// Something else failed, or the user stopped it.
    Other(CliError),
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Failure::Other(error)
    }
}

/// Paints to the end. A signal saves a checkpoint, if checkpoints are written, and the picture so far.
pub(crate) fn paint(
    painting: &mut Painting,
    keeping: &Keeping<'_>,
    watcher: &mut dyn Watcher,
) -> Result<Painted, Failure> {
    let interrupts = Interrupts::watch()?;
    let checkpoints = keeping.checkpoints.as_ref();
    if checkpoints.is_none() {
        // A checkpoint is worth waiting for the end of the iteration.
        painting.stop_when(interrupts.flag());
    }
    let mut pace = checkpoints.map(|to| Pace::later(Instant::now(), to.every));
    let mut failing = false;
    let mut scale = painting.scale();
    loop {
        let reached = painting.iteration();
        let status = painting.wait();
        tell(painting, watcher);
        let status = match (status, interrupts.last()) {
            (Err(StylizeError { reason: Reason::Backend(BackendError::Stopped), so_far }), Some(interrupt)) => {
                return Err(stopped(painting, keeping, watcher, interrupt, (so_far.map(|picture| *picture), reached)));
            }
            (status, _) => status.map_err(Failure::Stylize)?,
        };
        if let (Some(checkpoint), Some(to), Some(pace)) = (painting.take_checkpoint(), checkpoints, &mut pace) {
            let start = Instant::now();
            // A failed write is no reason to stop painting, nor to say so again and again.
            let saving = to.save(checkpoint);
            pace.took(start, Instant::now());
            match (&saving, failing) {
                (Err(error), false) => {
                    watcher.say(&format!("{error}; it is tried again, and not mentioned, each time"))
                }
                (Ok(()), true) => watcher.say(&format!("the checkpoint {} is written again", to.path.display())),
                (Err(_), true) | (Ok(()), false) => {}
            }
            failing = saving.is_err();
        }
        if status == Status::Done || keeping.preview.is_some_and(|scales| painting.scale() >= scales) {
            // The picture first: it is what the work was for.
            let picture = painting.picture().map_err(Failure::Stylize)?;
            let picture = picture.expect("a painting without an error ends with a picture");
            let unsaved = match checkpoints {
                Some(to) => to.save(painting.checkpoint().map_err(Failure::Stylize)?).err(),
                None => None,
            };
            return Ok(Painted { picture, unsaved });
        }
        if painting.scale() > scale {
            scale = painting.scale();
            if keeping.every_size
                && let Some(picture) = painting.picture().map_err(Failure::Stylize)?
                && let Err(error) = keeping.destination.save(&picture)
            {
                watcher.say(&error.to_string());
            }
        }
        if let Some(interrupt) = interrupts.last() {
            return Err(stop(painting, keeping, watcher, interrupt));
        }
        if pace.as_mut().is_some_and(|pace| pace.is_due(Instant::now())) {
            painting.request_checkpoint();
        }
    }
}

fn tell(painting: &mut Painting, watcher: &mut dyn Watcher) {
    while let Some(event) = painting.next_event() {
        watcher.see(&event);
    }
}

/// Saves what there is after a signal.
fn stop(painting: &mut Painting, keeping: &Keeping<'_>, watcher: &mut dyn Watcher, interrupt: Interrupt) -> Failure {
    let reached = painting.iteration();
    let picture = match painting.picture() {
        Ok(picture) => (picture, painting.iteration()),
        Err(StylizeError { reason: Reason::Backend(BackendError::Stopped), so_far }) => {
            (so_far.map(|picture| *picture), reached)
        }
        Err(error) => return Failure::Stylize(error),
    };
    stopped(painting, keeping, watcher, interrupt, picture)
}

/// Saves a picture, which was painted in so many iterations of the present size, after a signal; and a checkpoint if there
/// are any.
fn stopped(
    painting: &mut Painting,
    keeping: &Keeping<'_>,
    watcher: &mut dyn Watcher,
    interrupt: Interrupt,
    (picture, iteration): (Option<Picture>, u32),
) -> Failure {
    tell(painting, watcher);
    let mut way_on = "to be able to go on, use --checkpoint next time".to_owned();
    // Last, so that no event is reported for an iteration that it does not contain.
    if let Some(to) = &keeping.checkpoints {
        let checkpoint = painting.checkpoint();
        tell(painting, watcher);
        way_on = match checkpoint.map(|checkpoint| to.save(checkpoint)) {
            Ok(Ok(())) => format!("go on with: impasto resume {}", to.path.display()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
    }
    watcher.finish();
    let size = painting.sizes()[painting.scale()];
    let kept = match picture {
        Some(picture) => match keeping.destination.place(&picture) {
            Ok(Placed::AsAsked) => format!("what was painted until then is in {}", keeping.destination.name()),
            Ok(Placed::Elsewhere { error, path }) => {
                format!("{error}; what was painted until then is in {}", path.display())
            }
            Err(error) => error.to_string(),
        },
        None => "nothing was painted yet".to_owned(),
    };
    Failure::Other(CliError::Stopped {
        interrupt,
        sentence: format!("stopped by {} at {size}, iteration {iteration}; {kept}; {way_on}", interrupt.name()),
    })
}
