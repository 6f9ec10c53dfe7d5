//! Where the losses come in an evaluation.

use super::{Builder, Moving, Pass, roots::Transport};
use crate::{
    plan::{
        Border, Coefficients, ContentLoss, Destination, EdgeLoss, FreezePixels, GramBackward, GramLoss, IterationState,
        Map, MomentsLoss, REDUCTION_GROUPS, RecordLosses, Region, Representation, Rows, SlotId, Statistic, Step, Style,
        TargetScalars, Tensor, Term, TotalVariation, WassersteinLoss, ring_row, segments::Segment,
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
    /// Of all style terms of a region, through its statistics.
    Statistics(Region),
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

    fn coefficients(&mut self, term: Term) -> Coefficients {
        let loss = self.terms.iter().position(|other| *other == term).expect("only terms of the plan have steps");
        let words = 2 * self.terms.len();
        Coefficients { slot: self.slot(Tensor::Coefficients, words, true), loss }
    }

    pub(super) fn loss_values(&mut self) -> SlotId {
        self.slot(Tensor::LossValues, self.terms.len(), true)
    }

    /// The style terms of a layer, region by region; in each first those that look at means.
    fn styles_at(&self, layer: Layer) -> Vec<Style> {
        let styles = self.terms.iter().filter_map(|term| match term {
            Term::Style(style) if style.layer == layer => Some(*style),
            _ => None,
        });
        let mut styles: Vec<Style> = styles.collect();
        styles.sort_by_key(|style| (style.region, !style.statistic.needs_mean()));
        styles
    }

    /// The regions of a layer whose statistics are compared or read, and whether that includes the mean.
    pub(super) fn regions_at(&self, layer: Layer) -> Vec<(Region, bool)> {
        let compared = self.styles_at(layer).into_iter().map(|style| (style.region, style.statistic.needs_mean()));
        let read = self.wanted.iter().filter_map(|wanted| match *wanted {
            Representation::Gram(of, region) if of == layer => Some((region, false)),
            Representation::Mean(of, region) if of == layer => Some((region, true)),
            _ => None,
        });
        let mut regions: Vec<(Region, bool)> = Vec::new();
        for (region, with_mean) in compared.chain(read) {
            match regions.iter_mut().find(|(other, _)| *other == region) {
                Some((_, already)) => *already |= with_mean,
                None => regions.push((region, with_mean)),
            }
        }
        regions
    }

    fn matrix_words(&self, layer: Layer) -> usize {
        (self.shape(layer).channels as usize).pow(2)
    }

    pub(super) fn gram_slot(&mut self, layer: Layer, region: Region) -> SlotId {
        let words = self.matrix_words(layer);
        self.slot(Tensor::Gram(layer, region), words, true)
    }

    pub(super) fn mean_slot(&mut self, layer: Layer, region: Region) -> SlotId {
        let words = self.shape(layer).channels as usize;
        self.slot(Tensor::Mean(layer, region), words, true)
    }

    /// The weights of a region's pixels, if they do not all count the same.
    pub(super) fn region_weights(&mut self, layer: Layer, region: Region) -> Option<SlotId> {
        let words = self.shape(layer).padded_pixels();
        region.weighted.then(|| self.slot(Tensor::RegionWeights(layer, region), words, true))
    }

    /// Which pixels of a layer a window counts.
    pub(super) fn counted(&mut self, layer: Layer) -> SlotId {
        let words = self.shape(layer).padded_pixels();
        self.slot(Tensor::Counted(layer), words, true)
    }

    /// What the terms of a layer do once, before the backward pass reaches it: the style losses, whose gradients with
    /// respect to each region's statistics are added up.
    pub(super) fn style_losses(&mut self, layer: Layer) {
        // Windows come back to them.
        let outlives = self.pass != Pass::Whole;
        let channels = self.shape(layer).channels;
        let matrix = self.matrix_words(layer);
        let mut before: Option<Region> = None;
        for style in self.styles_at(layer) {
            let (term, region) = (Term::Style(style), style.region);
            let accumulate = before.replace(region) == Some(region);
            let gram = self.gram_slot(layer, region);
            let target = self.slot(Tensor::Target(term), matrix, true);
            let gram_gradient = self.slot(Tensor::GramGradient(layer, region), matrix, outlives);
            let (coefficients, losses) = (self.coefficients(term), self.loss_values());
            if style.statistic == Statistic::Gram {
                let partials = self.partials(REDUCTION_GROUPS);
                let step =
                    GramLoss { gram, target, gram_gradient, partials, coefficients, losses, channels, accumulate };
                self.steps.push(Step::GramLoss(step));
                continue;
            }
            let mean = self.mean_slot(layer, region);
            let (target_mean, scalars) = self.target_of_means(term, channels);
            let mean_gradient = self.slot(Tensor::MeanGradient(layer, region), channels as usize, outlives);
            let step = match style.statistic {
                Statistic::Wasserstein => {
                    let root = self.slot(Tensor::TargetFactor(term), matrix, true);
                    let Transport { covariance, polar, overlap, transport } =
                        self.transport(gram, mean, scalars, root, channels);
                    Step::WassersteinLoss(WassersteinLoss {
                        mean,
                        target_mean,
                        covariance,
                        polar,
                        overlap,
                        transport,
                        scalars,
                        gram_gradient,
                        mean_gradient,
                        partials: self.partials(REDUCTION_GROUPS),
                        coefficients,
                        losses,
                        channels,
                        accumulate,
                    })
                }
                _ => Step::MomentsLoss(MomentsLoss {
                    gram,
                    mean,
                    target,
                    target_mean,
                    scalars,
                    gram_gradient,
                    mean_gradient,
                    partials: self.partials(REDUCTION_GROUPS),
                    coefficients,
                    losses,
                    channels,
                    accumulate,
                }),
            };
            self.steps.push(step);
        }
    }

    /// Mean and numbers that a style term compares with beside its Gram matrix.
    pub(super) fn target_of_means(&mut self, term: Term, channels: u32) -> (SlotId, SlotId) {
        let mean = self.slot(Tensor::TargetMean(term), channels as usize, true);
        (mean, self.slot(Tensor::TargetScalars(term), TargetScalars::WORDS, true))
    }

    /// What the terms of a layer do for every band of rows.
    fn contributions(&self, layer: Layer) -> Vec<Contribution> {
        let contents = self.terms.iter().filter(|term| **term == Term::Content(layer));
        let mut contributions: Vec<Contribution> = contents.map(|term| Contribution::Content(*term)).collect();
        let mut regions: Vec<Region> = self.styles_at(layer).iter().map(|style| style.region).collect();
        regions.dedup();
        contributions.extend(regions.into_iter().map(Contribution::Statistics));
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
                Contribution::Statistics(region) => {
                    let gram_gradient = self.slot(Tensor::GramGradient(layer, region), 0, false);
                    let with_mean = self.regions_at(layer).contains(&(region, true));
                    let mean_gradient = with_mean.then(|| self.slot(Tensor::MeanGradient(layer, region), 0, false));
                    let weights = self.region_weights(layer, region);
                    let (shape, rows) = (self.shape(layer), rows.made);
                    let step = GramBackward { features, gram_gradient, mean_gradient, weights, into, shape, rows };
                    Step::GramBackward(step)
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
            weights: (self.pass == Pass::Gradient).then(|| self.counted(layer)),
            into,
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: self.coefficients(term),
            losses: self.loss_values(),
            shape,
            rows: rows.made,
            summed: rows.summed,
            accumulate: rows.accumulate || self.pass == Pass::Gradient,
        })
    }

    /// What comes after all that goes through the network: the losses on the picture itself, and the end of an evaluation.
    pub(super) fn picture_losses(&mut self, moving: Moving) {
        self.total_variation();
        if self.terms.contains(&Term::Edges) {
            self.edge_loss();
        }
        if moving == Moving::Some {
            self.freeze_pixels();
        }
        self.record_losses();
    }

    /// The loss on the picture itself. It comes after everything that adds to the picture's gradient, because it
    /// reports whether that is finite.
    fn total_variation(&mut self) {
        let values = self.picture_values();
        let step = TotalVariation {
            image: self.slot(Tensor::Image, values, true),
            image_gradient: self.slot(Tensor::ImageGradient, values, false),
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: self.coefficients(Term::TotalVariation),
            losses: self.loss_values(),
            size: self.network.window.size,
            wraps: self.network.border == Border::Wrap,
        };
        self.steps.push(Step::TotalVariation(step));
    }

    /// The other loss on the picture itself.
    fn edge_loss(&mut self) {
        let cells = 3 * EdgeLoss::cells(self.network.window.size).pixels();
        let values = self.picture_values();
        let step = EdgeLoss {
            image: self.slot(Tensor::Image, values, true),
            target: self.slot(Tensor::Target(Term::Edges), cells, true),
            difference: self.slot(Tensor::EdgeDifference, cells, false),
            image_gradient: self.slot(Tensor::ImageGradient, values, false),
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: self.coefficients(Term::Edges),
            losses: self.loss_values(),
            size: self.network.window.size,
        };
        self.steps.push(Step::EdgeLoss(step));
    }

    /// What comes after all that adds to the picture's gradient.
    fn freeze_pixels(&mut self) {
        let pixels = self.network.window.size.pixels();
        let step = FreezePixels {
            image_gradient: self.slot(Tensor::ImageGradient, 3 * pixels, false),
            freedom: self.slot(Tensor::Freedom, pixels, true),
            pixels,
        };
        self.steps.push(Step::FreezePixels(step));
    }

    fn record_losses(&mut self) {
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
