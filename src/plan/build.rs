//! Writes the steps of a network and its losses.

use super::{
    Adam, AdamSettings, AveragePool, AveragePoolBackward, Coefficients, ContentLoss, Conv3x3, Conv3x3Backward,
    CopyVector, Destination, FeatureShape, Gram, GramBackward, LbfgsDirection, LbfgsDots, LbfgsScalars, LbfgsTrial,
    LbfgsUpdate, Losses, Map, MaxPool, MaxPoolBackward, Network, NetworkInput, NetworkInputBackward, Optimizer, Plan,
    PlanError, Pooling, RecordLosses, Routine, Rows, Slot, SlotId, Step, StyleLoss, Tensor, TotalVariation, Wanted,
    band_rows::{BandRows, backward_rows, forward_rows, own_rows},
    ring_row,
    segments::{Segment, segments},
    share_buffers,
};
use crate::vgg19::Layer;
use std::collections::HashMap;

/// Rows of the loss ring: how many evaluations may pass between two looks at it.
pub const RING_ROWS: usize = 64;
/// Words of [`Tensor::State`].
pub const STATE_WORDS: usize = 5;
/// [`Tensor::State`] before the first evaluation: none counted, not halted, Adam's powers at step 0.
pub const INITIAL_STATE: [u32; STATE_WORDS] = {
    let one = 1f32.to_bits();
    [0, 0, one, one, one]
};
/// Workgroups of a reduction; each leaves one partial sum per reduced value.
pub(crate) const REDUCTION_GROUPS: usize = 256;
/// Upper bound of the partial Gram matrices of one layer, in words (4 MiB).
const GRAM_PARTIAL_WORDS: usize = 1 << 20;
/// Pixels that one partial Gram matrix sums at least.
const GRAM_RUN: usize = 512;

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

    /// The gradient by [`Self::bottom`].
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

    /// Forward to `deepest`; Gram matrices are made as soon as their layer is there.
    fn forward(&mut self, grams: &[Layer], backward: bool) {
        let image = self.slot(Tensor::Image, self.picture_values(), true);
        let output = self.bottom(Layer::FIRST).slot;
        let Network { window, border, normalisation, .. } = self.network;
        self.steps.push(Step::NetworkInput(NetworkInput { image, output, size: window.size, border, normalisation }));
        for segment in self.segments.clone() {
            for (band, &made) in segment.bands.iter().enumerate() {
                let own = own_rows(&segment, window.size, made);
                let needed = forward_rows(&segment, window.size, &own);
                let mut input = self.bottom(segment.first());
                for &layer in &segment.layers {
                    let shape = self.shape(layer);
                    if let Some(below) = segment.pooling_below(layer) {
                        let rows = needed.pooled[&layer];
                        let output = self.rows(Tensor::Pooled(layer), self.input_shape(layer), rows);
                        let winners = backward.then(|| self.winners(layer));
                        self.pool(below, input, output, winners, rows);
                        input = output;
                    }
                    let rows = needed.layer[&layer];
                    let output = if self.is_kept(layer, &segment) {
                        self.whole(Tensor::Features(layer), shape, false)
                    } else {
                        self.rows(Tensor::Features(layer), shape, rows)
                    };
                    let mask = (backward && !self.is_made_again(layer, &segment)).then(|| self.mask(layer));
                    self.steps.push(Step::Conv3x3(Conv3x3 { layer, input, output, mask, shape, rows }));
                    if grams.contains(&layer) {
                        self.gram(layer, output, own[&layer], band > 0);
                    }
                    input = output;
                }
                if let Some(above) = segment.above {
                    let output = self.bottom(above);
                    let winners = backward.then(|| self.winners(above));
                    self.pool(segment.last(), input, output, winners, made);
                }
            }
        }
    }

    /// `winners` are written by max pooling only.
    fn pool(&mut self, below: Layer, input: Map, output: Map, winners: Option<SlotId>, rows: Rows) {
        let shape = self.shape(below);
        self.steps.push(match self.network.pooling {
            Pooling::Max => Step::MaxPool(MaxPool { input, output, winners, shape, rows }),
            Pooling::Average => Step::AveragePool(AveragePool { input, output, shape, rows }),
        });
    }

    fn gram(&mut self, layer: Layer, features: Map, rows: Rows, accumulate: bool) {
        let shape = self.shape(layer);
        let matrix = (shape.channels * shape.channels) as usize;
        let splits = (rows.pixels(shape) / GRAM_RUN).clamp(1, GRAM_PARTIAL_WORDS / matrix);
        let partials = self.partials(splits * matrix);
        let gram = self.slot(Tensor::Gram(layer), matrix, true);
        let pixels = self.network.window.picture.pooled(layer.poolings()).pixels();
        let splits = splits as u32;
        self.steps.push(Step::Gram(Gram { features, partials, gram, shape, rows, accumulate, splits, pixels }));
    }

    /// Losses and gradients, from the deepest layer to the picture.
    fn backward(&mut self, deepest: Layer, losses: &Losses) {
        let loss_values = self.slot(Tensor::LossValues, losses.count(), true);
        let coefficients = self.slot(Tensor::Coefficients, losses.coefficients(), true);
        let reduction = self.partials(REDUCTION_GROUPS);
        for segment in self.segments.clone().iter().rev() {
            for &layer in segment.layers.iter().rev() {
                if let Some(index) = losses.style.iter().position(|&l| l == layer) {
                    self.style_loss(layer, losses.content.len() + index);
                }
            }
            for (band, &made) in segment.bands.iter().enumerate() {
                let own = own_rows(segment, self.network.window.size, made);
                let needed = backward_rows(segment, self.network.window.size, &own);
                if let Some(above) = segment.above {
                    let gradient = self.bottom_gradient(above);
                    self.pool_backward(above, gradient, needed.layer[&segment.last()], losses);
                }
                for &layer in segment.layers.iter().rev() {
                    let rows = needed.layer[&layer];
                    self.loss_gradients(layer, rows, own[&layer], band > 0, layer == deepest, losses, segment);
                    self.conv3x3_backward(layer, &own, &needed, segment, losses);
                }
            }
        }
        let Network { window, border, normalisation, .. } = self.network;
        let image = self.slot(Tensor::Image, self.picture_values(), true);
        // Adam's step follows at once, so that nothing need outlive the routine; L-BFGS asks for more.
        let image_gradient = self.slot(Tensor::ImageGradient, self.picture_values(), false);
        let gradient = self.bottom_gradient(Layer::FIRST).slot;
        let size = window.size;
        self.steps.push(Step::NetworkInputBackward(NetworkInputBackward {
            gradient,
            image_gradient,
            unscale: Coefficients { slot: coefficients, loss: losses.count() },
            size,
            border,
            normalisation,
        }));
        self.steps.push(Step::TotalVariation(TotalVariation {
            image,
            image_gradient,
            partials: reduction,
            coefficients: Coefficients { slot: coefficients, loss: losses.count() - 1 },
            losses: loss_values,
            size,
        }));
        let state = self.slot(Tensor::State, STATE_WORDS, true);
        let ring = self.slot(Tensor::LossRing, RING_ROWS * ring_row(losses.count()), true);
        self.steps.push(Step::RecordLosses(RecordLosses {
            losses: loss_values,
            state,
            ring,
            count: losses.count(),
            rows: RING_ROWS,
        }));
    }

    fn style_loss(&mut self, layer: Layer, loss: usize) {
        let channels = self.shape(layer).channels;
        let matrix = (channels * channels) as usize;
        let step = StyleLoss {
            gram: self.slot(Tensor::Gram(layer), matrix, true),
            target: self.slot(Tensor::StyleTarget(layer), matrix, true),
            gram_gradient: self.slot(Tensor::GramGradient(layer), matrix, false),
            partials: self.partials(REDUCTION_GROUPS),
            coefficients: Coefficients { slot: self.coefficients(), loss },
            losses: self.loss_values(),
            channels,
        };
        self.steps.push(Step::StyleLoss(step));
    }

    /// The slots of [`Self::backward`], which knows their sizes.
    fn coefficients(&mut self) -> SlotId {
        self.slot(Tensor::Coefficients, 0, true)
    }

    fn loss_values(&mut self) -> SlotId {
        self.slot(Tensor::LossValues, 0, true)
    }

    /// Adds what the losses of a layer give to its gradient. The last of up to three contributions masks the sum.
    #[expect(clippy::too_many_arguments, reason = "what a band and a layer are, once")]
    fn loss_gradients(
        &mut self,
        layer: Layer,
        rows: Rows,
        summed: Rows,
        add_value: bool,
        is_first: bool,
        losses: &Losses,
        segment: &Segment,
    ) {
        let content = losses.content.iter().position(|&l| l == layer);
        let is_style = losses.style.contains(&layer);
        if content.is_none() && !is_style {
            return;
        }
        let shape = self.shape(layer);
        let mask = self.mask(layer);
        let features = self.features_again(layer, rows, segment, Some(mask));
        let output = self.gradient(layer, rows);
        let mut accumulate = !is_first;
        if let Some(index) = content {
            let step = ContentLoss {
                features,
                target: self.whole(Tensor::ContentTarget(layer), shape, true).slot,
                into: Destination { output, accumulate, mask: (!is_style).then_some(mask) },
                partials: self.partials(REDUCTION_GROUPS),
                coefficients: Coefficients { slot: self.coefficients(), loss: index },
                losses: self.loss_values(),
                shape,
                rows,
                summed,
                accumulate: add_value,
            };
            self.steps.push(Step::ContentLoss(step));
            accumulate = true;
        }
        if is_style {
            let gram_gradient = self.slot(Tensor::GramGradient(layer), 0, false);
            let into = Destination { output, accumulate, mask: Some(mask) };
            self.steps.push(Step::GramBackward(GramBackward { features, gram_gradient, into, shape, rows }));
        }
    }

    /// A band's rows of a layer's gradient.
    fn gradient(&mut self, layer: Layer, rows: Rows) -> Map {
        self.rows(Tensor::Gradient(layer), self.shape(layer), rows)
    }

    /// Features of a layer on the way back: kept, or made once more from the nearest map below that is there, and then the
    /// mask too.
    fn features_again(&mut self, layer: Layer, rows: Rows, segment: &Segment, mask: Option<SlotId>) -> Map {
        let shape = self.shape(layer);
        if self.is_kept(layer, segment) {
            return self.whole(Tensor::Features(layer), shape, false);
        }
        let mut input = self.bottom(segment.first());
        if let Some(below) = layer.below().filter(|_| layer != segment.first()) {
            let read = rows.widened(shape);
            if layer.is_after_pooling() {
                let unpooled = self.features_again(below, read.below_pooling(self.shape(below)), segment, None);
                input = self.rows(Tensor::RecomputedPooled(layer), self.input_shape(layer), read);
                self.pool(below, unpooled, input, None, read);
            } else {
                input = self.features_again(below, read, segment, None);
            }
        }
        let output = self.rows(Tensor::Recomputed(layer), shape, rows);
        self.steps.push(Step::Conv3x3(Conv3x3 { layer, input, output, mask, shape, rows }));
        output
    }

    /// Where the gradient of a layer goes that is the first to arrive.
    fn arrival(&mut self, layer: Layer, rows: Rows, losses: &Losses) -> Destination {
        let output = self.gradient(layer, rows);
        let more_to_come = losses.content.contains(&layer) || losses.style.contains(&layer);
        let mask = self.mask(layer);
        Destination { output, accumulate: false, mask: (!more_to_come).then_some(mask) }
    }

    /// From the gradient of a layer's output to that of the layer below, or of what the segment reads.
    fn conv3x3_backward(
        &mut self,
        layer: Layer,
        own: &HashMap<Layer, Rows>,
        needed: &BandRows,
        segment: &Segment,
        losses: &Losses,
    ) {
        let gradient = self.gradient(layer, needed.layer[&layer]);
        let shape = self.input_shape(layer);
        let unmasked = |output| Destination { output, accumulate: false, mask: None };
        let (into, rows) = match layer.below() {
            _ if layer == segment.first() => (unmasked(self.bottom_gradient(layer)), own[&layer]),
            Some(below) if !layer.is_after_pooling() => {
                let rows = needed.layer[&below];
                (self.arrival(below, rows, losses), rows)
            }
            _ => {
                let rows = needed.pooled[&layer];
                (unmasked(self.rows(Tensor::PooledGradient(layer), shape, rows)), rows)
            }
        };
        self.steps.push(Step::Conv3x3Backward(Conv3x3Backward { layer, gradient, into, shape, rows }));
        if let Some(below) = segment.pooling_below(layer) {
            self.pool_backward(layer, into.output, needed.layer[&below], losses);
        }
    }

    /// From the gradient of a pooled map, read by layer `above`, to that of the layer below the pooling.
    fn pool_backward(&mut self, above: Layer, gradient: Map, rows: Rows, losses: &Losses) {
        let below = above.below().expect("a pooling stands above a layer");
        let shape = self.shape(below);
        let into = self.arrival(below, rows, losses);
        let step = match self.network.pooling {
            Pooling::Max => {
                let winners = self.winners(above);
                Step::MaxPoolBackward(MaxPoolBackward { gradient, winners, into, shape, rows })
            }
            Pooling::Average => Step::AveragePoolBackward(AveragePoolBackward { gradient, into, shape, rows }),
        };
        self.steps.push(step);
    }

    fn adam(&mut self, settings: AdamSettings) {
        let count = self.picture_values();
        let AdamSettings { learning_rate, betas, epsilon, decay } = settings;
        let step = Adam {
            image: self.slot(Tensor::Image, count, true),
            gradient: self.slot(Tensor::ImageGradient, count, false),
            mean: self.slot(Tensor::AdamMean, count, true),
            square: self.slot(Tensor::AdamSquare, count, true),
            average: self.slot(Tensor::Average, count, true),
            state: self.slot(Tensor::State, STATE_WORDS, true),
            count,
            learning_rate,
            betas,
            epsilon,
            decay,
        };
        self.routine(Routine::Adam, [Step::Adam(step)]);
    }

    fn lbfgs(&mut self, memory: usize) {
        let count = self.picture_values();
        let rows = 2 * memory + 1;
        let image = self.slot(Tensor::Image, count, true);
        let gradient = self.slot(Tensor::ImageGradient, count, true);
        let base = self.slot(Tensor::LbfgsBase, count, true);
        let direction = self.slot(Tensor::LbfgsDirection, count, true);
        let history = self.slot(Tensor::LbfgsHistory, rows * count, true);
        let control = self.slot(Tensor::LbfgsControl, 4 + rows, true);
        let results = self.slot(Tensor::LbfgsResults, 3 * rows, true);
        let partials = self.partials(3 * rows * REDUCTION_GROUPS);
        self.routine(
            Routine::LbfgsUpdate,
            [
                Step::LbfgsUpdate(LbfgsUpdate { image, gradient, base, history, control, count, memory }),
                Step::LbfgsDots(LbfgsDots { history, control, partials, results, count, memory }),
            ],
        );
        self.routine(
            Routine::LbfgsDirection,
            [Step::LbfgsDirection(LbfgsDirection { history, control, direction, count, memory })],
        );
        self.routine(Routine::LbfgsTrial, [Step::LbfgsTrial(LbfgsTrial { base, direction, control, image, count })]);
        self.routine(
            Routine::LbfgsScalars,
            [Step::LbfgsScalars(LbfgsScalars { gradient, direction, partials, results, count })],
        );
        let kept = self.slot(Tensor::KeptGradient, count, true);
        let copy = |from, to| [Step::CopyVector(CopyVector { from, to, count })];
        self.routine(Routine::KeepGradient, copy(gradient, kept));
        self.routine(Routine::RestoreGradient, copy(kept, gradient));
    }

    fn routine<const N: usize>(&mut self, routine: Routine, steps: [Step; N]) {
        let first = self.steps.len();
        self.steps.extend(steps);
        self.routines.push((routine, first..self.steps.len()));
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
