//! Plans of windows, and of the whole picture without the network.

use super::{Builder, Moving, Pass};
use crate::plan::{
    Network, Optimizer, Plan, PlanError, Representation, Routine, Statistic, Storage, Style, Tensor, Term, check_terms,
};

/// The plan of the whole and that of a window for an iteration.
pub fn windowed_iteration(
    whole: &Network,
    window: &Network,
    terms: &[Term],
    optimizer: Optimizer,
    moving: Moving,
) -> Result<(Plan, Plan), PlanError> {
    check_terms(terms)?;
    let mut all = terms.to_vec();
    if !terms.contains(&Term::TotalVariation) {
        all.push(Term::TotalVariation);
    }
    Ok((whole_iteration(whole, &all, optimizer, moving)?, window_iteration(window, &all)?))
}

/// The plan of the whole and that of a window for features.
pub fn windowed_features(
    whole: &Network,
    window: &Network,
    wanted: &[Representation],
) -> Result<(Plan, Plan), PlanError> {
    let mut builder = Builder::without_network(whole, wanted, &[])?;
    builder.slot_for_image();
    for layer in builder.layers() {
        for (region, _) in builder.regions_at(layer) {
            builder.region_weights(layer, region);
        }
    }
    builder.sums_of_squares();
    builder.routine(Routine::Features, 0);
    let whole = builder.finish();
    let mut builder = Builder::new(window, wanted, &[])?;
    builder.statistics_pass();
    for &representation in wanted {
        builder.kept(representation);
    }
    Ok((whole, builder.finish()))
}

/// Arrays of the whole picture, and what happens to them.
fn whole_iteration(network: &Network, terms: &[Term], optimizer: Optimizer, moving: Moving) -> Result<Plan, PlanError> {
    let mut builder = Builder::without_network(network, &[], terms)?;
    builder.slot_for_image();
    for &term in terms {
        builder.slots_for_targets(term);
    }
    builder.slot(Tensor::InverseGradientScale, 1, true);
    // Windows write it, and it outlives the routine that adds to it.
    let values = builder.picture_values();
    builder.slot(Tensor::ImageGradient, values, true);
    builder.picture_losses(moving);
    builder.routine(Routine::Evaluate, 0);
    builder.optimizer(optimizer);
    Ok(builder.finish())
}

/// The network's part of an evaluation for one window.
fn window_iteration(network: &Network, terms: &[Term]) -> Result<Plan, PlanError> {
    let mut builder = Builder::new(network, &[], terms)?;
    builder.target_factors();
    builder.routine(Routine::Targets, 0);
    builder.statistics_pass();
    let losses = builder.steps.len();
    for layer in builder.layers().into_iter().rev() {
        builder.style_losses(layer);
    }
    builder.routine(Routine::Losses, losses);
    let gradient = builder.steps.len();
    builder.pass = Pass::Gradient;
    builder.forward();
    builder.backward();
    builder.routine(Routine::Gradient, gradient);
    // The whole takes its inner part afterwards.
    let values = builder.picture_values();
    builder.slot(Tensor::ImageGradient, values, true);
    Ok(builder.finish())
}

impl Builder {
    /// For arrays on the host, which are f32.
    fn without_network(network: &Network, wanted: &[Representation], terms: &[Term]) -> Result<Builder, PlanError> {
        Builder::new(&Network { storage: Storage::PLAIN, ..*network }, wanted, terms)
    }

    fn slot_for_image(&mut self) {
        let values = self.picture_values();
        self.slot(Tensor::Image, values, true);
    }

    /// All layers, from the picture on.
    fn layers(&self) -> Vec<crate::vgg19::Layer> {
        self.segments.iter().flat_map(|segment| segment.layers.iter().copied()).collect()
    }

    /// Adds what a window counts to the statistics, if there are any.
    fn statistics_pass(&mut self) {
        let first = self.steps.len();
        self.pass = Pass::Statistics;
        if self.is_anything_counted() {
            self.forward();
        }
        self.routine(Routine::Statistics, first);
    }

    fn is_anything_counted(&self) -> bool {
        !self.wanted.is_empty() || self.terms.iter().any(|term| matches!(term, Term::Style(_)))
    }

    /// What the host writes for a term to compare with, and how much pixels count.
    fn slots_for_targets(&mut self, term: Term) {
        match term {
            Term::Content(layer) => {
                let shape = self.shape(layer);
                self.whole(Tensor::Target(term), shape, true);
            }
            Term::Style(Style { layer, region, statistic }) => {
                let channels = self.shape(layer).channels;
                self.slot(Tensor::Target(term), (channels as usize).pow(2), true);
                if statistic != Statistic::Gram {
                    self.target_of_means(term, channels);
                }
                self.region_weights(layer, region);
            }
            // Their steps say so.
            Term::TotalVariation | Term::Edges => {}
        }
    }
}
