//! Where the losses come in an evaluation.

use super::Builder;
use crate::{
    plan::{
        Coefficients, ContentLoss, Destination, GramBackward, IterationState, Map, REDUCTION_GROUPS, RecordLosses,
        Rows, SlotId, Step, StyleLoss, Tensor, Term, TotalVariation, ring_row, segments::Segment,
    },
    vgg19::Layer,
};

/// Rows of the loss ring: how many evaluations may pass between two looks at it.
pub const RING_ROWS: usize = 64;

/// A step that adds to a layer's gradient, once for every band of rows.
#[derive(Clone, Copy)]
enum Contribution {
    /// Of this content term.
    Content(Term),
    /// Of all style terms, through the Gram matrix.
    Gram,
}

/// The rows of a band: those whose gradient is computed and, among them, those that no other band sums.
#[derive(Clone, Copy)]
pub(super) struct LossRows {
    pub made: Rows,
    pub summed: Rows,
    /// Whether an earlier band has already been summed.
    pub accumulate: bool,
}

impl Builder {
    /// Whether a term looks at a layer.
    pub(super) fn has_loss(&self, layer: Layer) -> bool {
        self.terms.iter().any(|term| term.layer() == Some(layer))
    }

    fn terms_at(&self, layer: Layer) -> Vec<Term> {
        self.terms.iter().copied().filter(|term| term.layer() == Some(layer)).collect()
    }

    fn coefficients(&mut self, term: Term) -> Coefficients {
        let loss = self.terms.iter().position(|other| *other == term).expect("only terms of the plan have steps");
        let words = 2 * self.terms.len();
        Coefficients { slot: self.slot(Tensor::Coefficients, words, true), loss }
    }

    pub(super) fn loss_values(&mut self) -> SlotId {
        self.slot(Tensor::LossValues, self.terms.len(), true)
    }

    /// What the terms of a layer do once, before the backward pass reaches it: the style losses, whose gradients with
    /// respect to the Gram matrix are added up.
    pub(super) fn style_losses(&mut self, layer: Layer) {
        let channels = self.shape(layer).channels;
        let matrix = (channels * channels) as usize;
        let mut accumulate = false;
        for term in self.terms_at(layer) {
            let Term::Style(_) = term else { continue };
            let step = StyleLoss {
                gram: self.slot(Tensor::Gram(layer), matrix, true),
                target: self.slot(Tensor::Target(term), matrix, true),
                gram_gradient: self.slot(Tensor::GramGradient(layer), matrix, false),
                partials: self.partials(REDUCTION_GROUPS),
                coefficients: self.coefficients(term),
                losses: self.loss_values(),
                channels,
                accumulate,
            };
            self.steps.push(Step::StyleLoss(step));
            accumulate = true;
        }
    }

    /// What the terms of a layer do for every band of rows.
    fn contributions(&self, layer: Layer) -> Vec<Contribution> {
        let mut contributions = Vec::new();
        let mut through_gram = false;
        for term in self.terms_at(layer) {
            match term {
                Term::Content(_) => contributions.push(Contribution::Content(term)),
                Term::Style(_) => through_gram = true,
                Term::TotalVariation => {}
            }
        }
        contributions.extend(through_gram.then_some(Contribution::Gram));
        contributions
    }

    /// Adds the contributions of a layer's terms to its gradient, in some rows. The last contribution applies the mask
    /// to the sum; at the deepest layer the first one starts the sum.
    pub(super) fn loss_gradients(&mut self, layer: Layer, rows: LossRows, is_deepest: bool, segment: &Segment) {
        let contributions = self.contributions(layer);
        let Some(last) = contributions.len().checked_sub(1) else { return };
        let mask = self.mask(layer);
        let features = self.features_again(layer, rows.made, segment, Some(mask));
        let output = self.gradient(layer, rows.made);
        for (position, contribution) in contributions.into_iter().enumerate() {
            let accumulate = !is_deepest || position > 0;
            let into = Destination { output, accumulate, mask: (position == last).then_some(mask) };
            let step = match contribution {
                Contribution::Content(term) => self.content_loss(term, layer, features, into, rows),
                Contribution::Gram => {
                    let gram_gradient = self.slot(Tensor::GramGradient(layer), 0, false);
                    let (shape, rows) = (self.shape(layer), rows.made);
                    Step::GramBackward(GramBackward { features, gram_gradient, into, shape, rows })
                }
            };
            self.steps.push(step);
        }
    }

    fn content_loss(&mut self, term: Term, layer: Layer, features: Map, into: Destination, rows: LossRows) -> Step {
        let shape = self.shape(layer);
        Step::ContentLoss(ContentLoss {
            features,
            target: self.whole(Tensor::Target(term), shape, true).slot,
            into,
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: self.coefficients(term),
            losses: self.loss_values(),
            shape,
            rows: rows.made,
            summed: rows.summed,
            accumulate: rows.accumulate,
        })
    }

    /// The loss on the picture itself. It comes after everything that adds to the picture's gradient, because it
    /// reports whether that is finite.
    pub(super) fn total_variation(&mut self) {
        let values = self.picture_values();
        let step = TotalVariation {
            image: self.slot(Tensor::Image, values, true),
            image_gradient: self.slot(Tensor::ImageGradient, values, false),
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: self.coefficients(Term::TotalVariation),
            losses: self.loss_values(),
            size: self.network.window.size,
        };
        self.steps.push(Step::TotalVariation(step));
    }

    pub(super) fn record_losses(&mut self) {
        let count = self.terms.len();
        let step = RecordLosses {
            losses: self.loss_values(),
            state: self.slot(Tensor::State, IterationState::WORDS, true),
            ring: self.slot(Tensor::LossRing, RING_ROWS * ring_row(count), true),
            count,
            rows: RING_ROWS,
        };
        self.steps.push(Step::RecordLosses(step));
    }
}
