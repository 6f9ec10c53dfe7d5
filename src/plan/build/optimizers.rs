//! The steps that an optimiser adds to an evaluation.

use super::Builder;
use crate::plan::{
    Adam, AdamRates, AdamSettings, CopyVector, IterationState, LbfgsControl, LbfgsDirection, LbfgsDots, LbfgsScalars,
    LbfgsTrial, LbfgsUpdate, Optimizer, REDUCTION_GROUPS, Routine, Step, Tensor,
};

impl Builder {
    pub(super) fn optimizer(&mut self, optimizer: Optimizer) {
        match optimizer {
            Optimizer::Adam(settings) => self.adam(settings),
            Optimizer::Lbfgs { memory } => self.lbfgs(memory),
        }
    }

    fn adam(&mut self, settings: AdamSettings) {
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
        self.steps_of(Routine::Adam, [Step::Adam(step)]);
    }

    fn lbfgs(&mut self, memory: usize) {
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
        self.steps_of(
            Routine::LbfgsUpdate,
            [
                Step::LbfgsUpdate(LbfgsUpdate { image, gradient, base, history, control, count, memory }),
                Step::LbfgsDots(LbfgsDots { history, control, partials, results, count, memory }),
            ],
        );
        self.steps_of(
            Routine::LbfgsDirection,
            [Step::LbfgsDirection(LbfgsDirection { history, control, direction, count, memory })],
        );
        self.steps_of(Routine::LbfgsTrial, [Step::LbfgsTrial(LbfgsTrial { base, direction, control, image, count })]);
        self.steps_of(
            Routine::LbfgsScalars,
            [Step::LbfgsScalars(LbfgsScalars { gradient, direction, partials, results, count })],
        );
        let kept = self.slot(Tensor::KeptGradient, count, true);
        let copy = |from, to| [Step::CopyVector(CopyVector { from, to, count })];
        self.steps_of(Routine::KeepGradient, copy(gradient, kept));
        self.steps_of(Routine::RestoreGradient, copy(kept, gradient));
    }

    fn steps_of<const N: usize>(&mut self, routine: Routine, steps: [Step; N]) {
        let first = self.steps.len();
        self.steps.extend(steps);
        self.routine(routine, first);
    }
}
