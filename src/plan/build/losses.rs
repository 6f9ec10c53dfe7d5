//! Where the losses stand in an evaluation.

use super::Builder;
use crate::{
    plan::{
        Coefficients, ContentLoss, Destination, GramBackward, Losses, REDUCTION_GROUPS, Rows, SlotId, Step, StyleLoss,
        Tensor, segments::Segment,
    },
    vgg19::Layer,
};

/// Rows of the loss ring: how many evaluations may pass between two looks at it.
pub const RING_ROWS: usize = 64;

impl Builder {
    pub(super) fn style_loss(&mut self, layer: Layer, loss: usize) {
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
    pub(super) fn coefficients(&mut self) -> SlotId {
        self.slot(Tensor::Coefficients, 0, true)
    }

    pub(super) fn loss_values(&mut self) -> SlotId {
        self.slot(Tensor::LossValues, 0, true)
    }

    /// Adds what the losses of a layer give to its gradient. The last of up to three contributions masks the sum.
    #[expect(clippy::too_many_arguments, reason = "what a band and a layer are, once")]
    pub(super) fn loss_gradients(
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
}
