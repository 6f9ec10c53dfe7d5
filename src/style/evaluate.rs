//! One evaluation of a recipe's losses, without moving the picture.

use super::{
    error::Reason,
    objective::{Loss, Objective},
    prepare::{Prepared, Work, prepare},
    recipe::Recipe,
};
use crate::{
    Engine,
    picture::Picture,
    plan::{PerTerm, Routine, Tensor},
    read_values,
};

/// Losses of a picture and their gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Weighted and combined.
    pub loss: Loss,
    /// The unweighted value of each term.
    pub values: PerTerm<f32>,
    /// Gradient of the total with respect to the picture, `[height][width][3]`.
    pub gradient: Vec<f32>,
}

/// Evaluates `image` against `content`, which has its size, and `style`, in the engine's precision; nothing is resized.
///
/// # Errors
/// If a number of the recipe is out of range, a picture is too small, the device fails, or f16 does not hold the values.
///
/// # Panics
/// If `image` and `content` differ in size.
pub fn evaluate(
    engine: &Engine,
    content: &Picture,
    style: &Picture,
    image: &Picture,
    recipe: &Recipe,
) -> Result<Evaluation, Reason> {
    assert_eq!(content.size(), image.size(), "the picture is compared with a photograph of its size");
    recipe.check()?;
    let objective = Objective::new(recipe);
    let work = Work { engine, recipe, objective: &objective, content, style, start: image, gradient_exponent: None };
    let Some(Prepared { device, unit, .. }) = prepare(work, engine.precision())? else {
        return Err(Reason::NotFinite { size: image.size(), iteration: 1 });
    };
    let (plan, mut session) = device.into_session();
    session.run(Routine::Evaluate)?;
    let mut read = |tensor| {
        let slot = plan.find(tensor).expect("an iteration plan has losses and a gradient");
        read_values(session.as_mut(), slot)
    };
    let values = PerTerm::new(&plan.terms, read(Tensor::LossValues)?);
    let gradient = read(Tensor::ImageGradient)?.into_iter().map(|value| (unit * f64::from(value)) as f32).collect();
    Ok(Evaluation { loss: objective.loss(&values), values, gradient })
}
