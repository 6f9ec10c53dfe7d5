//! A checkpoint that goes on to another size than the one it was begun for.

use super::{Checkpoint, CheckpointError, Digests};
use crate::{
    Engine,
    plan::Size,
    style::{error::Reason, inputs::Inputs, optimizer::SavedOptimizer, recipe::Recipe, sizes::sizes},
};

impl Checkpoint {
    /// Checks that filters and pictures are those that the painting had.
    ///
    /// # Errors
    /// If they differ, or the checkpoint contradicts itself.
    pub fn verify(&self, engine: &Engine, inputs: &Inputs) -> Result<(), CheckpointError> {
        self.check(&Digests::new(engine.filters(), &self.recipe, inputs), inputs.content.size())
    }

    /// The checkpoint of a painting that goes on to a long side of `size` pixels. What was painted stays as it is, and a
    /// size that has begun is finished; further ones are those on the way to the new size. At the size that it was begun
    /// for, nothing changes.
    ///
    /// The inputs may have been read with another detail, as that size needs. That they show the same pictures is for the
    /// caller to see to, see [`Checkpoint::verify`].
    ///
    /// # Errors
    /// If a larger size has been begun, or the new one is out of range.
    pub fn resized(self, engine: &Engine, inputs: &Inputs, size: u32) -> Result<Checkpoint, CheckpointError> {
        let recipe = Recipe { size, ..self.recipe };
        recipe.check().map_err(|error| Box::new(Reason::Recipe(error)))?;
        let Checkpoint { mut position, mut moment, .. } = self;
        let begun = usize::from(moment.is_some() || position.done);
        let mut further = position.sizes.clone();
        further.truncate(position.index + begun);
        let reached = further.last().copied();
        if let Some(reached) = reached.filter(|reached| reached.long_side() > size) {
            return Err(CheckpointError::Smaller { reached, size });
        }
        let is_larger = |size: &Size| reached.is_none_or(|reached| size.long_side() > reached.long_side());
        further.extend(sizes(inputs.content.size(), &recipe).map_err(Box::new)?.into_iter().filter(is_larger));
        // Where everything is painted the last size is the present one, and else the first that is not.
        let finished = position.index + usize::from(position.done);
        position.done = finished == further.len();
        position.index = if position.done { finished - 1 } else { finished };
        position.sizes = further;
        let digests = Digests::new(engine.filters(), &recipe, inputs);
        if digests != self.digests
            && let Some(moment) = &mut moment
            && let SavedOptimizer::Lbfgs(history) = &mut moment.optimizer
        {
            // The history belongs to another function: that of pictures with another detail.
            *history = None;
        }
        Ok(Checkpoint { recipe, position, digests, moment, ..self })
    }
}
