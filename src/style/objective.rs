//! The total loss: targets and scales written to a session, reported values put together again.

use super::{
    coefficients::{self, LossScale, Scaling},
    recipe::Recipe,
    targets::Targets,
};
use crate::{
    BackendError, Session,
    plan::{PerTerm, Plan, Tensor, Term},
    write_map,
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

    /// What is reported of the losses of a term's kind.
    fn of_kind(&mut self, term: Term) -> &mut f64 {
        match term {
            Term::Content(_) => &mut self.content,
            Term::Style(_) => &mut self.style,
            Term::TotalVariation => &mut self.tv,
        }
    }
}

/// A term and what it counts for: `weight * share * value` in the total, `share * value` in what is reported of its kind.
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

    /// Writes what the terms of a plan compare with and the scales that follow from it. The scales, which are written with a
    /// gradient scale of one, are returned too.
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
    ) -> Result<PerTerm<LossScale>, BackendError> {
        let mut scale = |&WeightedTerm { term, share, weight }: &WeightedTerm| {
            let mut target: &[f32] = &[];
            if term.target().is_some() {
                target = targets.get(term).expect("targets are made for the objective's terms");
                let slot = plan.find(Tensor::Target(term)).expect("the plan is made for the objective's terms");
                write_map(session, plan, slot, target)?;
            }
            Ok((term, coefficients::scale(self.scaling, term, weight * share, plan.window.picture, target)))
        };
        let scales = self.terms.iter().map(&mut scale).collect::<Result<PerTerm<LossScale>, BackendError>>()?;
        coefficients::write(session, plan, &scales, 1.0)?;
        Ok(scales)
    }

    /// Puts the unweighted values of an evaluation together.
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
