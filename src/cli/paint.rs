//! The loop that paints: events are shown, checkpoints written, and a signal ends it in order.

use super::{
    CliError,
    interrupt::{Interrupt, Interrupts},
    resume::Notes,
};
use impasto::{
    picture::Picture,
    style::{Checkpoint, CheckpointError, Event, Painting, Status, StylizeError},
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where checkpoints go and how often.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    pub path: PathBuf,
    pub every: Duration,
}

/// Is told what happens.
pub(crate) trait Watcher {
    /// Something happened to the painting.
    fn see(&mut self, event: &Event);

    /// Something that the user should know.
    fn say(&self, line: &str);

    /// Nothing more comes; what is printed next has the terminal to itself.
    fn finish(&mut self);
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

/// Paints to the end. A signal saves a checkpoint, if checkpoints are written, and the picture so far to `output`.
pub(crate) fn paint(
    painting: &mut Painting,
    output: &Path,
    checkpoints: Option<(Checkpoints, Notes)>,
    watcher: &mut dyn Watcher,
) -> Result<Picture, Failure> {
    let interrupts = Interrupts::watch()?;
    let checkpoints = checkpoints.as_ref();
    let mut saved = Instant::now();
    loop {
        let status = painting.wait();
        tell(painting, watcher);
        let status = status.map_err(Failure::Stylize)?;
        if let (Some(checkpoint), Some((to, notes))) = (painting.take_checkpoint(), checkpoints) {
            saved = Instant::now();
            // A failed write is no reason to stop painting.
            if let Err(error) = save(checkpoint, notes, &to.path) {
                watcher.say(&error.to_string());
            }
        }
        if status == Status::Done {
            if let Some((to, notes)) = checkpoints {
                let checkpoint = painting.checkpoint().map_err(Failure::Stylize)?;
                save(checkpoint, notes, &to.path).map_err(CliError::Checkpoint)?;
            }
            let picture = painting.picture().map_err(Failure::Stylize)?;
            return Ok(picture.expect("a painting without an error ends with a picture"));
        }
        if let Some(interrupt) = interrupts.last() {
            return Err(stop(painting, output, checkpoints, watcher, interrupt));
        }
        if checkpoints.is_some_and(|(to, _)| saved.elapsed() >= to.every) {
            painting.request_checkpoint();
        }
    }
}

fn tell(painting: &mut Painting, watcher: &mut dyn Watcher) {
    while let Some(event) = painting.next_event() {
        watcher.see(&event);
    }
}

fn save(mut checkpoint: Checkpoint, notes: &Notes, path: &Path) -> Result<(), CheckpointError> {
    checkpoint.notes = notes.to_text();
    checkpoint.save(path)
}

/// Saves what there is after a signal.
fn stop(
    painting: &mut Painting,
    output: &Path,
    checkpoints: Option<&(Checkpoints, Notes)>,
    watcher: &mut dyn Watcher,
    interrupt: Interrupt,
) -> Failure {
    let picture = painting.picture();
    tell(painting, watcher);
    let mut resume = None;
    // Last, so that no event is reported for an iteration that it does not contain.
    if let Some((to, notes)) = checkpoints {
        let checkpoint = painting.checkpoint();
        tell(painting, watcher);
        match checkpoint.map(|checkpoint| save(checkpoint, notes, &to.path)) {
            Ok(Ok(())) => resume = Some(to.path.clone()),
            Ok(Err(error)) => return Failure::Other(CliError::Checkpoint(error)),
            Err(error) => return Failure::Stylize(error),
        }
    }
    watcher.finish();
    let (size, iteration) = (painting.sizes()[painting.scale()], painting.iteration());
    let kept = match picture {
        Ok(Some(picture)) => match picture.save(output) {
            Ok(()) => format!("what was painted until then is in {}", output.display()),
            Err(error) => return Failure::Other(error.into()),
        },
        Ok(None) => "nothing was painted yet".to_owned(),
        Err(error) => return Failure::Stylize(error),
    };
    let way_on = match resume {
        Some(path) => format!("go on with: impasto resume {}", path.display()),
        None => "to be able to go on, use --checkpoint next time".to_owned(),
    };
    Failure::Other(CliError::Stopped {
        interrupt,
        sentence: format!("stopped by {} at {size}, iteration {iteration}; {kept}; {way_on}", interrupt.name()),
    })
}
