//! The matrix roots of Wasserstein distances.

use super::Builder;
use crate::plan::{
    Covariance, Factor, Matrix, MatrixProduct, MatrixScale, REDUCTION_GROUPS, ROOT_FACTORS, ROOT_STEPS, RootFactors,
    SlotId, Statistic, Step, Style, Tensor, Term,
};

impl Builder {
    pub(super) fn root_factors(&mut self) -> SlotId {
        self.slot(Tensor::RootFactors, 2 * ROOT_FACTORS, false)
    }

    fn matrix(&mut self, matrix: Matrix, channels: u32) -> SlotId {
        self.slot(Tensor::Matrix(matrix), (channels as usize).pow(2), false)
    }

    fn factor(&mut self, index: usize) -> Factor {
        Factor { slot: self.root_factors(), index }
    }

    fn covariance(&mut self, gram: SlotId, mean: SlotId, scalars: SlotId, into: Matrix, channels: u32) -> SlotId {
        let covariance = self.matrix(into, channels);
        self.steps.push(Step::Covariance(Covariance { gram, mean, scalars, covariance, channels }));
        covariance
    }

    fn product(&mut self, left: SlotId, right: SlotId, output: SlotId, factor: Option<Factor>, channels: u32) -> SlotId {
        self.steps.push(Step::MatrixProduct(MatrixProduct { left, right, output, factor, channels }));
        output
    }

    /// Root and inverse root of [`Matrix::A`], each still to be multiplied by its factor: the formula is that of
    /// [`RootFactors`].
    fn roots(&mut self, scalars: SlotId, of_covariance: bool, channels: u32) -> (SlotId, SlotId) {
        let [a, mut y, mut z, t, mut next_y, mut next_z] =
            [Matrix::A, Matrix::Y, Matrix::Z, Matrix::T, Matrix::NextY, Matrix::NextZ]
                .map(|matrix| self.matrix(matrix, channels));
        let partials = self.partials(REDUCTION_GROUPS);
        let factors = self.root_factors();
        let step = RootFactors { matrix: a, scalars, of_covariance, partials, factors, channels };
        self.steps.push(Step::RootFactors(step));
        let scale = |builder: &mut Builder, input, output, index| {
            let factor = builder.factor(index);
            builder.steps.push(Step::MatrixScale(MatrixScale { input, output, factor, channels }));
        };
        scale(self, a, y, Factor::NORMALISE);
        // Z is the unit matrix at first, so T is also the next Z.
        scale(self, y, z, 1);
        self.product(y, z, next_y, None, channels);
        std::mem::swap(&mut y, &mut next_y);
        for step in 2..=ROOT_STEPS {
            let factor = self.factor(step);
            self.product(z, y, t, Some(factor), channels);
            self.product(y, t, next_y, None, channels);
            self.product(t, z, next_z, None, channels);
            std::mem::swap(&mut y, &mut next_y);
            std::mem::swap(&mut z, &mut next_z);
        }
        (y, z)
    }

    /// The covariance S, Y and R Z R of a [`crate::plan::WassersteinLoss`]; `root` is R.
    pub(super) fn wasserstein_roots(
        &mut self,
        gram: SlotId,
        mean: SlotId,
        scalars: SlotId,
        root: SlotId,
        channels: u32,
    ) -> (SlotId, SlotId, SlotId) {
        let covariance = self.covariance(gram, mean, scalars, Matrix::Covariance, channels);
        let [a, t] = [Matrix::A, Matrix::T].map(|matrix| self.matrix(matrix, channels));
        self.product(covariance, root, t, None, channels);
        self.product(root, t, a, None, channels);
        let (y, z) = self.roots(scalars, false, channels);
        self.product(z, root, t, None, channels);
        (covariance, y, self.product(root, t, a, None, channels))
    }

    /// The roots of all covariances that terms compare with.
    pub(super) fn target_roots(&mut self) {
        for term in self.terms.clone() {
            let Term::Style(Style { layer, statistic: Statistic::Wasserstein, .. }) = term else { continue };
            let channels = self.shape(layer).channels;
            let words = (channels as usize).pow(2);
            let gram = self.slot(Tensor::Target(term), words, true);
            let (mean, scalars) = self.target_of_means(term, channels);
            self.covariance(gram, mean, scalars, Matrix::A, channels);
            let (y, _) = self.roots(scalars, true, channels);
            let output = self.slot(Tensor::TargetRoot(term), words, true);
            let factor = self.factor(Factor::ROOT);
            self.steps.push(Step::MatrixScale(MatrixScale { input: y, output, factor, channels }));
        }
    }
}
