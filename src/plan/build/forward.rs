//! From the picture up to the deepest layer that is looked at.

use super::{Builder, Pass};
use crate::{
    plan::{
        AveragePool, Border, ChannelMean, Conv3x3, FeatureShape, Gram, Map, MaxPool, Network, NetworkInput, Pooling,
        Representation, Rows, SlotId, Step, Tensor, WrapHalo,
        band_rows::{forward_rows, own_rows},
        segments::Segment,
    },
    vgg19::Layer,
};

/// Upper bound of the partial Gram matrices of one layer, in words (4 MiB).
const GRAM_PARTIAL_WORDS: usize = 1 << 20;
/// Fewest pixels that one partial Gram matrix or mean sums.
const STATISTICS_RUN: usize = 512;
/// Most runs of pixels that are averaged at the same time.
const MOST_MEAN_SPLITS: usize = 256;

impl Builder {
    /// Forward to the deepest layer; each Gram matrix is computed as soon as its layer is.
    pub(super) fn forward(&mut self) {
        let backward = self.has_backward_pass();
        let image = self.slot(Tensor::Image, self.picture_values(), true);
        let output = self.bottom(Layer::FIRST).slot;
        let Network { window, border, normalisation, .. } = self.network;
        self.steps.push(Step::NetworkInput(NetworkInput { image, output, size: window.size, border, normalisation }));
        let last = self.last_layer();
        for segment in self.segments.clone().into_iter().filter(|segment| segment.first() <= last) {
            for (band, &made) in segment.bands.iter().enumerate() {
                let own = own_rows(&segment, window.size, made);
                let needed = forward_rows(&segment, window.size, &own);
                let mut input = self.bottom(segment.first());
                for &layer in segment.layers.iter().filter(|layer| **layer <= last) {
                    let shape = self.shape(layer);
                    if let Some(below) = segment.pooling_below(layer) {
                        let rows = needed.pooled[&layer];
                        let output = self.rows(Tensor::Pooled(layer), self.input_shape(layer), rows);
                        let winners = backward.then(|| self.winners(layer));
                        self.pool(below, input, output, winners, rows);
                        self.wrap_halo(output, self.input_shape(layer));
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
                    self.statistics(layer, output, own[&layer], band > 0);
                    self.wrap_halo(output, shape);
                    input = output;
                }
                if let Some(above) = segment.above.filter(|above| *above <= last) {
                    let output = self.bottom(above);
                    let winners = backward.then(|| self.winners(above));
                    self.pool(segment.last(), input, output, winners, made);
                    self.wrap_halo(output, self.input_shape(above));
                }
            }
        }
    }

    /// The deepest layer that the forward pass makes: for statistics alone the last that has any.
    fn last_layer(&self) -> Layer {
        let all = self.segments.iter().map(Segment::last);
        match self.pass {
            Pass::Whole | Pass::Gradient => all.max(),
            Pass::Statistics => {
                let looked_at = |layer: &Layer| {
                    !self.regions_at(*layer).is_empty() || self.wanted.contains(&Representation::Features(*layer))
                };
                Layer::DEEPEST.up_to().filter(looked_at).max()
            }
        }
        .unwrap_or(Layer::FIRST)
    }

    /// Only max pooling writes `winners`.
    pub(super) fn pool(&mut self, below: Layer, input: Map, output: Map, winners: Option<SlotId>, rows: Rows) {
        let shape = self.shape(below);
        self.steps.push(match self.network.pooling {
            Pooling::Max => Step::MaxPool(MaxPool { input, output, winners, shape, rows }),
            Pooling::Average => Step::AveragePool(AveragePool { input, output, shape, rows }),
        });
    }

    /// The statistics of a layer's regions, or what some rows add to them.
    fn statistics(&mut self, layer: Layer, features: Map, rows: Rows, accumulate: bool) {
        if self.pass == Pass::Gradient {
            return;
        }
        // Several windows add up, and the host begins with zero.
        let accumulate = accumulate || self.pass == Pass::Statistics;
        let shape = self.shape(layer);
        let channels = shape.channels as usize;
        let matrix = channels * channels;
        let pixels = self.network.window.picture.pooled(layer.poolings()).pixels();
        let runs = rows.pixels(shape) / STATISTICS_RUN;
        for (region, with_mean) in self.regions_at(layer) {
            let weights = match self.pass {
                Pass::Statistics if !region.weighted => Some(self.counted(layer)),
                _ => self.region_weights(layer, region),
            };
            if self.is_looked_at(Representation::Gram(layer, region)) {
                let splits = runs.clamp(1, GRAM_PARTIAL_WORDS / matrix);
                let partials = self.partials(splits * matrix);
                let gram = self.gram_slot(layer, region);
                let splits = splits as u32;
                let step = Gram { features, weights, partials, gram, shape, rows, accumulate, splits, pixels };
                self.steps.push(Step::Gram(step));
            }
            if with_mean {
                let splits = runs.clamp(1, MOST_MEAN_SPLITS);
                let partials = self.partials(splits * channels);
                let mean = self.mean_slot(layer, region);
                let splits = splits as u32;
                let step = ChannelMean { features, weights, partials, mean, shape, rows, accumulate, splits, pixels };
                self.steps.push(Step::ChannelMean(step));
            }
        }
    }

    /// On a torus, fills a map's halo from its opposite edges.
    pub(super) fn wrap_halo(&mut self, map: Map, shape: FeatureShape) {
        if self.network.border == Border::Wrap {
            self.steps.push(Step::WrapHalo(WrapHalo { map: map.slot, shape }));
        }
    }

    /// Features of a layer in the backward pass: kept, or recomputed, then along with the mask, from the nearest
    /// available map below.
    pub(super) fn features_again(&mut self, layer: Layer, rows: Rows, segment: &Segment, mask: Option<SlotId>) -> Map {
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
}
