//! Rows of feature maps: which a step writes, which a slot holds, which a convolution or pooling needs.
//!
//! All rows are padded rows: row 0 and row `height + 1` are the halo's.

use super::{FeatureShape, SlotId};

/// A run of padded rows, `first <= row < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rows {
    /// The first.
    pub first: u32,
    /// One past the last.
    pub end: u32,
}

impl Rows {
    /// All padded rows of a map.
    pub fn all(shape: FeatureShape) -> Rows {
        Rows { first: 0, end: shape.height + 2 }
    }

    /// How many.
    pub fn count(self) -> usize {
        (self.end - self.first) as usize
    }

    /// Whether a padded row is among them.
    pub fn contains(self, row: usize) -> bool {
        (self.first as usize..self.end as usize).contains(&row)
    }

    /// As a range to iterate over.
    pub fn range(self) -> std::ops::Range<usize> {
        self.first as usize..self.end as usize
    }

    /// Those that do not belong to the halo; perhaps none.
    pub(crate) fn inside(self, shape: FeatureShape) -> Rows {
        Rows { first: self.first.max(1), end: self.end.min(shape.height + 1) }
    }

    /// Padded pixels of these rows.
    pub fn pixels(self, shape: FeatureShape) -> usize {
        self.count() * shape.padded_width()
    }

    /// Pixels of these rows without the halo.
    pub(super) fn pixels_inside(self, shape: FeatureShape) -> u64 {
        self.inside(shape).count() as u64 * u64::from(shape.width)
    }

    /// Number of the first padded pixel.
    pub fn first_pixel(self, shape: FeatureShape) -> usize {
        self.first as usize * shape.padded_width()
    }

    /// The rows of a map of equal height that a 3x3 convolution reads to compute these.
    pub(crate) fn widened(self, shape: FeatureShape) -> Rows {
        Rows { first: self.first.saturating_sub(1), end: (self.end + 1).min(shape.height + 2) }
    }

    /// These rows, the others, and those between.
    pub(super) fn hull(self, other: Rows) -> Rows {
        Rows { first: self.first.min(other.first), end: self.end.max(other.end) }
    }

    /// The rows of a map of `shape` that are pooled into these: twice as many; at the edges also the halo and an odd
    /// last row.
    pub(crate) fn below_pooling(self, shape: FeatureShape) -> Rows {
        let first = if self.first == 0 { 0 } else { 2 * self.first - 1 };
        let last = self.end == shape.pooled().height + 2;
        Rows { first, end: if last { shape.height + 2 } else { 2 * self.end - 1 } }
    }

    /// The rows of the pooled map whose gradient reaches these rows of a map of `shape`; halo rows bring the pooled
    /// map's halo along. At least one row, needed or not.
    pub(crate) fn above_pooling(self, shape: FeatureShape) -> Rows {
        let height = shape.pooled().height;
        let pooled = |row: u32| ((row.clamp(1, shape.height) - 1) / 2 + 1).min(height);
        let first = if self.first == 0 { 0 } else { pooled(self.first) };
        let last = self.end == shape.height + 2;
        Rows { first, end: if last { height + 2 } else { pooled(self.end - 1) + 1 } }
    }

    /// All padded rows of a map in `count` runs of about equal length.
    pub(super) fn split(shape: FeatureShape, count: u32) -> Vec<Rows> {
        let edge = |index: u32| match index {
            0 => 0,
            _ if index == count => shape.height + 2,
            _ => 1 + (u64::from(shape.height) * u64::from(index) / u64::from(count)) as u32,
        };
        (0..count).map(|index| Rows { first: edge(index), end: edge(index + 1) }).collect()
    }
}

/// A feature map or gradient, or some of its rows, in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Map {
    /// Where it is.
    pub slot: SlotId,
    /// The padded row that stands first in the slot: 0 if the slot holds the whole map.
    pub first_row: u32,
}

impl Map {
    /// A slot that holds the whole map.
    pub fn whole(slot: SlotId) -> Map {
        Map { slot, first_row: 0 }
    }

    /// Number of the padded pixel that stands first in the slot.
    pub fn first_pixel(self, shape: FeatureShape) -> usize {
        self.first_row as usize * shape.padded_width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(height: u32) -> FeatureShape {
        FeatureShape { width: 5, height, channels: 4 }
    }

    #[test]
    fn runs_cover_every_row_once() {
        for (height, count) in [(7, 3), (1, 1), (64, 5), (9, 9)] {
            let runs = Rows::split(shape(height), count);
            assert_eq!(runs.len(), count as usize);
            assert_eq!((runs[0].first, runs[runs.len() - 1].end), (0, height + 2));
            assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].first && pair[0].first < pair[0].end));
        }
    }

    #[test]
    fn what_lies_below_a_pooling_covers_every_row_once_and_leads_back() {
        for height in [2, 3, 8, 13] {
            let below = shape(height);
            let pooled = Rows::split(below.pooled(), below.pooled().height.min(3));
            let rows: Vec<Rows> = pooled.iter().map(|rows| rows.below_pooling(below)).collect();
            assert_eq!((rows[0].first, rows[rows.len() - 1].end), (0, height + 2));
            assert!(rows.windows(2).all(|pair| pair[0].end == pair[1].first));
            for (rows, pooled) in rows.iter().zip(&pooled) {
                let needed = rows.above_pooling(below);
                assert!(needed.first >= pooled.first && needed.end <= pooled.end, "{rows:?}: {needed:?} of {pooled:?}");
            }
        }
    }
}
