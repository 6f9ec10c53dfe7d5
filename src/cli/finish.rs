//! The end of every command that paints: the picture is put where it was to go, or as near as can be.

use super::{
    CliError,
    output::{Destination, Placed},
    paint::{Failure, Keeping, Watcher, paint},
};
use impasto::{
    Engine,
    picture::Picture,
    style::{CheckpointError, Outline, Painting, Reason, Recipe, StylizeError, smaller_size},
};

/// Paints what is left to paint, and saves it; also why the last checkpoint was not written, if one was to be. `named` is
/// how the options call a picture of a long side.
pub(crate) fn finish(
    painting: &mut Painting,
    engine: &Engine,
    keeping: &Keeping<'_>,
    watcher: &mut dyn Watcher,
    named: impl Fn(u32) -> String,
) -> Result<(Picture, Option<CheckpointError>), CliError> {
    let painted = paint(painting, keeping, watcher);
    watcher.finish();
    let painted = painted.map_err(|failure| match failure {
        Failure::Stylize(error) => {
            let advice = advice(engine, painting.outline(), painting.recipe(), &error.reason, named);
            advised(keep(error, keeping.destination), advice)
        }
        Failure::Other(error) => error,
    })?;
    let placed = keeping.destination.place(&painted.picture);
    if let (Ok(Placed::Elsewhere { .. }) | Err(_), Some(error)) = (&placed, &painted.unsaved) {
        watcher.say(&error.to_string());
    }
    match placed {
        Ok(Placed::AsAsked) => Ok((painted.picture, painted.unsaved)),
        Ok(Placed::Elsewhere { error, path }) => Err(CliError::Elsewhere { error, path }),
        Err(error) => Err(match keeping.checkpoints.as_ref().filter(|to| to.path.exists()) {
            Some(to) => CliError::InCheckpoint { error: Box::new(error), checkpoint: to.path.clone() },
            None => error,
        }),
    }
}

/// A size at which the same work may succeed.
fn advice(
    engine: &Engine,
    outline: &Outline,
    recipe: &Recipe,
    reason: &Reason,
    named: impl Fn(u32) -> String,
) -> Option<String> {
    let Reason::Backend(error) = reason else { return None };
    let long = smaller_size(engine, outline, recipe, error)?;
    Some(format!("{} may do", named(long)))
}

fn advised(error: CliError, advice: Option<String>) -> CliError {
    match advice {
        Some(advice) => CliError::Advised { error: Box::new(error), advice },
        None => error,
    }
}

/// Saves what was painted before an error.
fn keep(error: StylizeError, destination: &Destination) -> CliError {
    let StylizeError { reason, so_far } = error;
    match so_far.map(|picture| destination.place(&picture)) {
        None => CliError::Stylize(Box::new(reason)),
        Some(Ok(Placed::AsAsked)) => CliError::Interrupted { reason: Box::new(reason), place: destination.name() },
        Some(Ok(Placed::Elsewhere { path, .. })) => {
            CliError::Interrupted { reason: Box::new(reason), place: path.display().to_string() }
        }
        Some(Err(save)) => CliError::Lost { reason: Box::new(reason), save: Box::new(save) },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use impasto::{BackendError, picture::Depth, plan::Size};

    #[test]
    fn what_was_painted_before_a_failure_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Destination::new(folder.path().join("out.png"), None, Depth::default()).unwrap();
        let size = Size { width: 7, height: 5 };
        let lost =
            || Reason::Backend(BackendError::DeviceLost { device: "a card".to_owned(), reason: "why".to_owned() });
        let error = StylizeError { reason: lost(), so_far: Some(Box::new(Picture::noise(size, 1))) };
        let sentence = advised(keep(error, &destination), Some("--size 32 may do".to_owned())).sentence();
        for part in ["a card stopped working (why)", "what was painted until then is in ", "out.png; --size 32 may do"]
        {
            assert!(sentence.contains(part), "no {part} in {sentence}");
        }
        assert_eq!(Picture::open(folder.path().join("out.png")).unwrap().size(), size);
        let nothing = keep(StylizeError { reason: lost(), so_far: None }, &destination).sentence();
        assert!(nothing.contains("a card stopped working") && !nothing.contains("painted until then"), "{nothing}");
    }
}
