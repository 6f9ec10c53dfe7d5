//! From losses as formulas to the pairs of numbers that the steps of a plan multiply by, one pair for each term.
//!
//! F is a feature map of C channels over M pixels with target T, G = F F^T / M its Gram matrix with target A.
//!
//! | loss | mse | relative |
//! |---|---|---|
//! | content | sum (F - T)^2 / (C M) | sum (F - T)^2 / sum T^2 |
//! | Gram matrix of a layer | sum (G - A)^2 / C^2 | sum (G - A)^2 / sum A^2 |
//! | moments of a layer | the same, + sum (m - m*)^2 / C + sum (s - s*)^2 / C | each sum over the target's own |
//! | Wasserstein distance of a layer | W / C | W / tr A |
//! | edges | mean of squared differences | sum of them over sum of the photograph's squares |
//!
//! W is the squared distance of [`crate::plan::WassersteinLoss`] before it is divided by C; where all features are zero it
//! is tr A, so that every relative loss but that of moments, which is three, is one there. Total variation is the same in
//! both.

use crate::{
    BackendError, Session,
    plan::{EdgeLoss, FeatureShape, PerTerm, Plan, Size, Statistic, Style, Tensor, Term},
    write_values,
};
use bytemuck::{Pod, Zeroable};

/// How the losses of a layer are made comparable with those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "options", derive(clap::ValueEnum))]
pub enum Scaling {
    /// Squared error over the target's squares: free of units, so that one set of weights suits all filters.
    #[default]
    Relative,
    /// Mean squared error: the classic values, which depend on the scale of the filters.
    Mse,
}

/// Scales of one term, as they stand in [`crate::plan::Tensor::Coefficients`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct LossScale {
    /// Turns the step's sum into the loss value, weight not included.
    pub value: f32,
    /// Turns the step's difference into the gradient of the weighted loss.
    pub gradient: f32,
}

impl LossScale {
    /// A loss that is neither reported nor followed.
    const NONE: LossScale = LossScale { value: 0.0, gradient: 0.0 };

    /// A loss that is reported but not followed.
    const REPORTED: LossScale = LossScale { value: 1.0, gradient: 0.0 };

    /// `divisor` is what the sum of squares is divided by, `slope` the factor from the derivative of the sum.
    ///
    /// Scales that overflow stay infinite, and those of a target beyond f32 are NaN, so that the losses show it.
    fn new(weight: f64, divisor: f64, slope: f64) -> LossScale {
        if divisor < f64::from(f32::MIN_POSITIVE) {
            return LossScale::NONE;
        }
        if divisor > f64::from(f32::MAX) {
            return LossScale { value: f32::NAN, gradient: f32::NAN };
        }
        LossScale { value: (1.0 / divisor) as f32, gradient: (weight * slope / divisor) as f32 }
    }
}

/// Writes the scales of a plan's terms; those without scales are reported but not followed. Gradients that come through
/// the network are multiplied by `gradient_scale` on their way, a power of two that the last step undoes.
///
/// # Errors
/// If the device fails.
pub fn write(
    session: &mut dyn Session,
    plan: &Plan,
    scales: &PerTerm<LossScale>,
    gradient_scale: f32,
) -> Result<(), BackendError> {
    let slot = |tensor| plan.find(tensor).expect("a plan with terms has its coefficients");
    let coefficients: Vec<LossScale> = plan
        .terms
        .iter()
        .map(|&term| {
            let LossScale { value, gradient } = scales.get(term).copied().unwrap_or(LossScale::REPORTED);
            let comes_through_network = term.layer().is_some();
            LossScale { value, gradient: if comes_through_network { gradient_scale * gradient } else { gradient } }
        })
        .collect();
    session.write(slot(Tensor::Coefficients), bytemuck::cast_slice(&coefficients))?;
    write_values(session, slot(Tensor::InverseGradientScale), &[1.0 / gradient_scale])
}

