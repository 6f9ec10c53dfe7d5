//! From a photograph and a painting to a picture: scale after scale, each with its own targets.

use super::{
    error::StylizeError,
    event::Event,
    inputs::Inputs,
    painting::{Painting, Status},
    recipe::Recipe,
};
use crate::{Engine, picture::Picture};
use std::num::NonZeroU32;

/// Paints some inputs from the first scale to the last: a [`Painting`] that nobody interrupts.
/// `observe` is told what happens; `snapshots` asks for a picture at this interval, in iterations.
///
/// # Errors
/// If a number is out of range, a picture is too small, the device fails or the losses stop being numbers; the error
/// carries the last good picture.
pub fn stylize(
    engine: &Engine,
    inputs: &Inputs,
    recipe: &Recipe,
    snapshots: Option<NonZeroU32>,
    observe: &mut dyn FnMut(Event),
) -> Result<Picture, StylizeError> {
    let mut painting = Painting::new(engine, inputs.clone(), recipe.clone())?;
    painting.snapshot_every(snapshots);
    loop {
        let status = painting.wait();
        while let Some(event) = painting.next_event() {
            observe(event);
        }
        if status? == Status::Done {
            return Ok(painting.picture()?.expect("a painting without an error ends with a picture"));
        }
    }
}
