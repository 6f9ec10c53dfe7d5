//! The Cholesky and polar factors of Wasserstein distances.

use super::Builder;
use crate::plan::{
    Cholesky, Covariance, Factor, Matrix, MatrixProduct, POLAR_FACTORS, POLAR_STEPS, PolarFactors, PolarStep,
    REDUCTION_GROUPS, SlotId, Statistic, Step, Style, SumOfSquares, Tensor, Term,
};

/// The matrices that a [`crate::plan::WassersteinLoss`] compares by.
pub(super) struct Transport {
    pub covariance: SlotId,
    pub polar: SlotId,
    pub overlap: SlotId,
    pub transport: SlotId,
}

impl Builder {
    fn matrix(&mut self, matrix: Matrix, channels: u32) -> SlotId {
        self.slot(Tensor::Matrix(matrix), (channels as usize).pow(2), false)
    }

    fn covariance(&mut self, gram: SlotId, mean: SlotId, scalars: SlotId, channels: u32) -> SlotId {
        let covariance = self.matrix(Matrix::S, channels);
        self.steps.push(Step::Covariance(Covariance { gram, mean, scalars, covariance, channels }));
        covariance
    }

    fn product(&mut self, left: SlotId, right: SlotId, output: SlotId, factor: Option<Factor>, channels: u32) {
        let (transposed, symmetric) = (false, false);
        let step = MatrixProduct { left, right, output, transposed, symmetric, factor, channels };
        self.steps.push(Step::MatrixProduct(step));
    }

    /// `u input^T input + v I`.
    fn square(&mut self, input: SlotId, output: SlotId, factor: Factor, channels: u32) {
        let (left, right, transposed, symmetric) = (input, input, true, true);
        let factor = Some(factor);
        let step = MatrixProduct { left, right, output, transposed, symmetric, factor, channels };
        self.steps.push(Step::MatrixProduct(step));
    }

    fn cholesky(&mut self, matrix: SlotId, factor: SlotId, inverse: SlotId, channels: u32) {
        self.steps.push(Step::Cholesky(Cholesky { matrix, factor, inverse, channels }));
    }

    /// The numbers for the steps from the overlap to its polar factor.
    fn polar_factors(&mut self, overlap: SlotId, scalars: SlotId, channels: u32) -> SlotId {
        let partials = self.partials(REDUCTION_GROUPS);
        let squares = self.slot(Tensor::SquaredNorm, 1, false);
        let count = (channels as usize).pow(2);
        let sum = SumOfSquares { values: overlap, count, partials, sums: squares, index: 0 };
        self.steps.push(Step::SumOfSquares(sum));
        let factors = self.slot(Tensor::PolarFactors, 2 * POLAR_FACTORS, false);
        self.steps.push(Step::PolarFactors(PolarFactors { squares, scalars, factors }));
        factors
    }

    /// What a [`crate::plan::WassersteinLoss`] reads; `root` is R.
    pub(super) fn transport(
        &mut self,
        gram: SlotId,
        mean: SlotId,
        scalars: SlotId,
        root: SlotId,
        channels: u32,
    ) -> Transport {
        let covariance = self.covariance(gram, mean, scalars, channels);
        let [overlap, mut polar, mut next, t, factor, inverse] =
            [Matrix::X, Matrix::U, Matrix::NextU, Matrix::T, Matrix::L, Matrix::M]
                .map(|matrix| self.matrix(matrix, channels));
        self.cholesky(covariance, factor, inverse, channels);
        let (left, right, output, transposed, symmetric) = (root, factor, overlap, true, false);
        let step = MatrixProduct { left, right, output, transposed, symmetric, factor: None, channels };
        self.steps.push(Step::MatrixProduct(step));
        let slot = self.polar_factors(overlap, scalars, channels);
        let mut index = Factor::NORMALISE + 1;
        for (number, step) in POLAR_STEPS.into_iter().enumerate() {
            // The first step begins with the overlap, whose norm its factors know.
            let (from, scale) = match number {
                0 => (overlap, Some(Factor { slot, index: Factor::NORMALISE })),
                _ => (polar, None),
            };
            self.square(from, t, Factor { slot, index }, channels);
            if step == PolarStep::Halley {
                self.cholesky(t, factor, next, channels);
                self.square(next, t, Factor { slot, index: index + 1 }, channels);
            }
            self.product(from, t, next, scale, channels);
            std::mem::swap(&mut polar, &mut next);
            index += step.pairs();
        }
        self.product(polar, inverse, t, None, channels);
        let transport = factor;
        self.product(root, t, transport, None, channels);
        Transport { covariance, polar, overlap, transport }
    }

    /// The factors of all covariances that terms compare with.
    pub(super) fn target_factors(&mut self) {
        for term in self.terms.clone() {
            let Term::Style(Style { layer, statistic: Statistic::Wasserstein, .. }) = term else { continue };
            let channels = self.shape(layer).channels;
            let words = (channels as usize).pow(2);
            let gram = self.slot(Tensor::Target(term), words, true);
            let (mean, scalars) = self.target_of_means(term, channels);
            let covariance = self.covariance(gram, mean, scalars, channels);
            let factor = self.slot(Tensor::TargetFactor(term), words, true);
            let inverse = self.matrix(Matrix::M, channels);
            self.cholesky(covariance, factor, inverse, channels);
        }
    }
}
