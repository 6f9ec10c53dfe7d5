//! The same case on only some rows of its maps. The rows that a step may read or write are surrounded by one more row
//! of NaN on each side, so that touching it shows.

use super::{Case, Check, GUARD};
use crate::plan::{Destination, FeatureShape, Map, Rows, Step};

impl Case {
    /// The case on the first, the middle and the last rows of its output. Empty if its step does not work on rows.
    pub(super) fn in_bands(&self) -> Vec<Case> {
        let Some((_, made)) = self.plan.steps.last().and_then(Step::rows) else { return Vec::new() };
        let count = (made.height + 2).min(3);
        // Not the bands of a plan, which never separate a halo row from its neighbour: any rows may be requested.
        let edge = |index: u32| (made.height + 2) * index / count;
        let bands = (0..count).map(|index| Rows { first: edge(index), end: edge(index + 1) });
        bands.map(|rows| self.in_band(rows)).collect()
    }

    fn in_band(&self, rows: Rows) -> Case {
        let mut case = self.clone();
        case.name = format!("{}, rows {} to {}", self.name, rows.first, rows.end);
        let mut steps = self.plan.steps.clone();
        match &mut steps[..] {
            // The map between them has only the rows that are pooled.
            [Step::Conv3x3(step), Step::MaxPool(pool)] => {
                pool.rows = rows;
                step.rows = rows.below_pooling(pool.shape);
                let read = step.shape.with_channels(step.layer.input_channels());
                case.crop(&mut step.input, read, step.rows.widened(read));
                case.crop(&mut step.output, step.shape, step.rows);
                pool.input = step.output;
                case.crop(&mut pool.output, pool.shape.pooled(), rows);
            }
            [step] => case.crop_step(step, rows),
            _ => {}
        }
        case.plan.steps = steps;
        for check in &mut case.checks {
            if let Check::MaskOf { rows: made, .. } = check {
                *made = rows;
            }
        }
        case
    }

    /// Lets a step produce some rows, and crops its maps to those that it needs.
    fn crop_step(&mut self, step: &mut Step, rows: Rows) {
        match step {
            Step::Conv3x3(step) => {
                step.rows = rows;
                let read = step.shape.with_channels(step.layer.below().map_or(4, |below| below.output_channels()));
                self.crop(&mut step.input, read, rows.widened(read));
                self.crop(&mut step.output, step.shape, rows);
            }
            Step::Conv3x3Backward(step) => {
                step.rows = rows;
                let read = step.shape.with_channels(step.layer.output_channels());
                self.crop(&mut step.gradient, read, rows.widened(read));
                self.crop_destination(&mut step.into, step.shape, rows);
            }
            Step::MaxPool(step) => {
                step.rows = rows;
                self.crop(&mut step.input, step.shape, rows.below_pooling(step.shape));
                self.crop(&mut step.output, step.shape.pooled(), rows);
            }
            Step::MaxPoolBackward(step) => {
                step.rows = rows;
                self.crop(&mut step.gradient, step.shape.pooled(), rows.above_pooling(step.shape));
                self.crop_destination(&mut step.into, step.shape, rows);
            }
            Step::AveragePool(step) => {
                step.rows = rows;
                self.crop(&mut step.input, step.shape, rows.below_pooling(step.shape));
                self.crop(&mut step.output, step.shape.pooled(), rows);
            }
            Step::AveragePoolBackward(step) => {
                step.rows = rows;
                self.crop(&mut step.gradient, step.shape.pooled(), rows.above_pooling(step.shape));
                self.crop_destination(&mut step.into, step.shape, rows);
            }
            Step::Gram(step) => {
                step.rows = rows;
                step.accumulate = rows.first > 0;
                self.crop(&mut step.features, step.shape, rows);
                if step.accumulate {
                    self.contents[step.gram.0] = old(self.contents[step.gram.0].len());
                }
            }
            Step::ChannelMean(step) => {
                step.rows = rows;
                step.accumulate = rows.first > 0;
                self.crop(&mut step.features, step.shape, rows);
                if step.accumulate {
                    self.contents[step.mean.0] = old(self.contents[step.mean.0].len());
                }
            }
            Step::GramBackward(step) => {
                step.rows = rows;
                self.crop(&mut step.features, step.shape, rows);
                self.crop_destination(&mut step.into, step.shape, rows);
            }
            Step::ContentLoss(step) => {
                step.rows = rows;
                step.accumulate = rows.first > 0;
                step.summed = Rows { first: (rows.first + 1).min(rows.end), ..rows };
                self.crop(&mut step.features, step.shape, rows);
                self.crop_destination(&mut step.into, step.shape, rows);
            }
            _ => {}
        }
    }

    fn crop_destination(&mut self, into: &mut Destination, shape: FeatureShape, rows: Rows) {
        self.crop(&mut into.output, shape, rows);
    }

    /// Crops a whole map in its slot to some rows, with a row of guard words on either side where there is room.
    fn crop(&mut self, map: &mut Map, shape: FeatureShape, rows: Rows) {
        let row = shape.padded_width() * shape.channels as usize;
        let around = rows.widened(shape);
        let whole = &self.contents[map.slot.0];
        let kept = around.range().flat_map(|y| {
            let values = &whole[y * row..][..row];
            values.iter().map(move |&word| if rows.contains(y) { word } else { GUARD })
        });
        let contents: Vec<u32> = kept.collect();
        let slot = &mut self.plan.slots[map.slot.0];
        slot.words -= whole.len() - contents.len();
        self.plan.buffers[slot.buffer] = slot.words;
        self.contents[map.slot.0] = contents;
        map.first_row = around.first;
    }
}

/// So many numbers of an earlier band.
fn old(count: usize) -> Vec<u32> {
    (0..count).map(|index| ((index % 7) as f32 / 16.0).to_bits()).collect()
}
