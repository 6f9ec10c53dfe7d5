//! Which rows of each layer a band of a segment involves.

use super::{FeatureShape, Rows, Size, segments::Segment};
use crate::vgg19::Layer;
use std::collections::HashMap;

/// Rows of each layer, and of the pooled map that it reads if a pooling precedes it within the segment.
#[derive(Default)]
pub(super) struct BandRows {
    pub layer: HashMap<Layer, Rows>,
    pub pooled: HashMap<Layer, Rows>,
}

/// The rows of each layer that belong only to the band that produces the rows `made`.
pub(super) fn own_rows(segment: &Segment, window: Size, made: Rows) -> HashMap<Layer, Rows> {
    let shape = |layer| FeatureShape::of_layer(layer, window);
    let mut own = HashMap::new();
    let mut rows = if segment.above.is_some() { made.below_pooling(shape(segment.last())) } else { made };
    for &layer in segment.layers.iter().rev() {
        own.insert(layer, rows);
        if let Some(below) = segment.pooling_below(layer) {
            rows = rows.below_pooling(shape(below));
        }
    }
    own
}

/// The rows of each layer computed in the forward pass: a band's own, and those that its own rows above read.
pub(super) fn forward_rows(segment: &Segment, window: Size, own: &HashMap<Layer, Rows>) -> BandRows {
    let shape = |layer| FeatureShape::of_layer(layer, window);
    let mut needed = BandRows::default();
    let mut rows = own[&segment.last()];
    for &layer in segment.layers.iter().rev() {
        rows = rows.hull(own[&layer]);
        needed.layer.insert(layer, rows);
        rows = rows.widened(shape(layer));
        if let Some(below) = segment.pooling_below(layer) {
            needed.pooled.insert(layer, rows);
            rows = rows.below_pooling(shape(below));
        }
    }
    needed
}

/// The rows of each layer's gradient needed for the gradient of a band's own rows at the bottom.
pub(super) fn backward_rows(segment: &Segment, window: Size, own: &HashMap<Layer, Rows>) -> BandRows {
    let shape = |layer| FeatureShape::of_layer(layer, window);
    let mut needed = BandRows::default();
    let mut rows = own[&segment.first()];
    for &layer in &segment.layers {
        if let Some(below) = segment.pooling_below(layer) {
            rows = rows.above_pooling(shape(below));
            needed.pooled.insert(layer, rows);
        }
        rows = rows.widened(shape(layer));
        needed.layer.insert(layer, rows);
    }
    needed
}
