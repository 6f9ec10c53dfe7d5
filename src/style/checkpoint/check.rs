//! Whether a checkpoint can be that of a painting: in the order in which its parts become known, first the numbers, then
//! the arrays, then what it is made from.

use super::{Checkpoint, CheckpointError, Digests, INIT, Input, PAINTED, Position, Saved, SavedMoment};
use crate::{
    Engine,
    picture::Picture,
    plan::{IterationState, Optimizer, Size, Tensor},
    style::{
        checkpoint::InitKind,
        error::Reason,
        memory_needed::ScalePlans,
        moment::Moment,
        optimizer::{SavedOptimizer, kept},
        recipe::{Init, LONGEST_SIDE, Recipe},
        sizes::{fit, sizes, with_margin},
    },
};
use std::{collections::BTreeMap, ops::Range};

/// Where a photograph was read with less detail, the short side of what has been painted by then may differ from what it
/// would be by so many pixels: sides are rounded twice.
const READ_OTHERWISE: u32 = 2;

/// More iterations or evaluations are not those of a painting, which takes at least a millisecond for each.
const MOST_ITERATIONS: u32 = 1 << 31;

impl Saved {
    /// Whether its numbers can be those of a painting.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.recipe.check().map_err(|_| "a number of the recipe is out of range")?;
        let Position { sizes, index, done, .. } = &self.position;
        let Some(&size) = sizes.get(*index) else { return Err("there is no such scale") };
        let growing = sizes.windows(2).all(|pair| pair[0].long_side() < pair[1].long_side());
        if !growing || !sizes.iter().chain(&self.init_size).all(|&size| is_plausible(size)) {
            return Err("its sizes are not those of pictures");
        }
        let painted = if *done { Some(size) } else { index.checked_sub(1).map(|before| sizes[before]) };
        if self.painted != painted {
            return Err("the picture is not of the scale before");
        }
        if matches!(self.init, InitKind::Picture) != self.init_size.is_some() {
            return Err("the picture that it starts from is missing");
        }
        self.moment.as_ref().map_or(Ok(()), |moment| moment.check(&self.recipe))
    }

    /// The arrays of such a painting, by name, with their lengths in bytes.
    pub(super) fn lengths(&self) -> BTreeMap<&'static str, u64> {
        let begun = self.moment.as_ref().map(|_| self.position.sizes[self.position.index]);
        lengths(&self.recipe, [(PAINTED, self.painted), (INIT, self.init_size)], begun)
    }
}

/// The arrays of a painting that has these pictures and, if that has begun, does iterations at a size.
fn lengths(
    recipe: &Recipe,
    pictures: [(&'static str, Option<Size>); 2],
    begun: Option<Size>,
) -> BTreeMap<&'static str, u64> {
    let picture = |size: Size| 12 * u64::from(size.width) * u64::from(size.height);
    let pictures = pictures.into_iter().filter_map(|(name, size)| Some((name, picture(size?))));
    let begun = begun.map(|size| picture(with_margin(size, recipe)));
    let arrays = begun.into_iter().flat_map(|bytes| kept(recipe.method).iter().map(move |kept| (bytes, kept)));
    let arrays = arrays.map(|(bytes, &(tensor, name))| match tensor {
        Tensor::State => (name, size_of::<IterationState>() as u64),
        Tensor::LbfgsHistory => (name, bytes * rows(recipe) as u64),
        _ => (name, bytes),
    });
    pictures.chain(arrays).collect()
}

/// Bytes of the arrays of the largest checkpoint of a painting with this photograph: that is most of the file.
///
/// # Errors
/// If the photograph is too small for the layers, or there are none.
pub fn checkpoint_bytes(content: Size, recipe: &Recipe) -> Result<u64, Reason> {
    let sizes = sizes(content, recipe)?;
    let init = if let Init::Picture(picture) = &recipe.init { Some(picture.size()) } else { None };
    let last = sizes.len() - 1;
    let painted = last.checked_sub(1).map(|before| sizes[before]);
    let moments = [(painted, Some(sizes[last])), (Some(sizes[last]), None)];
    let bytes =
        moments.map(|(painted, begun)| lengths(recipe, [(PAINTED, painted), (INIT, init)], begun).values().sum());
    Ok(bytes.into_iter().max().unwrap_or(0))
}

/// Bytes of memory in which a checkpoint of the last size is gathered, besides what painting takes: none where its arrays
/// are on the host anyway, from where they are written. `last` are that size's plans.
pub fn checkpoint_memory(engine: &Engine, last: &ScalePlans, recipe: &Recipe) -> u64 {
    if last.iteration.windows().is_some() || !engine.uploads_filters() {
        return 0;
    }
    lengths(recipe, [(PAINTED, None), (INIT, None)], Some(last.size)).values().sum()
}

impl SavedMoment {
    fn check(&self, recipe: &Recipe) -> Result<(), &'static str> {
        let fits = match (&self.optimizer, recipe.optimizer()) {
            (SavedOptimizer::Adam, Optimizer::Adam(_)) | (SavedOptimizer::Lbfgs(None), Optimizer::Lbfgs { .. }) => true,
            (SavedOptimizer::Lbfgs(Some(saved)), Optimizer::Lbfgs { memory }) => saved.fits(memory),
            _ => false,
        };
        // Two to any other power is not finite, or zero, in f32.
        let exponent = self.gradient_exponent.is_none_or(|exponent| (-126..=127).contains(&exponent));
        let counted = self.iteration < MOST_ITERATIONS && self.evaluations < MOST_ITERATIONS;
        if !fits {
            return Err("what the optimiser keeps is that of another");
        }
        if counted && exponent && self.seconds.is_finite() && self.seconds >= 0.0 {
            Ok(())
        } else {
            Err("a number of the optimiser is out of range")
        }
    }
}

