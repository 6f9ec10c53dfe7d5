//! Writes the steps of a network and its losses.

use super::{
    Adam, AveragePool, AveragePoolBackward, Border, Coefficients, ContentLoss, Conv3x3, Conv3x3Backward, CopyVector,
    Destination, FeatureShape, Gram, GramBackward, LbfgsDirection, LbfgsDots, LbfgsScalars, LbfgsTrial, LbfgsUpdate,
    MaxPool, MaxPoolBackward, NetworkInput, NetworkInputBackward, Plan, Pooling, RecordLosses, Routine, Size, Slot,
    SlotId, Step, StyleLoss, Tensor, TotalVariation, Window, ring_row, share_buffers,
};
use crate::{vgg19::Layer, weights::Normalisation};

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
/// Upper bound of the partial Gram matrices of one layer, in words (16 MiB).
const GRAM_PARTIAL_WORDS: usize = 4 << 20;
/// Pixels that one partial Gram matrix sums at least.
const GRAM_RUN: usize = 512;

/// The network up to the layers that are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// The part of the picture it looks at.
    pub window: Window,
    /// What the first convolution sees beyond the edge.
    pub border: Border,
    /// Which pooling.
    pub pooling: Pooling,
    /// What the filters expect of a pixel.
    pub normalisation: Normalisation,
}

impl Network {
    /// Max pooling, zero border, ImageNet statistics, the whole picture.
    #[cfg(test)]
    pub(crate) fn for_tests(width: u32, height: u32) -> Network {
        Network {
            window: Window::whole(Size { width, height }),
            border: Border::Zero,
            pooling: Pooling::Max,
            normalisation: Normalisation::IMAGENET,
        }
    }
}

/// Which layers carry a loss; total variation is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    /// Layers whose features are compared.
    pub content: Vec<Layer>,
    /// Layers whose Gram matrices are compared.
    pub style: Vec<Layer>,
}

impl Losses {
    /// Content losses, style losses and total variation.
    pub fn count(&self) -> usize {
        self.content.len() + self.style.len() + 1
    }
}

/// Settings of Adam, see [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as in the formula")]
pub struct AdamSettings {
    pub learning_rate: f32,
    pub betas: [f32; 2],
    pub epsilon: f32,
    /// Decay of the running average of the iterates.
    pub decay: f32,
}

/// How the picture moves along its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Adam with clamping.
    Adam(AdamSettings),
    /// L-BFGS; the host runs the line search.
    Lbfgs {
        /// Curvature pairs that are kept, at least 1.
        memory: usize,
    },
}

impl Default for Optimizer {
    /// Adam with learning rate 0.02, betas 0.9 and 0.99, epsilon 1e-8 and a running average of decay 0.99.
    fn default() -> Self {
        Optimizer::Adam(AdamSettings { learning_rate: 0.02, betas: [0.9, 0.99], epsilon: 1e-8, decay: 0.99 })
    }
}

/// What a features plan leaves to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Layers whose feature maps are kept.
    pub features: Vec<Layer>,
    /// Layers whose Gram matrices are made.
    pub grams: Vec<Layer>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to look at.
    #[error("no content layer and no style layer is named: name at least one")]
    NoLayer,
    /// A layer appears twice in one list.
    #[error("{0} is named twice among the layers of one kind: name it once, with its weight")]
    LayerTwice(Layer),
    /// Nothing is left of the picture after the poolings.
    #[error(
        "a picture of {size} pixels is too small for {layer}, which needs at least {minimum} on each side: make the picture larger or use layers nearer to it"
    )]
    TooSmall {
        /// The deepest layer asked for.
        layer: Layer,
        /// The picture or window.
        size: Size,
        /// Pixels that one pixel of the layer stands for.
        minimum: u32,
    },
}

