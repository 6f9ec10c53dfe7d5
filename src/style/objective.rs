//! The total loss: writes targets and scales to a session and combines the values that it reports.

use super::{
    coefficients::{self, LossScale, Scaling},
    outline::Outline,
    recipe::Recipe,
    scale_pictures::ScalePictures,
    targets::{Target, Targets, weights_at},
};
use crate::{
    BackendError, Session,
    plan::{PerTerm, Plan, Region, Routine, Size, Tensor, Term},
    vgg19::Layer,
    write_values,
};

/// Loss values of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// What is minimised: `content_weight * content + style_weight * style + tv_weight * tv + edge_weight * edges`.
    pub total: f64,
    /// Weighted mean over the content terms.
    pub content: f64,
    /// Weighted mean over the style terms.
    pub style: f64,
    /// Total variation.
    pub tv: f64,
    /// Edge loss; zero if it has no weight.
    pub edges: f64,
}

impl Loss {
    /// Whether all values are numbers.
    pub fn is_finite(&self) -> bool {
        [self.total, self.content, self.style, self.tv, self.edges].iter().all(|value| value.is_finite())
    }

    /// The reported loss of a term's kind.
    fn of_kind(&mut self, term: Term) -> &mut f64 {
        match term {
            Term::Content(_) => &mut self.content,
            Term::Style(_) => &mut self.style,
            Term::TotalVariation => &mut self.tv,
            Term::Edges => &mut self.edges,
        }
    }
}

/// A term and how much it counts: `weight * share * value` in the total, `share * value` in the reported loss of its
/// kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedTerm {
    /// Which loss, where.
    pub term: Term,
    /// Its share among the terms of its kind, which sum to one, or to the part of the photograph that is painted.
    pub share: f64,
    /// Weight of its kind.
    pub weight: f64,
}

/// What is minimised: a weighted sum of terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// What losses are measured by.
    pub scaling: Scaling,
    /// Every term once.
    pub terms: Vec<WeightedTerm>,
}

impl Objective {
    /// The objective of a recipe for inputs of this outline, painted with this long side.
    pub fn new(recipe: &Recipe, outline: &Outline, long: u32) -> Objective {
        Objective { scaling: recipe.scaling, terms: recipe.weighted_terms(outline, long) }
    }

    /// Its terms, for a plan.
    pub fn terms(&self) -> Vec<Term> {
        self.terms.iter().map(|weighted| weighted.term).collect()
    }

    /// Writes what the terms of a plan compare with, how much pixels count, and the resulting scales, with a gradient scale
    /// of one. Returns for each term its value, without factors, where all features are zero; none where there is
    /// nothing to compare.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If the plan was made for other terms, or a target is missing.
    pub fn write(
        &self,
        session: &mut dyn Session,
        plan: &Plan,
        outline: &Outline,
        pictures: &ScalePictures,
        targets: &Targets,
    ) -> Result<PerTerm<Option<f64>>, BackendError> {
        let slot = |tensor| plan.find(tensor).expect("the plan is made for the objective's terms");
        let vanished = self.write_weights(session, plan, outline, pictures)?;
        let mut write = |&WeightedTerm { term, .. }: &WeightedTerm| {
            let at_zero = match targets.get(term, outline) {
                Some(Target::Content(contents, squares)) => {
                    session.take_over(slot(Tensor::Target(term)), contents)?;
                    Some(squares)
                }
                Some(Target::Edges(edges)) => {
                    write_values(session, slot(Tensor::Target(term)), edges)?;
                    Some(edges.iter().map(|&edge| f64::from(edge).powi(2)).sum())
                }
                Some(Target::Style(moments)) => {
                    let Term::Style(style) = term else { return Ok((term, None)) };
                    let norm = moments.norm(style.statistic, self.scaling);
                    write_values(session, slot(Tensor::Target(term)), &moments.gram)?;
                    if style.statistic.needs_mean() {
                        write_values(session, slot(Tensor::TargetMean(term)), &moments.mean)?;
                        session.write(slot(Tensor::TargetScalars(term)), bytemuck::bytes_of(&norm.scalars))?;
                    }
                    Some(norm.at_zero).filter(|_| !vanished.contains(&(style.layer, style.region)))
                }
                None => Some(1.0).filter(|_| !term.compares()),
            };
            Ok((term, at_zero))
        };
        let at_zero = self.terms.iter().map(&mut write).collect::<Result<PerTerm<Option<f64>>, BackendError>>()?;
        session.run(Routine::Targets)?;
        coefficients::write(session, plan, &self.scales(&at_zero, plan.window.picture), 1.0)?;
        Ok(at_zero)
    }

