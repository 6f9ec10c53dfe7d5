//! One evaluation of a recipe's losses, without moving the picture.

use super::{
    error::Reason,
    inputs::Inputs,
    objective::{Loss, Objective},
    outline::Outline,
    prepare::{Prepared, Work, prepare},
    recipe::Recipe,
    scale_pictures::ScalePictures,
};
use crate::{
    Engine,
    picture::Picture,
    plan::{PerTerm, Routine, Size, Tensor},
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

/// Evaluates `image` against a photograph of its size and paintings, in the engine's precision; no picture is resized,
/// and no colours are moved.
///
/// # Errors
/// If a number of the recipe is out of range, a mask is empty, a picture is too small, the device fails, or f16 does not
/// hold the values.
///
/// # Panics
/// If `image` and the photograph differ in size.
pub fn evaluate(engine: &Engine, inputs: &Inputs, image: &Picture, recipe: &Recipe) -> Result<Evaluation, Reason> {
    assert_eq!(inputs.content.size(), image.size(), "the picture is compared with a photograph of its size");
    recipe.check()?;
    let outline = Outline::new(inputs, recipe)?;
    let objective = Objective::new(recipe, &outline, image.size().long_side());
    let sizes: Vec<Size> = outline.paintings.iter().map(|painting| painting.size).collect();
    let pictures = ScalePictures::sized(inputs, &outline, recipe, image.size(), &sizes, None);
    let pictures = ScalePictures { start: image.clone(), ..pictures };
    let (outline, pictures) = (&outline, &pictures);
    let work = Work { engine, recipe, objective: &objective, outline, pictures, gradient_exponent: None };
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
