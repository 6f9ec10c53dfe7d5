//! The steps that an optimiser adds to an evaluation.

use super::Builder;
use crate::plan::{
    Adam, AdamRates, AdamSettings, CopyVector, IterationState, LbfgsControl, LbfgsDirection, LbfgsDots, LbfgsScalars,
    LbfgsTrial, LbfgsUpdate, REDUCTION_GROUPS, Routine, Step, Tensor,
};

impl Builder {
    pub(super) fn adam(&mut self, settings: AdamSettings) {
        let count = self.picture_values();
        let AdamSettings { betas, decay } = settings;
        let step = Adam {
            image: self.slot(Tensor::Image, count, true),
            gradient: self.slot(Tensor::ImageGradient, count, false),
            mean: self.slot(Tensor::AdamMean, count, true),
            square: self.slot(Tensor::AdamSquare, count, true),
            average: self.slot(Tensor::Average, count, true),
            state: self.slot(Tensor::State, IterationState::WORDS, true),
            rates: self.slot(Tensor::AdamRates, AdamRates::WORDS + self.terms.len(), true),
            losses: self.loss_values(),
            terms: self.terms.len(),
            count,
            betas,
            decay,
        };
        self.routine(Routine::Adam, [Step::Adam(step)]);
    }

    pub(super) fn lbfgs(&mut self, memory: usize) {
        let count = self.picture_values();
        let rows = 2 * memory + 1;
        let image = self.slot(Tensor::Image, count, true);
        let gradient = self.slot(Tensor::ImageGradient, count, true);
        let base = self.slot(Tensor::LbfgsBase, count, true);
        let direction = self.slot(Tensor::LbfgsDirection, count, true);
        let history = self.slot(Tensor::LbfgsHistory, rows * count, true);
        let control = self.slot(Tensor::LbfgsControl, LbfgsControl::WORDS + rows, true);
        let results = self.slot(Tensor::LbfgsResults, 3 * rows, true);
        let partials = self.partials(3 * rows * REDUCTION_GROUPS);
        self.routine(
            Routine::LbfgsUpdate,
            [
                Step::LbfgsUpdate(LbfgsUpdate { image, gradient, base, history, control, count, memory }),
                Step::LbfgsDots(LbfgsDots { history, control, partials, results, count, memory }),
            ],
        );
        self.routine(
            Routine::LbfgsDirection,
            [Step::LbfgsDirection(LbfgsDirection { history, control, direction, count, memory })],
        );
        self.routine(Routine::LbfgsTrial, [Step::LbfgsTrial(LbfgsTrial { base, direction, control, image, count })]);
        self.routine(
            Routine::LbfgsScalars,
            [Step::LbfgsScalars(LbfgsScalars { gradient, direction, partials, results, count })],
        );
        let kept = self.slot(Tensor::KeptGradient, count, true);
        let copy = |from, to| [Step::CopyVector(CopyVector { from, to, count })];
        self.routine(Routine::KeepGradient, copy(gradient, kept));
        self.routine(Routine::RestoreGradient, copy(kept, gradient));
    }

    fn routine<const N: usize>(&mut self, routine: Routine, steps: [Step; N]) {
        let first = self.steps.len();
        self.steps.extend(steps);
        self.routines.push((routine, first..self.steps.len()));
    }
}
