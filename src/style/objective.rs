//! The total loss of a recipe: targets and scales written to a session, reported values put together again.

use super::{
    coefficients::{self, LossScale, Scaling, sum_of_squares},
    recipe::{Recipe, WeightedLayer},
    targets::Features,
};
use crate::{
    BackendError, Session,
    plan::{FeatureShape, Plan, Tensor},
    write_map, write_values,
};

/// Loss values of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// What is minimised: `content_weight * content + style_weight * style + tv_weight * tv`.
    pub total: f64,
    /// Weighted mean over the content layers.
    pub content: f64,
    /// Weighted mean over the style layers.
    pub style: f64,
    /// Total variation.
    pub tv: f64,
}

impl Loss {
    /// Whether all values are numbers.
    pub fn is_finite(&self) -> bool {
        [self.total, self.content, self.style, self.tv].iter().all(|value| value.is_finite())
    }
}

/// Weights of the losses in the order of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    scaling: Scaling,
    /// Each sums to one, or is empty.
    content: Vec<f64>,
    style: Vec<f64>,
    content_weight: f64,
    style_weight: f64,
    tv_weight: f64,
}

fn shares(layers: &[WeightedLayer]) -> Vec<f64> {
    let sum: f64 = layers.iter().map(|weighted| f64::from(weighted.weight)).sum();
    layers.iter().map(|weighted| f64::from(weighted.weight) / sum).collect()
}

impl Objective {
    /// The objective of a recipe.
    pub fn new(recipe: &Recipe) -> Objective {
        Objective {
            scaling: recipe.scaling,
            content: shares(&recipe.content_layers),
            style: shares(&recipe.style_layers),
            content_weight: f64::from(recipe.content_weight),
            style_weight: f64::from(recipe.style_weight),
            tv_weight: f64::from(recipe.tv_weight),
        }
    }

    /// Writes targets and the scales that follow from them, one for each loss.
    ///
    /// `content` holds the feature maps and `style` the Gram matrices of the recipe's layers, in its order. The scales, which
    /// are written with a gradient scale of one, are returned too.
    ///
    /// # Errors
    /// If the device fails.
    pub fn write(
        &self,
        recipe: &Recipe,
        session: &mut dyn Session,
        plan: &Plan,
        content: &Features,
        style: &Features,
    ) -> Result<Vec<LossScale>, BackendError> {
        let slot = |tensor| plan.find(tensor).expect("a plan with a loss has its slots");
        let mut scales: Vec<LossScale> = Vec::new();
        for ((weighted, target), share) in recipe.content_layers.iter().zip(&content.features).zip(&self.content) {
            write_map(session, plan, slot(Tensor::ContentTarget(weighted.layer)), target)?;
            let shape = FeatureShape::of_layer(weighted.layer, plan.window.picture);
            let values = shape.pixels() * shape.channels as usize;
            let weight = self.content_weight * share;
            scales.push(coefficients::content(self.scaling, weight, values, sum_of_squares(target)));
        }
        for ((weighted, target), share) in recipe.style_layers.iter().zip(&style.grams).zip(&self.style) {
            write_values(session, slot(Tensor::StyleTarget(weighted.layer)), target)?;
            let shape = FeatureShape::of_layer(weighted.layer, plan.window.picture);
            let weight = self.style_weight * share;
            let (channels, pixels) = (shape.channels as usize, shape.pixels());
            scales.push(coefficients::style(self.scaling, weight, channels, pixels, sum_of_squares(target)));
        }
        scales.push(coefficients::total_variation(self.tv_weight));
        let coefficients = LossScale::coefficients(&scales, 1.0);
        session.write(slot(Tensor::Coefficients), bytemuck::cast_slice(&coefficients))?;
        Ok(scales)
    }

    /// Puts the unweighted values of an evaluation together, in the order of the plan.
    pub fn loss(&self, values: &[f32]) -> Loss {
        let (content, rest) = values.split_at(self.content.len());
        let (style, tv) = rest.split_at(self.style.len());
        let mean = |values: &[f32], shares: &[f64]| -> f64 {
            values.iter().zip(shares).map(|(&value, share)| f64::from(value) * share).sum()
        };
        let (content, style) = (mean(content, &self.content), mean(style, &self.style));
        let tv = f64::from(tv[0]);
        let total = self.content_weight * content + self.style_weight * style + self.tv_weight * tv;
        Loss { total, content, style, tv }
    }
}
