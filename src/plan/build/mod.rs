//! Writes the steps of a network and its losses.

mod backward;
mod forward;
mod losses;
mod optimizers;
mod roots;
mod windowed;

pub use losses::RING_ROWS;
pub(super) use windowed::{windowed_features, windowed_iteration};

use super::{
    Banding, Border, FeatureShape, Map, Network, Optimizer, Plan, PlanError, Representation, Routine, Rows, Slot,
    SlotId, Step, SumOfSquares, Tensor, Term, check_terms,
    segments::{Segment, segments},
    share_buffers,
};
use crate::vgg19::Layer;

/// Workgroups of a reduction; each produces one partial sum per reduced value.
pub(crate) const REDUCTION_GROUPS: usize = 256;

/// What the steps are for that are being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Everything, for the whole picture.
    Whole,
    /// The statistics that a window adds to.
    Statistics,
    /// The gradient of a window.
    Gradient,
}

struct Builder {
    network: Network,
    pass: Pass,
    segments: Vec<Segment>,
    /// What is read at the end.
    wanted: Vec<Representation>,
    /// The losses; with them there is a backward pass.
    terms: Vec<Term>,
    slots: Vec<Slot>,
    steps: Vec<Step>,
    routines: Vec<(Routine, std::ops::Range<usize>)>,
}

impl Builder {
    fn new(network: &Network, wanted: &[Representation], terms: &[Term]) -> Result<Builder, PlanError> {
        let layers = wanted.iter().map(|wanted| wanted.layer()).chain(terms.iter().filter_map(|term| term.layer()));
        let deepest = layers.max().ok_or(PlanError::NoLayer)?;
        let size = network.window.size;
        let last = size.pooled(deepest.poolings());
        if last.width == 0 || last.height == 0 {
            return Err(PlanError::TooSmall { layer: deepest, size, minimum: 1 << deepest.poolings() });
        }
        let mut network = *network;
        if network.border == Border::Wrap {
            // A band at one edge needs rows of the opposite one.
            network.storage.banding = Banding::NONE;
        }
        Ok(Builder {
            network,
            pass: Pass::Whole,
            segments: segments(deepest, size, network.storage),
            wanted: wanted.to_vec(),
            terms: terms.to_vec(),
            slots: Vec::new(),
            steps: Vec::new(),
            routines: Vec::new(),
        })
    }

    fn has_backward_pass(&self) -> bool {
        !self.terms.is_empty() && self.pass != Pass::Statistics
    }

    /// Whether a representation is to be read or compared.
    fn is_looked_at(&self, representation: Representation) -> bool {
        self.wanted.contains(&representation) || self.terms.iter().any(|term| term.looks_at(representation))
    }

    fn slot(&mut self, tensor: Tensor, words: usize, persistent: bool) -> SlotId {
        if let Some(index) = self.slots.iter().position(|slot| slot.tensor == tensor) {
            let slot = &mut self.slots[index];
            slot.words = slot.words.max(words);
            slot.persistent |= persistent;
            return SlotId(index);
        }
        self.slots.push(Slot { tensor, words, persistent, per_band: false, buffer: 0 });
        SlotId(self.slots.len() - 1)
    }

    /// A slot for a whole map.
    fn whole(&mut self, tensor: Tensor, shape: FeatureShape, persistent: bool) -> Map {
        let words = self.network.storage.precision.words(shape.values());
        Map::whole(self.slot(tensor, words, persistent))
    }

    /// A slot for some rows of a map; the next band's rows replace this one's.
    fn rows(&mut self, tensor: Tensor, shape: FeatureShape, rows: Rows) -> Map {
        let words = self.network.storage.precision.words(rows.pixels(shape) * shape.channels as usize);
        let slot = self.slot(tensor, words, false);
        self.slots[slot.0].per_band = true;
        Map { slot, first_row: rows.first }
    }

    fn shape(&self, layer: Layer) -> FeatureShape {
        FeatureShape::of_layer(layer, self.network.window.size)
    }

    /// The shape of what a layer reads.
    fn input_shape(&self, layer: Layer) -> FeatureShape {
        let channels = layer.below().map_or(4, Layer::output_channels);
        self.shape(layer).with_channels(channels)
    }

    fn picture_values(&self) -> usize {
        3 * self.network.window.size.pixels()
    }

    fn partials(&mut self, words: usize) -> SlotId {
        self.slot(Tensor::Partials, words, false)
    }

