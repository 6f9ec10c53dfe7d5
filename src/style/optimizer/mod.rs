//! What moves the picture: Adam and L-BFGS behind one interface. An optimiser asks a device for work, receives the
//! answers when they are ready, and never waits for one.

mod adam;
mod lbfgs;
mod line_search;
mod loss_ring;

use super::{
    objective::{Loss, Objective},
    recipe::{Method, Recipe},
    running_plan::RunningPlan,
};
use crate::{
    BackendError, Contents,
    picture::Picture,
    plan::{self, PerTerm, Size, Tensor},
};
use adam::Adam;
use lbfgs::Lbfgs;
pub(super) use lbfgs::SavedLbfgs;

/// What a scale asks its session for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What the optimiser itself wants to know.
    Optimizer,
    /// The current picture, after this many iterations.
    Picture(PictureUse, u32),
    /// Everything needed to continue from here.
    Moment,
    /// The same, to continue in f32 after something left the range of f16.
    LastMoment,
}

/// What a picture is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PictureUse {
    /// Somebody wants to see it.
    Snapshot,
    /// In case the device is lost.
    Copy,
    /// It is the result.
    Result,
}

/// The device as an optimiser sees it.
pub(super) type Device = RunningPlan<Purpose>;

/// An iteration whose losses are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Iteration {
    pub loss: Loss,
    /// Evaluations of the scale so far.
    pub evaluations: u32,
}

/// What an answer reported.
#[derive(Debug, Default)]
pub(super) struct News {
    pub iterations: Vec<Iteration>,
    /// A loss is not finite: the picture no longer moves.
    pub not_finite: bool,
}

/// How far to go, and how often to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Iterations of the scale in all.
    pub until: u32,
    /// Iterations between two looks at the losses, where the optimiser need not look by itself; at least 1.
    pub interval: u32,
}

/// Most iterations between two looks at the losses.
pub(super) const LONGEST_INTERVAL: u32 = adam::RING_INTERVAL;

/// What an optimiser keeps on the host between iterations, besides their number.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum SavedOptimizer {
    Adam,
    /// Nothing if the history belongs to a function other than the one minimised now.
    Lbfgs(Option<SavedLbfgs>),
}

/// See the module.
pub(super) trait Optimizer {
    /// Asks the device for the next piece of work. False if an answer is needed first, or all is done.
    fn advance(&mut self, device: &mut Device, pace: Pace) -> Result<bool, BackendError>;

    /// Takes an answer for [`Purpose::Optimizer`].
    fn receive(
        &mut self,
        contents: &[Contents],
        device: &mut Device,
        objective: &Objective,
    ) -> Result<News, BackendError>;

    /// Asks for the losses of all iterations so far, unless already asked for.
    fn look(&mut self, device: &mut Device) -> Result<(), BackendError>;

    /// Applies a change of the recipe.
    fn change(&mut self, device: &mut Device, recipe: &Recipe, change: Change<'_>) -> Result<(), BackendError>;

    /// Iterations of the scale whose outcome the device returns if asked now.
    fn iteration(&self) -> u32;

    /// Evaluations of the scale until then.
    fn evaluations(&self) -> u32;

    /// Whether nothing better can be found.
    fn converged(&self) -> bool;

    /// Whether [`Optimizer::kept`], if asked for now, is the state at the end of an iteration.
    fn rests(&self) -> bool;

    /// What it keeps on the device between iterations.
    fn kept(&self) -> &'static [(Tensor, &'static str)];

    /// What it keeps on the host.
    fn saved(&self) -> SavedOptimizer;

    /// The tensors that the picture is made from: at every moment that of some iteration, also where the next one was broken off.
    fn result(&self) -> &'static [Tensor];

    /// The picture in [0, 1] from the contents of [`Optimizer::result`], which are of this size, without the margin.
    fn picture(&self, size: Size, margin: u32, contents: &[Contents]) -> Result<Picture, BackendError>;
}

/// What an optimiser keeps on the device between iterations, with the names under which it is saved.
pub(super) fn kept(method: Method) -> &'static [(Tensor, &'static str)] {
    match method {
        Method::Adam => adam::KEPT,
        Method::Lbfgs => lbfgs::KEPT,
    }
}

/// What is minimised, and by what its losses are measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured<'a> {
    pub objective: &'a Objective,
    /// See [`Objective::write`].
    pub at_zero: &'a PerTerm<Option<f64>>,
    /// The loss that gradients are in units of, see [`Objective::unit_scales`].
    pub unit: f64,
}

/// What a changed recipe means to an optimiser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub measured: Measured<'a>,
    /// Whether another function is minimised now.
    pub loss: bool,
}

/// Where an optimiser begins: at the start of a scale, or where it left off.
pub(super) struct Start<'a> {
    /// Iterations done.
    pub iteration: u32,
    /// Evaluations done.
    pub evaluations: u32,
    pub saved: Option<SavedOptimizer>,
    pub measured: Measured<'a>,
}

/// The optimiser of a recipe. Its slots on the device hold what they held when it left off, or nothing at iteration 0.
pub(super) fn optimizer(
    device: &mut Device,
    recipe: &Recipe,
    start: &Start<'_>,
) -> Result<Box<dyn Optimizer>, BackendError> {
    Ok(match recipe.optimizer() {
        plan::Optimizer::Adam(_) => Box::new(Adam::new(device, recipe, start)?),
        plan::Optimizer::Lbfgs { memory } => Box::new(Lbfgs::new(device, recipe, memory, start)),
    })
}

/// A picture of these values without the margin, brought into [0, 1]. Nothing else of a picture's size is made: the device's
/// memory is the host's on the CPU back end.
fn clamped(size: Size, margin: u32, contents: &Contents, divisor: f32) -> Result<Picture, BackendError> {
    const PIXEL: usize = 3 * size_of::<f32>();
    let inside = Size { width: size.width - 2 * margin, height: size.height - 2 * margin };
    let mut pixels = Vec::with_capacity(3 * inside.pixels());
    let mut row = vec![0; inside.width as usize * PIXEL];
    for y in margin..margin + inside.height {
        contents.read((y as usize * size.width as usize + margin as usize) * PIXEL, &mut row)?;
        let (values, _) = row.as_chunks();
        pixels.extend(values.iter().map(|value| (f32::from_ne_bytes(*value) / divisor).clamp(0.0, 1.0)));
    }
    Ok(Picture::new(inside, pixels).expect("the plan's picture has the size of the window"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_loses_its_margin_and_what_is_beyond_black_and_white() {
        let size = Size { width: 4, height: 5 };
        let values: Vec<f32> = (0..3 * size.pixels()).map(|index| index as f32 - 30.0).collect();
        let contents = Contents::from(bytemuck::cast_slice(&values).to_vec());
        let picture = clamped(size, 1, &contents, 24.0).unwrap();
        assert_eq!(picture.size(), Size { width: 2, height: 3 });
        let rows = [-15.0, -3.0, 9.0].map(|first| (0..6).map(move |index| ((first + index as f32) / 24.0).max(0.0)));
        assert_eq!(picture.pixels(), rows.into_iter().flatten().collect::<Vec<f32>>());
        assert!(clamped(size, 0, &contents, 2.0).unwrap().pixels().ends_with(&[1.0; 3]));
    }
}