    /// Writes how much pixels count in each region and which of them move. Returns the layers at which nothing is left
    /// of a region.
    fn write_weights(
        &self,
        session: &mut dyn Session,
        plan: &Plan,
        outline: &Outline,
        pictures: &ScalePictures,
    ) -> Result<Vec<(Layer, Region)>, BackendError> {
        let mut vanished = Vec::new();
        for (region, mask) in outline.regions.iter().zip(&pictures.regions) {
            let Some(mask) = mask else { continue };
            let layers: Vec<(Layer, Region)> = self
                .terms
                .iter()
                .filter_map(|weighted| match weighted.term {
                    Term::Style(style) if style.region == region.region => Some((style.layer, style.region)),
                    _ => None,
                })
                .collect();
            for (&(layer, region), weights) in layers.iter().zip(weights_at(mask, pictures.content.size(), &layers)) {
                let slot = plan.find(Tensor::RegionWeights(layer, region));
                write_values(session, slot.expect("the plan is made for the objective's terms"), &weights)?;
                vanished.extend(weights.iter().all(|weight| *weight == 0.0).then_some((layer, region)));
            }
        }
        if let Some(freedom) = &pictures.freedom {
            let slot = plan.find(Tensor::Freedom).expect("a plan of which some pixels move says which");
            write_values(session, slot, freedom)?;
        }
        Ok(vanished)
    }

    /// The scales of all terms for a picture of this size, from what [`Objective::write`] returns.
    pub fn scales(&self, at_zero: &PerTerm<Option<f64>>, picture: Size) -> PerTerm<LossScale> {
        let scale = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            (term, coefficients::scale(self.scaling, term, weight * share, picture, value_of(at_zero, term)))
        };
        self.terms.iter().map(scale).collect()
    }

    /// The unit of the total loss: its value where every feature map is zero, plus the weight of total variation. With
    /// relative losses this is the sum of all weights. All gradients are proportional to it. Then the same without total
    /// variation: the unit of what is compared.
    pub fn magnitudes(&self, at_zero: &PerTerm<Option<f64>>, picture: Size) -> (f64, f64) {
        let scales = self.scales(at_zero, picture);
        let of_term = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            let value = scales.get(term).map_or(0.0, |scale| f64::from(scale.value));
            weight * share * value * value_of(at_zero, term).unwrap_or(0.0)
        };
        let is_compared = |weighted: &&WeightedTerm| weighted.term.compares();
        (self.terms.iter().map(of_term).sum(), self.terms.iter().filter(is_compared).map(of_term).sum())
    }

    /// The scales of all terms where the gradient is that of the total loss over a power of two, and that power: the one
    /// nearest to the magnitude. So gradients have the same size whatever the weights are, and their squares, which Adam
    /// keeps, stay in the range of f32.
    pub(super) fn unit_scales(&self, at_zero: &PerTerm<Option<f64>>, picture: Size) -> (PerTerm<LossScale>, f64) {
        let (magnitude, _) = self.magnitudes(at_zero, picture);
        let unit = if magnitude > 0.0 && magnitude.is_finite() { magnitude.log2().round().exp2() } else { 1.0 };
        let over = |weighted: &WeightedTerm| WeightedTerm { weight: weighted.weight / unit, ..*weighted };
        let terms = self.terms.iter().map(over).collect();
        (Objective { scaling: self.scaling, terms }.scales(at_zero, picture), unit)
    }

    /// What the unweighted value of a term is multiplied by in the total.
    pub fn weight(&self, term: Term) -> f64 {
        let found = self.terms.iter().find(|weighted| weighted.term == term);
        found.map_or(0.0, |&WeightedTerm { share, weight, .. }| weight * share)
    }

    /// Combines the unweighted values of an evaluation.
    ///
    /// # Panics
    /// If a term has no value.
    pub fn loss(&self, values: &PerTerm<f32>) -> Loss {
        let mut loss = Loss { total: 0.0, content: 0.0, style: 0.0, tv: 0.0, edges: 0.0 };
        for &WeightedTerm { term, share, weight } in &self.terms {
            let value = share * f64::from(*values.get(term).expect("a plan has values for the objective's terms"));
            *loss.of_kind(term) += value;
            loss.total += weight * value;
        }
        loss
    }
}

fn value_of(at_zero: &PerTerm<Option<f64>>, term: Term) -> Option<f64> {
    *at_zero.get(term).expect("the values are of the objective's terms")
}