    fn mask(&mut self, layer: Layer) -> SlotId {
        let words = self.shape(layer).mask_words();
        self.slot(Tensor::ReluMask(layer), words, false)
    }

    fn winners(&mut self, above: Layer) -> SlotId {
        let words = self.input_shape(above).winner_words();
        self.slot(Tensor::PoolWinners(above), words, false)
    }

    /// The whole map that a segment reads: the network input or a pooled map.
    fn bottom(&mut self, first: Layer) -> Map {
        let shape = self.input_shape(first);
        let tensor = if first == Layer::FIRST { Tensor::NetworkInput } else { Tensor::Pooled(first) };
        self.whole(tensor, shape, false)
    }

    /// The gradient with respect to [`Self::bottom`].
    fn bottom_gradient(&mut self, first: Layer) -> Map {
        let shape = self.input_shape(first);
        let gradient = if first == Layer::FIRST { Tensor::NetworkInputGradient } else { Tensor::PooledGradient(first) };
        self.whole(gradient, shape, false)
    }

    /// Whether a layer's features exist as a whole after the forward pass.
    fn is_kept(&self, layer: Layer, segment: &Segment) -> bool {
        let bytes = (self.shape(layer).values() * self.network.storage.precision.bytes()) as u64;
        let fits = bytes <= self.network.storage.banding.kept;
        // The first layer is cheap to recompute: a hundredth of the work.
        let worth_it = segment.is_whole() || fits && layer != Layer::FIRST;
        self.wanted.contains(&Representation::Features(layer)) || worth_it && self.has_loss(layer)
    }

    /// Whether a layer's features, and with them its mask, are recomputed in the backward pass.
    fn is_made_again(&self, layer: Layer, segment: &Segment) -> bool {
        self.has_loss(layer) && !self.is_kept(layer, segment)
    }

    /// Sums of squares of everything that is wanted.
    fn sums_of_squares(&mut self) {
        let wanted = self.wanted.clone();
        let sums = self.slot(Tensor::SumsOfSquares, wanted.len(), true);
        for (index, representation) in wanted.into_iter().enumerate() {
            let (values, count) = self.kept(representation);
            let partials = self.partials(REDUCTION_GROUPS);
            self.steps.push(Step::SumOfSquares(SumOfSquares { values, count, partials, sums, index }));
        }
    }

    /// A slot for something that is wanted, which outlives its routine, and how many values it has.
    fn kept(&mut self, representation: Representation) -> (SlotId, usize) {
        let shape = self.shape(representation.layer());
        match representation {
            Representation::Features(layer) => (self.whole(Tensor::Features(layer), shape, true).slot, shape.values()),
            Representation::Gram(layer, region) => (self.gram_slot(layer, region), (shape.channels as usize).pow(2)),
            Representation::Mean(layer, region) => (self.mean_slot(layer, region), shape.channels as usize),
        }
    }

    /// Makes the steps from this one on a routine.
    fn routine(&mut self, routine: Routine, first: usize) {
        self.routines.push((routine, first..self.steps.len()));
    }

    fn finish(mut self) -> Plan {
        let buffers = share_buffers(&mut self.slots, &self.steps, &self.routines);
        Plan {
            window: self.network.window,
            precision: self.network.storage.precision,
            terms: self.terms,
            slots: self.slots,
            buffers,
            steps: self.steps,
            routines: self.routines,
            segments: self.segments,
        }
    }
}

/// A plan with the routine [`Routine::Features`]: what the network computes from the picture, left in
/// [`Tensor::Features`], [`Tensor::Gram`] and [`Tensor::Mean`], and its sums of squares, left in
/// [`Tensor::SumsOfSquares`].
///
/// # Errors
/// If nothing is wanted or the picture is too small for the deepest layer.
pub fn features(network: &Network, wanted: &[Representation]) -> Result<Plan, PlanError> {
    let mut builder = Builder::new(network, wanted, &[])?;
    builder.forward();
    builder.sums_of_squares();
    builder.routine(Routine::Features, 0);
    Ok(builder.finish())
}

/// A plan with the routines [`Routine::Targets`], [`Routine::Evaluate`] and those of the optimiser. Total variation is
/// always among its terms, because it also checks that the picture's gradient is finite.
///
/// # Errors
/// If no term looks at a layer, a term is listed twice, or the picture is too small for the deepest layer.
pub fn iteration(network: &Network, terms: &[Term], optimizer: Optimizer) -> Result<Plan, PlanError> {
    evaluation_and_step(network, terms, optimizer, Moving::All)
}

