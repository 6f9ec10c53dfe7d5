//! Statistics of paintings on the host: small arrays, which are averaged and summed up in f64.

use super::coefficients::Scaling;
use crate::plan::{Statistic, TargetScalars};

/// Part of the mean variance of a target that is added to every variance. It is free of units, as relative losses are.
const REGULARISATION: f64 = 0.01;
/// Part of the mean square of all channels together below which their variance is little more than rounding, as in a
/// painting of one colour.
const FLAT: f64 = 1e-3;
/// Part of that mean square that is added to every variance then: f32 sums leave about a tenth of this.
const FLAT_REGULARISATION: f64 = 1e-5;

/// Raw moments of a layer's features: they add up over pixels and pictures, which covariances do not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moments {
    /// Second moment, `[C][C]`.
    pub gram: Vec<f32>,
    /// First moment, `[C]`; empty if no statistic needs it.
    pub mean: Vec<f32>,
}

/// What a style loss is normalised by, and the numbers that its step needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Norm {
    /// The loss, without factors, where all features are zero.
    pub at_zero: f64,
    pub scalars: TargetScalars,
}

impl Moments {
    /// The mean of some moments with weights that sum to one.
    pub fn blend(parts: &[(f64, &Moments)]) -> Moments {
        let mixed = |of: fn(&Moments) -> &[f32]| {
            let mut sums = vec![0.0; parts.first().map_or(0, |(_, first)| of(first).len())];
            for (weight, moments) in parts {
                sums.iter_mut().zip(of(moments)).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
            sums.into_iter().map(|sum: f64| sum as f32).collect()
        };
        Moments { gram: mixed(|moments| &moments.gram), mean: mixed(|moments| &moments.mean) }
    }

    fn mean_squares(&self) -> f64 {
        self.mean.iter().map(|&value| f64::from(value).powi(2)).sum()
    }

    /// Number of channels.
    fn channels(&self) -> usize {
        self.gram.len().isqrt()
    }

    fn variances(&self) -> impl Iterator<Item = f64> + Clone {
        let stride = self.channels() + 1;
        let squares = self.gram.iter().step_by(stride).map(|&value| f64::from(value));
        squares.zip(&self.mean).map(|(square, &mean)| (square - f64::from(mean).powi(2)).max(0.0))
    }

    /// What a loss with this target is normalised by.
    pub fn norm(&self, statistic: Statistic, scaling: Scaling) -> Norm {
        let squares: f64 = self.gram.iter().map(|&value| f64::from(value).powi(2)).sum();
        if statistic == Statistic::Gram {
            return Norm { at_zero: squares, scalars: bytemuck::Zeroable::zeroed() };
        }
        let channels = self.channels() as f64;
        let variance: f64 = self.variances().sum();
        let square = variance + self.mean_squares();
        let least = if variance < FLAT * square { FLAT_REGULARISATION * square } else { 0.0 };
        // A layer that is dead everywhere still needs a matrix that can be inverted.
        let regularisation = (REGULARISATION * variance / channels).max(least).max(1e-15);
        let deviations = self.variances().map(|variance| variance + regularisation);
        let trace = deviations.clone().sum::<f64>();
        let sizes = [squares, self.mean_squares(), trace];
        let counts = [channels * channels, channels, channels];
        let factors = [0, 1, 2].map(|index| match scaling {
            Scaling::Mse => 1.0 / counts[index],
            Scaling::Relative if sizes[index] > f64::from(f32::MIN_POSITIVE) => 1.0 / sizes[index],
            Scaling::Relative => 0.0,
        });
        let at_zero = match statistic {
            Statistic::Wasserstein => square / channels,
            _ => {
                let own = regularisation.sqrt();
                let of_deviations: f64 = deviations.map(|variance| (variance.sqrt() - own).powi(2)).sum();
                factors[0] * sizes[0] + factors[1] * sizes[1] + factors[2] * of_deviations
            }
        };
        let scalars = TargetScalars {
            regularisation: regularisation as f32,
            factors: factors.map(|factor| factor as f32),
            trace: trace as f32,
        };
        Norm { at_zero, scalars }
    }
}