impl Checkpoint {
    /// Whether its arrays hold what a painting can.
    pub(super) fn check_values(&self) -> Result<(), &'static str> {
        let start = if let Init::Picture(picture) = &self.recipe.init { Some(picture) } else { None };
        let is_finite = |picture: &Picture| picture.pixels().iter().all(|value| value.is_finite());
        if !self.painted.iter().chain(start).all(|picture| is_finite(picture)) {
            return Err("a picture holds values that are not finite");
        }
        let Some(moment) = &self.moment else { return Ok(()) };
        for (tensor, contents) in &moment.contents {
            let (mut possible, mut first) = (true, 0);
            let count = contents.len() / size_of::<f32>();
            let read = contents.in_pieces(|bytes| {
                possible &= is_possible(*tensor, first..count, bytes, moment, &self.recipe);
                first += bytes.len() / size_of::<f32>();
                Ok(())
            });
            read.map_err(|_| "an array of the optimiser cannot be read")?;
            if !possible {
                return Err("an array of the optimiser holds values that are out of range");
            }
        }
        Ok(())
    }

    /// Whether the inputs are those that the painting had.
    pub(in crate::style) fn check(&self, digests: &Digests, content: Size) -> Result<(), CheckpointError> {
        let inputs = [
            (Input::Filters, digests.filters == self.digests.filters),
            (Input::Photograph, digests.content == self.digests.content),
            (Input::Masks, digests.masks == self.digests.masks),
            (Input::Painting, digests.paintings == self.digests.paintings),
        ];
        if let Some((input, _)) = inputs.into_iter().find(|(_, same)| !same) {
            return Err(CheckpointError::OtherInput(input));
        }
        sizes(content, &self.recipe).map_err(|_| CheckpointError::Contradiction("the photograph is too small"))?;
        let Position { sizes, index, .. } = &self.position;
        let fits = |(number, &size): (usize, &Size)| {
            let fitting = fit(content, size.long_side(), &self.recipe);
            let slack = if number <= *index { READ_OTHERWISE } else { 0 };
            size.width.abs_diff(fitting.width).max(size.height.abs_diff(fitting.height)) <= slack
        };
        if !sizes.iter().enumerate().all(fits) {
            return Err(CheckpointError::Contradiction("its sizes are not those of the photograph"));
        }
        Ok(())
    }
}

fn is_plausible(size: Size) -> bool {
    size.width > 0 && size.height > 0 && size.long_side() <= LONGEST_SIDE
}

/// Rows of the history of L-BFGS.
fn rows(recipe: &Recipe) -> usize {
    if let Optimizer::Lbfgs { memory } = recipe.optimizer() { 2 * memory + 1 } else { 0 }
}

/// Whether a slot can hold these values between two iterations, from the first of `places` on, of which the last is its end.
fn is_possible(tensor: Tensor, places: Range<usize>, bytes: &[u8], moment: &Moment, recipe: &Recipe) -> bool {
    let mut values = bytes.as_chunks().0.iter().map(|value| f32::from_ne_bytes(*value));
    match (tensor, &moment.optimizer) {
        (Tensor::State, _) => {
            let state: IterationState = bytemuck::pod_read_unaligned(bytes);
            [state.mean_power, state.square_power, state.average_power].iter().all(|power| (0.0..=1.0).contains(power))
        }
        // The square of a gradient may be more than f32 holds; then the value stands still.
        (Tensor::AdamSquare, _) => values.all(|value| value >= 0.0),
        // What belongs to another function is not used.
        (Tensor::ImageGradient | Tensor::LbfgsHistory, SavedOptimizer::Lbfgs(None)) => true,
        // Rows that no pair uses hold anything.
        (Tensor::LbfgsHistory, SavedOptimizer::Lbfgs(Some(saved))) => {
            let row = (places.end / rows(recipe)).max(1);
            places.zip(values).all(|(place, value)| value.is_finite() || !saved.uses(place / row))
        }
        _ => values.all(f32::is_finite),
    }
}