struct Builder {
    network: Network,
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
        Ok((Builder { network: *network, slots: Vec::new(), steps: Vec::new(), routines: Vec::new() }, deepest))
    }

    fn slot(&mut self, tensor: Tensor, words: usize, persistent: bool) -> SlotId {
        if let Some(index) = self.slots.iter().position(|slot| slot.tensor == tensor) {
            let slot = &mut self.slots[index];
            slot.words = slot.words.max(words);
            slot.persistent |= persistent;
            return SlotId(index);
        }
        self.slots.push(Slot { tensor, words, persistent, buffer: 0 });
        SlotId(self.slots.len() - 1)
    }

    fn shape(&self, layer: Layer) -> FeatureShape {
        FeatureShape::of_layer(layer, self.network.window.size)
    }

    fn picture_values(&self) -> usize {
        3 * self.network.window.size.pixels()
    }

    fn input_shape(&self) -> FeatureShape {
        let Size { width, height } = self.network.window.size;
        FeatureShape { width, height, channels: 4 }
    }

    fn partials(&mut self, words: usize) -> SlotId {
        self.slot(Tensor::Partials, words, false)
    }

    /// Forward to `deepest`; Gram matrices are made as soon as their layer is there.
    fn forward(&mut self, deepest: Layer, grams: &[Layer], backward: bool) {
        let image = self.slot(Tensor::Image, self.picture_values(), true);
        let mut input = self.slot(Tensor::NetworkInput, self.input_shape().values(), false);
        let Network { window, border, normalisation, .. } = self.network;
        self.steps.push(Step::NetworkInput(NetworkInput {
            image,
            output: input,
            size: window.size,
            border,
            normalisation,
        }));
        for layer in deepest.up_to() {
            if let Some(below) = layer.below().filter(|_| layer.is_after_pooling()) {
                input = self.pool(below, layer, input, backward);
            }
            let shape = self.shape(layer);
            let mask = backward.then(|| self.slot(Tensor::ReluMask(layer), shape.mask_words(), false));
            let output = self.slot(Tensor::Features(layer), shape.values(), false);
            self.steps.push(Step::Conv3x3(Conv3x3 { layer, input, output, mask, shape }));
            if grams.contains(&layer) {
                self.gram(layer, output);
            }
            input = output;
        }
    }

    fn pool(&mut self, below: Layer, layer: Layer, input: SlotId, backward: bool) -> SlotId {
        let shape = self.shape(below);
        let output = self.slot(Tensor::Pooled(layer), shape.pooled().values(), false);
        let step = match self.network.pooling {
            Pooling::Max => {
                let words = shape.pooled().winner_words();
                let winners = backward.then(|| self.slot(Tensor::PoolWinners(layer), words, false));
                Step::MaxPool(MaxPool { input, output, winners, shape })
            }
            Pooling::Average => Step::AveragePool(AveragePool { input, output, shape }),
        };
        self.steps.push(step);
        output
    }

    fn gram(&mut self, layer: Layer, features: SlotId) {
        let shape = self.shape(layer);
        let matrix = (shape.channels * shape.channels) as usize;
        let splits = (shape.padded_pixels() / GRAM_RUN).clamp(1, GRAM_PARTIAL_WORDS / matrix);
        let partials = self.partials(splits * matrix);
        let gram = self.slot(Tensor::Gram(layer), matrix, true);
        let pixels = self.network.window.picture.pooled(layer.poolings()).pixels();
        self.steps.push(Step::Gram(Gram { features, partials, gram, shape, splits: splits as u32, pixels }));
    }

    /// Losses and gradients, from the deepest layer to the picture.
    fn backward(&mut self, deepest: Layer, losses: &Losses) {
        let loss_values = self.slot(Tensor::LossValues, losses.count(), true);
        let coefficients = self.slot(Tensor::Coefficients, 2 * losses.count(), true);
        let reduction = self.partials(REDUCTION_GROUPS);
        for layer in deepest.up_to().rev() {
            let shape = self.shape(layer);
            let features = self.slot(Tensor::Features(layer), shape.values(), false);
            let gradient = self.slot(Tensor::Gradient(layer), shape.values(), false);
            let mask = self.slot(Tensor::ReluMask(layer), shape.mask_words(), false);
            let content = losses.content.iter().position(|&l| l == layer);
            let style = losses.style.iter().position(|&l| l == layer);
            // The last of up to three contributions masks the sum.
            let mut accumulate = layer != deepest;
            if let Some(index) = content {
                let target = self.slot(Tensor::ContentTarget(layer), shape.values(), true);
                let last = style.is_none();
                self.steps.push(Step::ContentLoss(ContentLoss {
                    features,
                    target,
                    into: Destination { output: gradient, accumulate, mask: last.then_some(mask) },
                    partials: reduction,
                    coefficients: Coefficients { slot: coefficients, loss: index },
                    losses: loss_values,
                    shape,
                }));
                accumulate = true;
            }
            if let Some(index) = style {
                let matrix = (shape.channels * shape.channels) as usize;
                let gram = self.slot(Tensor::Gram(layer), matrix, true);
                let target = self.slot(Tensor::StyleTarget(layer), matrix, true);
                let gram_gradient = self.slot(Tensor::GramGradient(layer), matrix, false);
                self.steps.push(Step::StyleLoss(StyleLoss {
                    gram,
                    target,
                    gram_gradient,
                    partials: reduction,
                    coefficients: Coefficients { slot: coefficients, loss: losses.content.len() + index },
                    losses: loss_values,
                    channels: shape.channels,
                }));
                self.steps.push(Step::GramBackward(GramBackward {
                    features,
                    gram_gradient,
                    into: Destination { output: gradient, accumulate, mask: Some(mask) },
                    shape,
                }));
            }
            self.conv3x3_backward(layer, gradient, losses);
        }
        let Network { window, border, normalisation, .. } = self.network;
        let image = self.slot(Tensor::Image, self.picture_values(), true);
        let image_gradient = self.slot(Tensor::ImageGradient, self.picture_values(), true);
        let gradient = self.slot(Tensor::NetworkInputGradient, self.input_shape().values(), false);
        let size = window.size;
        self.steps.push(Step::NetworkInputBackward(NetworkInputBackward {
            gradient,
            image_gradient,
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

    /// From the gradient of a layer's output to that of the layer below, or of the network input.
    fn conv3x3_backward(&mut self, layer: Layer, gradient: SlotId, losses: &Losses) {
        let Some(below) = layer.below() else {
            let shape = self.input_shape();
            let output = self.slot(Tensor::NetworkInputGradient, shape.values(), false);
            let into = Destination { output, accumulate: false, mask: None };
            self.steps.push(Step::Conv3x3Backward(Conv3x3Backward { layer, gradient, into, shape }));
            return;
        };
        let shape = self.shape(below);
        let output = self.slot(Tensor::Gradient(below), shape.values(), false);
        let mask = self.slot(Tensor::ReluMask(below), shape.mask_words(), false);
        let more_to_come = losses.content.contains(&below) || losses.style.contains(&below);
        let into = Destination { output, accumulate: false, mask: (!more_to_come).then_some(mask) };
        if !layer.is_after_pooling() {
            self.steps.push(Step::Conv3x3Backward(Conv3x3Backward { layer, gradient, into, shape }));
            return;
        }
        let pooled = self.slot(Tensor::PooledGradient(layer), shape.pooled().values(), false);
        self.steps.push(Step::Conv3x3Backward(Conv3x3Backward {
            layer,
            gradient,
            into: Destination { output: pooled, accumulate: false, mask: None },
            shape: shape.pooled(),
        }));
        let step = match self.network.pooling {
            Pooling::Max => {
                let winners = self.slot(Tensor::PoolWinners(layer), shape.pooled().winner_words(), false);
                Step::MaxPoolBackward(MaxPoolBackward { gradient: pooled, winners, into, shape })
            }
            Pooling::Average => Step::AveragePoolBackward(AveragePoolBackward { gradient: pooled, into, shape }),
        };
        self.steps.push(step);
    }

    fn adam(&mut self, settings: AdamSettings) {
        let count = self.picture_values();
        let AdamSettings { learning_rate, betas, epsilon, decay } = settings;
        let step = Adam {
            image: self.slot(Tensor::Image, count, true),
            gradient: self.slot(Tensor::ImageGradient, count, true),
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
        Plan { window: self.network.window, slots: self.slots, buffers, steps: self.steps, routines: self.routines }
    }
}

/// A plan with the routine [`Routine::Features`]: the picture's features and Gram matrices at the layers wanted.
///
/// # Errors
/// If no layer is wanted, one is named twice, or the picture is too small for the deepest.
pub fn features(network: &Network, wanted: &Wanted) -> Result<Plan, PlanError> {
    let (mut builder, deepest) = Builder::new(network, &[&wanted.features, &wanted.grams])?;
    builder.forward(deepest, &wanted.grams, false);
    for &layer in &wanted.features {
        let words = builder.shape(layer).values();
        builder.slot(Tensor::Features(layer), words, true);
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
    builder.forward(deepest, &losses.style, true);
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
