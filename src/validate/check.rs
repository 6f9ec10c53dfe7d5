//! What is compared after a step, and how.

use crate::plan::{FeatureShape, Rows, SlotId, Tensor};

/// One comparison with the reference.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// Numbers; errors are relative to the largest magnitude of the array.
    Array(SlotId),
    /// Numbers; each error is relative to the number itself.
    Each(SlotId),
    /// Words that must be bitwise equal.
    Words(SlotId),
    /// A ReLU mask: exactly the bits of `output > 0` of the same back end. A value near zero may be above it on one
    /// back end only, so the reference is not consulted; the output is compared separately.
    MaskOf {
        mask: SlotId,
        output: SlotId,
        /// Of the output.
        shape: FeatureShape,
        /// Rows that were computed; the output's slot begins with the row before, if there is one.
        rows: Rows,
    },
}

/// How far a result is from what it should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Deviation {
    pub(super) error: f64,
    pub(super) wrong_words: usize,
    pub(super) place: String,
}

impl Deviation {
    /// The worse error and all wrong words; `other` was found in `tensor`.
    pub(super) fn or_worse(self, other: Deviation, tensor: Tensor) -> Deviation {
        let worse = other.error > self.error || (other.wrong_words > 0 && self.wrong_words == 0);
        Deviation {
            error: self.error.max(other.error),
            wrong_words: self.wrong_words + other.wrong_words,
            place: if worse { format!("{tensor} {}", other.place) } else { self.place },
        }
    }
}

impl Check {
    /// The slot that is compared.
    pub(super) fn slot(self) -> SlotId {
        match self {
            Check::Array(slot) | Check::Each(slot) | Check::Words(slot) | Check::MaskOf { mask: slot, .. } => slot,
        }
    }

    pub(super) fn deviation<'a>(
        self,
        found: &dyn Fn(SlotId) -> &'a [u32],
        expected: &dyn Fn(SlotId) -> &'a [u32],
    ) -> Deviation {
        match self {
            Check::Array(slot) => {
                let expected: &[f32] = bytemuck::cast_slice(expected(slot));
                let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                numbers(bytemuck::cast_slice(found(slot)), expected, |_| f64::from(largest))
            }
            Check::Each(slot) => {
                let expected = bytemuck::cast_slice(expected(slot));
                numbers(bytemuck::cast_slice(found(slot)), expected, |value: f32| f64::from(value.abs()))
            }
            Check::Words(slot) => words(found(slot), expected(slot)),
            Check::MaskOf { mask, output, shape, rows } => {
                let per_row = shape.mask_words() / (shape.height as usize + 2);
                let signs = signs(bytemuck::cast_slice(found(output)), shape, rows);
                words(&found(mask)[rows.first as usize * per_row..rows.end as usize * per_row], &signs)
            }
        }
    }
}

/// The largest error over `scale(expected)`.
fn numbers(found: &[f32], expected: &[f32], scale: impl Fn(f32) -> f64) -> Deviation {
    let mut deviation = Deviation::default();
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        if found == expected || (found.is_nan() && expected.is_nan()) {
            continue;
        }
        let error = (f64::from(found) - f64::from(expected)).abs() / scale(expected).max(f64::MIN_POSITIVE);
        let error = if error.is_nan() { f64::INFINITY } else { error };
        if error > deviation.error {
            let place = format!("value {index}: {found} instead of {expected}");
            deviation = Deviation { error, place, wrong_words: 0 };
        }
    }
    deviation
}

fn words(found: &[u32], expected: &[u32]) -> Deviation {
    let mut wrong = found.iter().zip(expected).enumerate().filter(|(_, (found, expected))| found != expected);
    let Some((index, (first, instead))) = wrong.next() else { return Deviation::default() };
    let place = format!("word {index}: {first:#010x} instead of {instead:#010x}");
    Deviation { error: 0.0, wrong_words: 1 + wrong.count(), place }
}

/// The mask of some rows of an output.
fn signs(output: &[f32], shape: FeatureShape, rows: Rows) -> Vec<u32> {
    let channels = shape.channels as usize;
    let mut mask = vec![0; rows.pixels(shape) * channels.div_ceil(32)];
    let before = shape.padded_width() * usize::from(rows.first > 0) * channels;
    for (index, &value) in output[before..][..rows.pixels(shape) * channels].iter().enumerate() {
        let (word, bit) = shape.mask_bit(index / channels, index % channels);
        mask[word] |= u32::from(value > 0.0) << bit;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(check: Check, found: &[f32], expected: &[f32]) -> Deviation {
        check.deviation(&|_| bytemuck::cast_slice(found), &|_| bytemuck::cast_slice(expected))
    }

    #[test]
    fn a_nan_is_an_infinite_error_and_an_array_error_is_relative_to_its_largest_value() {
        let check = Check::Array(SlotId(0));
        assert_eq!(deviation(check, &[1.0, f32::NAN], &[1.0, 2.0]).error, f64::INFINITY);
        assert_eq!(deviation(check, &[0.5, 2.0], &[0.0, -4.0]).error, 1.5);
        assert_eq!(deviation(Check::Each(SlotId(0)), &[0.5, 2.0], &[0.25, 2.0]).error, 1.0);
        assert_eq!(deviation(Check::Words(SlotId(0)), &[0.5, 2.0, 3.0], &[0.25, 2.0, 1.0]).wrong_words, 2);
    }
}
