//! From the deepest layer with a loss down to the picture.

use super::{Builder, Pass, losses::LossRows};
use crate::{
    plan::{
        AveragePoolBackward, Conv3x3Backward, Destination, Map, MaxPoolBackward, Network, NetworkInputBackward,
        Pooling, Rows, Step, Tensor,
        band_rows::{BandRows, backward_rows, own_rows},
        segments::Segment,
    },
    vgg19::Layer,
};
use std::collections::HashMap;

impl Builder {
    /// Losses and gradients, from the deepest layer to the picture.
    pub(super) fn backward(&mut self) {
        for segment in self.segments.clone().iter().rev() {
            if self.pass == Pass::Whole {
                for &layer in segment.layers.iter().rev() {
                    self.style_losses(layer);
                }
            }
            for (band, &made) in segment.bands.iter().enumerate() {
                let own = own_rows(segment, self.network.window.size, made);
                let needed = backward_rows(segment, self.network.window.size, &own);
                if let Some(above) = segment.above {
                    let gradient = self.bottom_gradient(above);
                    self.pool_backward(above, gradient, needed.layer[&segment.last()]);
                }
                for &layer in segment.layers.iter().rev() {
                    let is_deepest = segment.above.is_none() && layer == segment.last();
                    let rows = LossRows { made: needed.layer[&layer], summed: own[&layer], accumulate: band > 0 };
                    self.loss_gradients(layer, rows, is_deepest, segment);
                    self.conv3x3_backward(layer, &own, &needed, segment);
                }
            }
        }
        self.network_input_backward();
    }

    fn network_input_backward(&mut self) {
        let Network { window, border, normalisation, .. } = self.network;
        // Adam's step follows at once, so nothing has to outlive the routine; L-BFGS needs more.
        let image_gradient = self.slot(Tensor::ImageGradient, self.picture_values(), false);
        let step = NetworkInputBackward {
            gradient: self.bottom_gradient(Layer::FIRST).slot,
            image_gradient,
            inverse_scale: self.slot(Tensor::InverseGradientScale, 1, true),
            size: window.size,
            border,
            normalisation,
        };
        self.steps.push(Step::NetworkInputBackward(step));
    }

    /// A band's rows of a layer's gradient.
    pub(super) fn gradient(&mut self, layer: Layer, rows: Rows) -> Map {
        self.rows(Tensor::Gradient(layer), self.shape(layer), rows)
    }

    /// Destination of the first gradient that reaches a layer.
    fn arrival(&mut self, layer: Layer, rows: Rows) -> Destination {
        let output = self.gradient(layer, rows);
        let more_to_come = self.has_loss(layer);
        let mask = self.mask(layer);
        Destination { output, accumulate: false, mask: (!more_to_come).then_some(mask) }
    }

    /// From the gradient with respect to a layer's output to that of the layer below, or of the segment's input.
    fn conv3x3_backward(&mut self, layer: Layer, own: &HashMap<Layer, Rows>, needed: &BandRows, segment: &Segment) {
        let gradient = self.gradient(layer, needed.layer[&layer]);
        self.wrap_halo(gradient, self.shape(layer));
        let shape = self.input_shape(layer);
        let unmasked = |output| Destination { output, accumulate: false, mask: None };
        let (into, rows) = match layer.below() {
            _ if layer == segment.first() => (unmasked(self.bottom_gradient(layer)), own[&layer]),
            Some(below) if !layer.is_after_pooling() => {
                let rows = needed.layer[&below];
                (self.arrival(below, rows), rows)
            }
            _ => {
                let rows = needed.pooled[&layer];
                (unmasked(self.rows(Tensor::PooledGradient(layer), shape, rows)), rows)
            }
        };
        self.steps.push(Step::Conv3x3Backward(Conv3x3Backward { layer, gradient, into, shape, rows }));
        if let Some(below) = segment.pooling_below(layer) {
            self.pool_backward(layer, into.output, needed.layer[&below]);
        }
    }

    /// From the gradient of a pooled map, read by layer `above`, to that of the layer below the pooling.
    fn pool_backward(&mut self, above: Layer, gradient: Map, rows: Rows) {
        let below = above.below().expect("a pooling stands above a layer");
        let shape = self.shape(below);
        let into = self.arrival(below, rows);
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
