//! The total loss: writes targets and scales to a session and combines the values that it reports.

use super::{
    coefficients::{self, LossScale, Scaling},
    recipe::Recipe,
    targets::Targets,
};
use crate::{
    BackendError, Session,
    plan::{PerTerm, Plan, Size, Tensor, Term},
};

/// Loss values of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// What is minimised: `content_weight * content + style_weight * style + tv_weight * tv`.
    pub total: f64,
    /// Weighted mean over the content terms.
    pub content: f64,
    /// Weighted mean over the style terms.
    pub style: f64,
    /// Total variation.
    pub tv: f64,
}

impl Loss {
    /// Whether all values are numbers.
    pub fn is_finite(&self) -> bool {
        [self.total, self.content, self.style, self.tv].iter().all(|value| value.is_finite())
    }

    /// The reported loss of a term's kind.
    fn of_kind(&mut self, term: Term) -> &mut f64 {
        match term {
            Term::Content(_) => &mut self.content,
            Term::Style(_) => &mut self.style,
            Term::TotalVariation => &mut self.tv,
        }
    }
}

/// A term and how much it counts: `weight * share * value` in the total, `share * value` in the reported loss of its
/// kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedTerm {
    /// Which loss, where.
    pub term: Term,
    /// Its share among the terms of its kind, which sum to one.
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
    /// The objective of a recipe.
    pub fn new(recipe: &Recipe) -> Objective {
        Objective { scaling: recipe.scaling, terms: recipe.weighted_terms() }
    }

    /// Its terms, for a plan.
    pub fn terms(&self) -> Vec<Term> {
        self.terms.iter().map(|weighted| weighted.term).collect()
    }

    /// Writes what the terms of a plan compare with and the resulting scales, with a gradient scale of one. Returns the
    /// sums of squares of the targets, zero for a term that compares with nothing.
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
        targets: &Targets,
    ) -> Result<PerTerm<f64>, BackendError> {
        let mut write = |&WeightedTerm { term, .. }: &WeightedTerm| {
            if term.target().is_none() {
                return Ok((term, 0.0));
            }
            let target = targets.get(term).expect("targets are made for the objective's terms");
            let slot = plan.find(Tensor::Target(term)).expect("the plan is made for the objective's terms");
            session.take_over(slot, &target.contents)?;
            Ok((term, target.squares))
        };
        let target_squares = self.terms.iter().map(&mut write).collect::<Result<PerTerm<f64>, BackendError>>()?;
        coefficients::write(session, plan, &self.scales(&target_squares, plan.window.picture), 1.0)?;
        Ok(target_squares)
    }

    /// The scales of all terms for a picture of this size, from what [`Objective::write`] returns.
    pub fn scales(&self, target_squares: &PerTerm<f64>, picture: Size) -> PerTerm<LossScale> {
        let scale = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            (term, coefficients::scale(self.scaling, term, weight * share, picture, squares_of(target_squares, term)))
        };
        self.terms.iter().map(scale).collect()
    }

    /// The unit of the total loss: its value where every feature map is zero, plus the weight of total variation. With
    /// relative losses this is the sum of all weights. All gradients are proportional to it. Then the same without total
    /// variation: the unit of what is compared.
    pub fn magnitudes(&self, target_squares: &PerTerm<f64>, picture: Size) -> (f64, f64) {
        let scales = self.scales(target_squares, picture);
        let of_term = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            let value = scales.get(term).map_or(0.0, |scale| f64::from(scale.value));
            let at_zero = if term.target().is_some() { squares_of(target_squares, term) } else { 1.0 };
            weight * share * value * at_zero
        };
        let is_compared = |weighted: &&WeightedTerm| weighted.term.target().is_some();
        (self.terms.iter().map(of_term).sum(), self.terms.iter().filter(is_compared).map(of_term).sum())
    }

    /// The scales of all terms where the gradient is that of the total loss over a power of two, and that power: the one
    /// nearest to the magnitude. So gradients have the same size whatever the weights are, and their squares, which Adam
    /// keeps, stay in the range of f32.
    pub(super) fn unit_scales(&self, target_squares: &PerTerm<f64>, picture: Size) -> (PerTerm<LossScale>, f64) {
        let (magnitude, _) = self.magnitudes(target_squares, picture);
        let unit = if magnitude > 0.0 && magnitude.is_finite() { magnitude.log2().round().exp2() } else { 1.0 };
        let over = |weighted: &WeightedTerm| WeightedTerm { weight: weighted.weight / unit, ..*weighted };
        let terms = self.terms.iter().map(over).collect();
        (Objective { scaling: self.scaling, terms }.scales(target_squares, picture), unit)
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
        let mut loss = Loss { total: 0.0, content: 0.0, style: 0.0, tv: 0.0 };
        for &WeightedTerm { term, share, weight } in &self.terms {
            let value = share * f64::from(*values.get(term).expect("a plan has values for the objective's terms"));
            *loss.of_kind(term) += value;
            loss.total += weight * value;
        }
        loss
    }
}

fn squares_of(target_squares: &PerTerm<f64>, term: Term) -> f64 {
    target_squares.get(term).copied().expect("the squares are of the objective's targets")
}
