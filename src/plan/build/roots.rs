//! The matrix roots and polar factors of Wasserstein distances.

use super::Builder;
use crate::plan::{
    Covariance, Factor, Matrix, MatrixProduct, MatrixScale, REDUCTION_GROUPS, ROOT_FACTORS, RootFactors, RootKind,
    SlotId, Statistic, Step, Style, Tensor, Term,
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

    fn factors(&mut self, kind: RootKind) -> SlotId {
        let tensor = match kind {
            RootKind::Root => Tensor::RootFactors,
            RootKind::Polar => Tensor::PolarFactors,
        };
        self.slot(tensor, 2 * ROOT_FACTORS, false)
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

    fn scale(&mut self, input: SlotId, output: SlotId, factor: Factor, channels: u32) {
        self.steps.push(Step::MatrixScale(MatrixScale { input, output, factor, channels }));
    }

    /// The numbers for steps on a matrix; returns their slot.
    fn root_factors(&mut self, matrix: SlotId, scalars: SlotId, kind: RootKind, channels: u32) -> SlotId {
        let (partials, factors) = (self.partials(REDUCTION_GROUPS), self.factors(kind));
        let step = RootFactors { matrix, scalars, kind, partials, factors, channels };
        self.steps.push(Step::RootFactors(step));
        factors
    }

    /// Y and Z of [`RootKind::Root`] for [`Matrix::S`].
    fn root(&mut self, scalars: SlotId, channels: u32) -> (SlotId, SlotId) {
        let [s, mut y, mut z, t, mut next_y, mut next_z] =
            [Matrix::S, Matrix::Y, Matrix::Z, Matrix::T, Matrix::NextY, Matrix::NextZ]
                .map(|matrix| self.matrix(matrix, channels));
        let slot = self.root_factors(s, scalars, RootKind::Root, channels);
        self.scale(s, y, Factor { slot, index: Factor::NORMALISE }, channels);
        // Z is the unit matrix at first, so T is also the next Z.
        self.scale(y, z, Factor { slot, index: 1 }, channels);
        self.product(y, z, next_y, None, channels);
        std::mem::swap(&mut y, &mut next_y);
        for index in 2..=RootKind::Root.steps() {
            self.product(z, y, t, Some(Factor { slot, index }), channels);
            self.product(y, t, next_y, None, channels);
            self.product(t, z, next_z, None, channels);
            std::mem::swap(&mut y, &mut next_y);
            std::mem::swap(&mut z, &mut next_z);
        }
        (y, z)
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
        let (y, z) = self.root(scalars, channels);
        let [overlap, t] = [Matrix::X, Matrix::T].map(|matrix| self.matrix(matrix, channels));
        let slot = self.factors(RootKind::Root);
        self.product(root, y, overlap, Some(Factor { slot, index: Factor::ROOT }), channels);
        // What does not hold the inverse root is free again.
        let mut free = [Matrix::Y, Matrix::Z, Matrix::NextY, Matrix::NextZ].map(|matrix| self.matrix(matrix, channels));
        free.sort_by_key(|matrix| *matrix == z);
        let [mut polar, mut next, transport, _] = free;
        let of_polar = self.root_factors(overlap, scalars, RootKind::Polar, channels);
        self.scale(overlap, polar, Factor { slot: of_polar, index: Factor::NORMALISE }, channels);
        for index in 1..=RootKind::Polar.steps() {
            let factor = Some(Factor { slot: of_polar, index });
            let (left, right, output, transposed, symmetric) = (polar, polar, t, true, true);
            let step = MatrixProduct { left, right, output, transposed, symmetric, factor, channels };
            self.steps.push(Step::MatrixProduct(step));
            self.product(polar, t, next, None, channels);
            std::mem::swap(&mut polar, &mut next);
        }
        self.product(polar, z, t, Some(Factor { slot, index: Factor::INVERSE_ROOT }), channels);
        self.product(root, t, transport, None, channels);
        Transport { covariance, polar, overlap, transport }
    }

    /// The roots of all covariances that terms compare with.
    pub(super) fn target_roots(&mut self) {
        for term in self.terms.clone() {
            let Term::Style(Style { layer, statistic: Statistic::Wasserstein, .. }) = term else { continue };
            let channels = self.shape(layer).channels;
            let words = (channels as usize).pow(2);
            let gram = self.slot(Tensor::Target(term), words, true);
            let (mean, scalars) = self.target_of_means(term, channels);
            self.covariance(gram, mean, scalars, channels);
            let (y, _) = self.root(scalars, channels);
            let output = self.slot(Tensor::TargetRoot(term), words, true);
            let slot = self.factors(RootKind::Root);
            self.scale(y, output, Factor { slot, index: Factor::ROOT }, channels);
        }
    }
}
