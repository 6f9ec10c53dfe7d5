//! From the deepest layer with a loss down to the picture.

use super::Builder;
use crate::{
    plan::{
        AveragePoolBackward, Coefficients, Conv3x3Backward, Destination, Losses, Map, MaxPoolBackward, Network,
        NetworkInputBackward, Pooling, REDUCTION_GROUPS, RING_ROWS, RecordLosses, Rows, STATE_WORDS, Step, Tensor,
        TotalVariation,
        band_rows::{BandRows, backward_rows, own_rows},
        ring_row,
        segments::Segment,
    },
    vgg19::Layer,
};
use std::collections::HashMap;

impl Builder {
    /// Losses and gradients, from the deepest layer to the picture.
    pub(super) fn backward(&mut self, deepest: Layer, losses: &Losses) {
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

    /// A band's rows of a layer's gradient.
    pub(super) fn gradient(&mut self, layer: Layer, rows: Rows) -> Map {
        self.rows(Tensor::Gradient(layer), self.shape(layer), rows)
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
}