/// Scales of a term with `weight` in the total, for a picture of this size. `at_zero` is the term's value, without
/// factors, where all features or edges are zero: the sum of squares of what it compares with, for a Wasserstein distance
/// the mean square of the features. None if there is nothing to compare, in a region that vanished: it is left out.
pub fn scale(scaling: Scaling, term: Term, weight: f64, picture: Size, at_zero: Option<f64>) -> LossScale {
    let Some(at_zero) = at_zero else { return LossScale::NONE };
    match term {
        Term::Content(layer) => {
            let shape = FeatureShape::of_layer(layer, picture);
            content(scaling, weight, shape.pixels() * shape.channels as usize, at_zero)
        }
        Term::Style(Style { layer, statistic, .. }) => {
            let shape = FeatureShape::of_layer(layer, picture);
            match statistic {
                Statistic::Gram => gram(scaling, weight, shape.channels as usize, shape.pixels(), at_zero),
                Statistic::Moments => moments(weight, shape.pixels()),
                Statistic::Wasserstein => wasserstein(scaling, weight, shape.pixels(), at_zero),
            }
        }
        Term::TotalVariation => total_variation(weight),
        Term::Edges => edges(scaling, weight, picture, at_zero),
    }
}

/// Scales of [`crate::plan::ContentLoss`]: with `d = F - T`, the loss is `value * sum d^2` and its gradient
/// `gradient * d`.
///
/// `values` is C M of the whole picture, `target_squares` the sum of T^2. Nothing can be compared with a target of
/// zeros in relative terms: the loss is left out.
pub fn content(scaling: Scaling, weight: f64, values: usize, target_squares: f64) -> LossScale {
    let divisor = match scaling {
        Scaling::Mse => values as f64,
        Scaling::Relative => target_squares,
    };
    LossScale::new(weight, divisor, 2.0)
}

/// Scales of [`crate::plan::GramLoss`]: with `D = G - A`, the loss is `value * sum D^2` and S is `gradient * D`, so that
/// F S is its gradient.
///
/// `channels` is C, `pixels` M of the whole picture at the layer, `target_squares` the sum of A^2. As G and A are
/// symmetric, `dF = (dG + dG^T) F / M` with `dG = 2 D / divisor` gives S = 4 D / (M divisor). Nothing can be compared
/// with a target of zeros in relative terms: the loss is left out.
pub fn gram(scaling: Scaling, weight: f64, channels: usize, pixels: usize, target_squares: f64) -> LossScale {
    let divisor = match scaling {
        Scaling::Mse => (channels * channels) as f64,
        Scaling::Relative => target_squares,
    };
    LossScale::new(weight, divisor, 4.0 / pixels as f64)
}

/// Scales of [`crate::plan::MomentsLoss`], whose factors measure its three parts; `pixels` is M of the whole picture at the
/// layer. The gradient of a statistic with respect to a pixel's features has a factor 2 / M.
pub fn moments(weight: f64, pixels: usize) -> LossScale {
    LossScale::new(weight, 1.0, 2.0 / pixels as f64)
}

/// Scales of [`crate::plan::WassersteinLoss`]; `pixels` is M of the whole picture at the layer, `mean_square` that of the
/// target's features.
pub fn wasserstein(scaling: Scaling, weight: f64, pixels: usize, mean_square: f64) -> LossScale {
    let divisor = match scaling {
        Scaling::Mse => 1.0,
        Scaling::Relative => mean_square,
    };
    LossScale::new(weight, divisor, 2.0 / pixels as f64)
}

/// Scales of [`crate::plan::EdgeLoss`]; `target_squares` is the sum of squares of the photograph's edges.
pub fn edges(scaling: Scaling, weight: f64, picture: Size, target_squares: f64) -> LossScale {
    let divisor = match scaling {
        Scaling::Mse => 3.0 * EdgeLoss::cells(picture).pixels() as f64,
        Scaling::Relative => target_squares,
    };
    LossScale::new(weight, divisor, 2.0)
}

