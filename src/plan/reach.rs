//! How far the network looks and is looked at beyond an edge: what a window needs around the part that it counts.
//!
//! Everything is interval arithmetic along one axis over the layers in use. The intervals begin and end at multiples of
//! what one pixel of the deepest layer stands for, so that they are whole pixels of every layer.

use crate::vgg19::Layer;

/// Neighbouring pixels of a map along one axis, `first <= x < end`; negative ones lie beyond the edge at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: i64,
    end: i64,
}

impl Run {
    /// What a 3x3 convolution reads to make these, or which of its outputs these reach.
    fn widened(self) -> Run {
        Run { first: self.first - 1, end: self.end + 1 }
    }

    /// What is pooled into these.
    fn below_pooling(self) -> Run {
        Run { first: 2 * self.first, end: 2 * self.end }
    }

    /// What these are pooled into.
    fn above_pooling(self) -> Run {
        Run { first: self.first.div_euclid(2), end: (self.end - 1).div_euclid(2) + 1 }
    }

    fn hull(self, other: Run) -> Run {
        Run { first: self.first.min(other.first), end: self.end.max(other.end) }
    }

    /// How far it goes beyond another, at the end where that is more.
    fn beyond(self, other: Run) -> u32 {
        (other.first - self.first).max(self.end - other.end).max(0) as u32
    }
}

/// The pixels of the picture that some pixels of a layer are made from.
fn seen(layer: Layer, pixels: Run) -> Run {
    layer.up_to().rev().fold(pixels, |run, layer| {
        let read = run.widened();
        if layer.is_after_pooling() { read.below_pooling() } else { read }
    })
}

/// Pixels of the picture that one pixel of a layer stands for along an axis.
pub(super) fn alignment(deepest: Layer) -> u32 {
    1 << deepest.poolings()
}

/// Pixels of the picture, beyond a part of it, that the features of all layers to `deepest` within that part are made from.
pub fn reach_of_features(deepest: Layer) -> u32 {
    let part = Run { first: 0, end: i64::from(alignment(deepest)) };
    let seen = deepest.up_to().map(|layer| {
        let pooled = Run { first: 0, end: part.end >> layer.poolings() };
        seen(layer, pooled)
    });
    seen.fold(part, Run::hull).beyond(part)
}

/// Pixels of the picture, beyond a part of it, that decide the gradient with respect to that part through layers to
/// `deepest`: those from which every feature is made that the part reaches.
pub fn reach_of_gradient(deepest: Layer) -> u32 {
    let part = Run { first: 0, end: i64::from(alignment(deepest)) };
    let (mut reached, mut needed) = (part, part);
    for layer in deepest.up_to() {
        if layer.is_after_pooling() {
            reached = reached.above_pooling();
        }
        reached = reached.widened();
        needed = needed.hull(seen(layer, reached));
    }
    needed.beyond(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_of_a_layer_is_what_its_convolutions_and_poolings_say() {
        let reach = |name: &str| {
            let layer: Layer = name.parse().unwrap();
            (reach_of_features(layer), reach_of_gradient(layer))
        };
        // One convolution; two; two of them behind a pooling.
        assert_eq!(reach("relu1_1"), (1, 2));
        assert_eq!(reach("relu1_2"), (2, 4));
        assert_eq!(reach("relu2_1"), (4, 8));
        assert_eq!(reach("relu4_1").0, 2 + 4 + 16 + 8);
        assert_eq!(reach("relu5_1"), (70, 150));
    }
}
