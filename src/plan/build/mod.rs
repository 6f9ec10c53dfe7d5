//! Writes the steps of a network and its losses.

mod backward;
mod forward;
mod losses;
mod optimizers;

pub use losses::RING_ROWS;
pub use optimizers::{INITIAL_STATE, STATE_WORDS};

use super::{
    FeatureShape, Losses, Map, Network, Optimizer, Plan, PlanError, Routine, Rows, Slot, SlotId, Step, Tensor, Wanted,
    segments::{Segment, segments},
    share_buffers,
};
use crate::vgg19::Layer;

/// Workgroups of a reduction; each leaves one partial sum per reduced value.
pub(crate) const REDUCTION_GROUPS: usize = 256;

struct Builder {
    network: Network,
    segments: Vec<Segment>,
    /// Layers whose features are to be read when all is done.
    wanted: Vec<Layer>,
    /// Layers whose features are needed again on the way back.
    needed_again: Vec<Layer>,
    slots: Vec<Slot>,
    steps: Vec<Step>,
    routines: Vec<(Routine, std::ops::Range<usize>)>,
}

impl Builder {
    fn new(network: &Network, layers: &[&[Layer]]) -> Result<(Builder, Layer), PlanError> {
        for kind in layers {
            for (position, layer) in kind.iter().enumerate() {
                if kind[..position].contains(layer) {
                    return Err(PlanError::LayerTwice(*layer));
                }
            }
        }
        let deepest = layers.iter().copied().flatten().copied().max().ok_or(PlanError::NoLayer)?;
        let size = network.window.size;
        let last = size.pooled(deepest.poolings());
        if last.width == 0 || last.height == 0 {
            return Err(PlanError::TooSmall { layer: deepest, size, minimum: 1 << deepest.poolings() });
        }
        let builder = Builder {
            network: *network,
            segments: segments(deepest, size, network.storage),
            wanted: Vec::new(),
            needed_again: Vec::new(),
            slots: Vec::new(),
            steps: Vec::new(),
            routines: Vec::new(),
        };
        Ok((builder, deepest))
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

    /// A slot for some rows of a map; the next band's take the place of this one's.
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

    /// Whether a layer's features are there as a whole after the forward pass.
    fn is_kept(&self, layer: Layer, segment: &Segment) -> bool {
        let bytes = (self.shape(layer).values() * self.network.storage.precision.bytes()) as u64;
        let fits = bytes <= self.network.storage.banding.kept;
        // The first layer is cheap to make again: a hundredth of the work.
        let worth_it = segment.is_whole() || fits && layer != Layer::FIRST;
        self.wanted.contains(&layer) || worth_it && self.needed_again.contains(&layer)
    }

    /// Whether a layer's features, and with them its mask, are made once more on the way back.
    fn is_made_again(&self, layer: Layer, segment: &Segment) -> bool {
        self.needed_again.contains(&layer) && !self.is_kept(layer, segment)
    }

    fn finish(mut self) -> Plan {
        let buffers = share_buffers(&mut self.slots, &self.steps);
        Plan {
            window: self.network.window,
            precision: self.network.storage.precision,
            slots: self.slots,
            buffers,
            steps: self.steps,
            routines: self.routines,
        }
    }
}

/// A plan with the routine [`Routine::Features`]: the picture's features and Gram matrices at the layers wanted.
///
/// # Errors
/// If no layer is wanted, one is named twice, or the picture is too small for the deepest.
pub fn features(network: &Network, wanted: &Wanted) -> Result<Plan, PlanError> {
    let (mut builder, _) = Builder::new(network, &[&wanted.features, &wanted.grams])?;
    builder.wanted.clone_from(&wanted.features);
    builder.forward(&wanted.grams, false);
    for &layer in &wanted.features {
        let shape = builder.shape(layer);
        builder.whole(Tensor::Features(layer), shape, true);
    }
    builder.routines.push((Routine::Features, 0..builder.steps.len()));
    Ok(builder.finish())
}

/// A plan with the routine [`Routine::Evaluate`] and those of the optimiser.
///
/// # Errors
/// If there is no loss, a layer is named twice, or the picture is too small for the deepest.
pub fn iteration(network: &Network, losses: &Losses, optimizer: Optimizer) -> Result<Plan, PlanError> {
    let (mut builder, deepest) = Builder::new(network, &[&losses.content, &losses.style])?;
    builder.needed_again = [&losses.content[..], &losses.style].concat();
    builder.forward(&losses.style, true);
    builder.backward(deepest, losses);
    builder.routines.push((Routine::Evaluate, 0..builder.steps.len()));
    match optimizer {
        Optimizer::Adam(settings) => builder.adam(settings),
        Optimizer::Lbfgs { memory } => builder.lbfgs(memory),
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(names: &[&str]) -> Vec<Layer> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn every_gradient_is_masked_once_and_by_its_last_writer() {
        let losses =
            Losses { content: layers(&["relu1_2", "relu3_2"]), style: layers(&["relu1_1", "relu3_2", "relu2_2"]) };
        let plan = iteration(&Network::for_tests(40, 24), &losses, Optimizer::default()).unwrap();
        for layer in losses.content.iter().max().unwrap().up_to() {
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
        let losses = Losses { content: layers(&["relu4_2"]), style: layers(&["relu1_1", "relu5_1"]) };
        let plan = iteration(&Network::for_tests(40, 24), &losses, Optimizer::default()).unwrap();
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
        let none = iteration(&network, &Losses { content: vec![], style: vec![] }, Optimizer::default());
        assert_eq!(none.unwrap_err(), PlanError::NoLayer);
        let deep = Wanted { features: layers(&["relu5_1"]), grams: vec![] };
        assert!(features(&network, &deep).unwrap_err().to_string().contains("at least 16"));
        let twice = Wanted { grams: layers(&["relu1_1", "relu1_1"]), ..Wanted::default() };
        assert!(features(&network, &twice).unwrap_err().to_string().contains("relu1_1 is named twice"));
    }
}