/// As [`iteration`], but only those pixels move that [`Tensor::Freedom`] names.
///
/// # Errors
/// As [`iteration`].
pub fn iteration_of_some_pixels(network: &Network, terms: &[Term], optimizer: Optimizer) -> Result<Plan, PlanError> {
    evaluation_and_step(network, terms, optimizer, Moving::Some)
}

/// Which pixels the optimiser moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// All.
    All,
    /// Those that [`Tensor::Freedom`] names.
    Some,
}

fn evaluation_and_step(
    network: &Network,
    terms: &[Term],
    optimizer: Optimizer,
    moving: Moving,
) -> Result<Plan, PlanError> {
    check_terms(terms)?;
    let mut builder = Builder::new(network, &[], terms)?;
    if !terms.contains(&Term::TotalVariation) {
        builder.terms.push(Term::TotalVariation);
    }
    builder.target_factors();
    builder.routine(Routine::Targets, 0);
    let targets = builder.steps.len();
    builder.forward();
    builder.backward();
    builder.picture_losses(moving);
    builder.routine(Routine::Evaluate, targets);
    builder.optimizer(optimizer);
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Region, Statistic, Style};

    #[test]
    fn every_gradient_is_masked_once_and_by_its_last_writer() {
        let mut terms = Term::all_of(&["relu1_2", "relu3_2"], &["relu1_1", "relu3_2", "relu2_2"]);
        let deepest: Layer = "relu3_2".parse().unwrap();
        // Several regions and statistics.
        let weighted = Region { number: 3, weighted: true };
        terms.extend([Term::gram(deepest, 1), Term::gram(deepest, 2)]);
        for statistic in [Statistic::Gram, Statistic::Moments, Statistic::Wasserstein] {
            terms.push(Term::Style(Style { layer: deepest, region: weighted, statistic }));
        }
        let plan = iteration(&Network::for_tests(40, 24), &terms, Optimizer::default()).unwrap();
        for layer in deepest.up_to() {
            let gradient = plan.find(Tensor::Gradient(layer)).unwrap();
            let mask = plan.find(Tensor::ReluMask(layer));
            let writers: Vec<_> = plan.steps.iter().filter(|step| step.slots().1.contains(&gradient)).collect();
            let masked: Vec<bool> =
                writers.iter().map(|step| mask.is_some_and(|m| step.slots().0.contains(&m))).collect();
            assert!(masked.last().unwrap() & !masked[..masked.len() - 1].contains(&true), "{layer}: {masked:?}");
            let adds: Vec<bool> = writers.iter().map(|step| step.slots().0.contains(&gradient)).collect();
            assert!(!adds[0] & !adds[1..].contains(&false), "{layer}: {adds:?}");
        }
    }

    #[test]
    fn a_slot_is_written_before_it_is_read() {
        let terms = Term::all_of(&["relu4_2"], &["relu1_1", "relu5_1"]);
        let plan = iteration(&Network::for_tests(40, 24), &terms, Optimizer::default()).unwrap();
        let mut written = vec![false; plan.slots.len()];
        for step in &plan.steps[plan.routine(Routine::Evaluate)] {
            let (reads, writes) = step.slots();
            for slot in reads.iter().filter(|slot| !plan.slot(**slot).persistent) {
                assert!(written[slot.0], "{} reads {}", step.operation(), plan.slot(*slot).tensor);
            }
            writes.iter().for_each(|slot| written[slot.0] = true);
        }
    }

    #[test]
    fn impossible_wishes_are_refused_in_words() {
        let network = Network::for_tests(40, 15);
        let none = iteration(&network, &[Term::TotalVariation], Optimizer::default());
        assert_eq!(none.unwrap_err(), PlanError::NoLayer);
        let deep = Representation::Features("relu5_1".parse().unwrap());
        assert!(features(&network, &[deep]).unwrap_err().to_string().contains("at least 16"));
        let [mut twice, apart] = [0, 1].map(|painting| {
            [Term::gram(Layer::FIRST, 0), Term::Content(Layer::FIRST), Term::gram(Layer::FIRST, painting)]
        });
        assert!(iteration(&network, &apart, Optimizer::default()).is_ok());
        let text = iteration(&network, &twice, Optimizer::default()).unwrap_err().to_string();
        assert_eq!(text, "the style loss at relu1_1 is named twice: name it once, with its weight");
        twice[2] = twice[1];
        assert_eq!(iteration(&network, &twice, Optimizer::default()).unwrap_err(), PlanError::TermTwice(twice[1]));
    }
}