/// Scales of [`crate::plan::TotalVariation`], whose step divides by the number of differences itself.
pub fn total_variation(weight: f64) -> LossScale {
    LossScale::new(weight, 1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Network, Optimizer, iteration},
        random::Random,
        reference,
        weights::generated,
    };
    use std::sync::Arc;

    const C: usize = 3;
    const M: usize = 5;
    const WEIGHT: f64 = 1.7;
    const SCALINGS: [Scaling; 2] = [Scaling::Mse, Scaling::Relative];

    /// `[pixel][channel]`.
    fn map(seed: u64) -> Vec<f64> {
        Random::new(seed).uniform_values(M * C, -1.0, 1.0).into_iter().map(f64::from).collect()
    }

    fn squares(values: &[f64]) -> f64 {
        values.iter().map(|value| value * value).sum()
    }

    fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a - b).collect()
    }

    fn gram_of(features: &[f64]) -> Vec<f64> {
        let entry = |i: usize, j: usize| features.chunks(C).map(|pixel| pixel[i] * pixel[j]).sum::<f64>() / M as f64;
        (0..C * C).map(|index| entry(index / C, index % C)).collect()
    }

    /// Compares a gradient with central differences of `loss`.
    fn check(features: &[f64], gradient: &[f64], loss: impl Fn(&[f64]) -> f64) {
        for index in 0..features.len() {
            let at = |step: f64| {
                let mut moved = features.to_vec();
                moved[index] += step;
                loss(&moved)
            };
            let expected = (at(1e-4) - at(-1e-4)) / 2e-4;
            assert!((gradient[index] - expected).abs() < 1e-6, "{index}: {} for {expected}", gradient[index]);
        }
    }

    #[test]
    fn content_scales_give_the_loss_and_its_gradient() {
        let (features, target) = (map(1), map(2));
        for scaling in SCALINGS {
            let scale = content(scaling, WEIGHT, C * M, squares(&target));
            let loss = |f: &[f64]| {
                let sum = squares(&difference(f, &target));
                sum / if scaling == Scaling::Mse { (C * M) as f64 } else { squares(&target) }
            };
            let value = f64::from(scale.value) * squares(&difference(&features, &target));
            assert!((value - loss(&features)).abs() < 1e-6, "{scaling:?}: {value}");
            let gradient: Vec<f64> =
                difference(&features, &target).iter().map(|d| d * f64::from(scale.gradient)).collect();
            check(&features, &gradient, |f| WEIGHT * loss(f));
        }
    }

    #[test]
    fn style_scales_give_the_loss_and_its_gradient() {
        let (features, target) = (map(3), gram_of(&map(4)));
        for scaling in SCALINGS {
            let scale = gram(scaling, WEIGHT, C, M, squares(&target));
            let loss = |f: &[f64]| {
                let sum = squares(&difference(&gram_of(f), &target));
                sum / if scaling == Scaling::Mse { (C * C) as f64 } else { squares(&target) }
            };
            let apart = difference(&gram_of(&features), &target);
            let value = f64::from(scale.value) * squares(&apart);
            assert!((value - loss(&features)).abs() < 1e-6, "{scaling:?}: {value}");
            let entry = |pixel: usize, channel: usize| {
                (0..C).map(|k| features[pixel * C + k] * apart[k * C + channel]).sum::<f64>()
                    * f64::from(scale.gradient)
            };
            let gradient: Vec<f64> = (0..M * C).map(|index| entry(index / C, index % C)).collect();
            check(&features, &gradient, |f| WEIGHT * loss(f));
        }
    }

    #[test]
    fn only_what_comes_through_the_network_is_scaled_up_and_undone() {
        let layer = "relu1_1".parse().unwrap();
        let terms = [Term::TotalVariation, Term::gram(layer, 0), Term::Content(layer)];
        let plan = iteration(&Network::for_tests(9, 7), &terms, Optimizer::default()).unwrap();
        let filters = Arc::new(generated(1, layer));
        let mut session = reference::Session::new(&plan, &filters).unwrap();
        let pair = |value, gradient| LossScale { value, gradient };
        // In another order than the plan's, and without one of its terms.
        let scales: PerTerm<_> = [(terms[2], pair(0.5, 3.0)), (terms[0], pair(1.0, 7.0))].into_iter().collect();
        write(&mut session, &plan, &scales, 8.0).unwrap();
        let mut read = |tensor| crate::read_values(&mut session, plan.find(tensor).unwrap()).unwrap();
        assert_eq!(read(Tensor::Coefficients), [1.0, 7.0, 1.0, 0.0, 0.5, 24.0]);
        assert_eq!(read(Tensor::InverseGradientScale), [0.125]);
    }

    #[test]
    fn a_target_of_zeros_leaves_a_relative_loss_out() {
        assert_eq!(content(Scaling::Relative, 1.0, 10, 0.0), LossScale::NONE);
        assert_eq!(gram(Scaling::Relative, 1.0, 3, 10, 1e-60), LossScale::NONE);
        assert_ne!(content(Scaling::Mse, 1.0, 10, 0.0), LossScale::NONE);
    }
}
