//! The power of two that gradients are multiplied by so that f16 holds them.
//!
//! Gradients with respect to feature maps are tiny: a loss has one value, a map has millions. On photographs of 256x192
//! the largest was 2^-11.5 and the smallest median of a layer 2^-24.6, where f16 ends; both shrink with the number of
//! pixels. All steps between the losses and the picture are linear in the gradient, so one factor in front and its
//! inverse behind change nothing but the range.

use crate::plan::{PerTerm, Size};

/// Powers of two between two trials.
const STEP: i32 = 6;
/// How many powers of two to stay below the largest trial without overflow: room for gradients that grow later.
const ROOM: i32 = 4;
/// Most trials.
const TRIALS: i32 = 8;

/// Where an evaluation left the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Kept,
    /// In the gradients: a smaller scale may do.
    GradientsLeft,
    /// In the feature maps: no scale helps.
    FeaturesLeft,
}

/// Where an evaluation with these losses left the range: terms that look at a layer tell about the feature maps, terms
/// that look at the picture about its gradient.
pub(super) fn range(losses: &PerTerm<f32>) -> Range {
    let are_finite = |at_layer| {
        losses.iter().filter(|(term, _)| term.layer().is_some() == at_layer).all(|(_, loss)| loss.is_finite())
    };
    match (are_finite(true), are_finite(false)) {
        (false, _) => Range::FeaturesLeft,
        (true, false) => Range::GradientsLeft,
        (true, true) => Range::Kept,
    }
}

/// What comes after a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Another, with [`RangeSearch::exponent`].
    Another,
    /// This exponent is the one.
    Settled(i32),
    /// f16 cannot hold the values.
    Impossible,
}

/// Finds the power, a trial at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct RangeSearch {
    exponent: i32,
    /// The largest exponent without overflow.
    kept: Option<i32>,
    /// Whether a trial overflowed.
    left: bool,
    trials: i32,
}

impl RangeSearch {
    pub fn new(picture: Size) -> RangeSearch {
        let exponent = (picture.pixels() as f64).log2() as i32 + 8;
        RangeSearch { exponent, kept: None, left: false, trials: 0 }
    }

    /// The exponent to try.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Takes the outcome of a trial with [`RangeSearch::exponent`].
    pub fn feed(&mut self, range: Range) -> Trial {
        self.trials += 1;
        let is_bracketed = match range {
            Range::FeaturesLeft => return Trial::Impossible,
            Range::Kept => {
                self.kept = Some(self.exponent);
                self.exponent += STEP;
                self.left
            }
            Range::GradientsLeft => {
                self.left = true;
                self.exponent -= STEP;
                self.kept.is_some()
            }
        };
        if !is_bracketed && self.trials < TRIALS {
            return Trial::Another;
        }
        self.kept.map_or(Trial::Impossible, |exponent| Trial::Settled(exponent - ROOM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches where gradients overflow above this exponent.
    fn search(largest: i32) -> Trial {
        let mut search = RangeSearch::new(Size { width: 32, height: 32 });
        loop {
            let range = if search.exponent() > largest { Range::GradientsLeft } else { Range::Kept };
            match search.feed(range) {
                Trial::Another => {}
                end => return end,
            }
        }
    }

    #[test]
    fn the_power_is_a_little_below_the_first_that_overflows() {
        for largest in -20..50 {
            let Trial::Settled(exponent) = search(largest) else { panic!("{largest} was not found") };
            assert!((ROOM..ROOM + STEP).contains(&(largest - exponent)), "{exponent} for {largest}");
        }
        assert_eq!(search(-60), Trial::Impossible);
        let mut features = RangeSearch::new(Size { width: 32, height: 32 });
        assert_eq!(features.feed(Range::FeaturesLeft), Trial::Impossible);
    }
}
