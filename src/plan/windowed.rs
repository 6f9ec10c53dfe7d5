//! Plans of pictures that are worked on window by window, because the whole takes more memory than there is.

use super::{
    Border, Cover, Depths, Network, Optimizer, Plan, PlanError, Representation, SlotId, Step, Tensor, Term, Window,
    build::{Moving, windowed_features, windowed_iteration},
    tiles::cover,
};
use crate::vgg19::Layer;

/// Which whole arrays wait on the disk for their turn: those that are read and written a few times an iteration, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spill {
    /// None.
    Nothing,
    /// What the optimiser keeps besides the picture.
    Moments,
    /// The feature maps that content losses compare with.
    Targets,
    /// Both.
    TargetsAndMoments,
    /// Both, the picture and its gradient.
    TargetsMomentsAndPicture,
}

impl Spill {
    /// What is of use to windows, from the least on.
    pub const OF_WINDOWS: [Spill; 4] =
        [Spill::Nothing, Spill::Targets, Spill::TargetsAndMoments, Spill::TargetsMomentsAndPicture];
    /// What is of use without windows: the network's own arrays are in memory.
    pub const OF_WHOLE: [Spill; 2] = [Spill::Nothing, Spill::Moments];

    /// Whether an array is on the disk.
    pub fn holds(self, tensor: Tensor) -> bool {
        let [targets, moments, picture] = match self {
            Spill::Nothing => [false; 3],
            Spill::Moments => [false, true, false],
            Spill::Targets => [true, false, false],
            Spill::TargetsAndMoments => [true, true, false],
            Spill::TargetsMomentsAndPicture => [true; 3],
        };
        match tensor {
            Tensor::Target(Term::Content(_)) | Tensor::Features(_) => targets,
            Tensor::AdamMean | Tensor::AdamSquare | Tensor::Average => moments,
            Tensor::LbfgsHistory | Tensor::LbfgsBase | Tensor::LbfgsDirection | Tensor::KeptGradient => moments,
            Tensor::Image | Tensor::ImageGradient => picture,
            _ => false,
        }
    }

    /// Bytes of a plan's arrays that are on the disk.
    pub fn bytes(self, plan: &Plan) -> u64 {
        plan.slots.iter().filter(|slot| slot.persistent && self.holds(slot.tensor)).map(|slot| slot.bytes()).sum()
    }
}

/// A plan of the whole picture without the network, a plan of the network for one window, and the windows. Together they do
/// what one plan of the whole picture does, to rounding.
///
/// An evaluation first adds up the statistics of all windows ([`super::Routine::Statistics`]), then compares them
/// ([`super::Routine::Losses`]), then makes the gradient window by window ([`super::Routine::Gradient`]), of which the inner
/// part is exact. The losses on the picture itself and the optimiser follow on the whole.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// Whole arrays: the picture, its gradient, what the optimiser keeps, targets and weights. It has every routine that a
    /// plan without windows has.
    pub whole: Plan,
    /// What one window takes; the same for all.
    pub window: Plan,
    /// The same, as each further device of an engine stores its maps.
    pub others: Vec<Plan>,
    /// The windows.
    pub cover: Cover,
    /// Which arrays of the whole are on the disk.
    pub spill: Spill,
}

impl Windowed {
    /// As [`super::iteration`] or, with [`Moving::Some`], as [`super::iteration_of_some_pixels`]. `whole` is the network as
    /// it would look at the whole picture, `window` as it looks at a window whose size is one of [`super::window_sizes`].
    ///
    /// # Errors
    /// As [`super::iteration`].
    pub fn iteration(
        whole: &Network,
        window: &Network,
        terms: &[Term],
        optimizer: Optimizer,
        moving: Moving,
    ) -> Result<Windowed, PlanError> {
        let cover = cover(whole.window.size, whole.border, window.window.size, Depths::of_terms(terms));
        let (whole, window) = windowed_iteration(whole, window, terms, optimizer, moving)?;
        Ok(Windowed { whole, window, others: Vec::new(), cover, spill: Spill::Nothing })
    }

    /// Whether these arrays may be on the disk: the picture only where every step works on a few rows of it at a time.
    pub fn allows(&self, spill: Spill) -> bool {
        let in_rows = |step: &Step| match step {
            Step::TotalVariation(step) => !step.wraps,
            Step::SumOfSquares(_) | Step::Adam(_) | Step::CopyVector(_) => true,
            Step::LbfgsUpdate(_) | Step::LbfgsTrial(_) | Step::LbfgsScalars(_) => true,
            _ => false,
        };
        let spilled = |slot: &SlotId| {
            let tensor = self.whole.slot(*slot).tensor;
            matches!(tensor, Tensor::Image | Tensor::ImageGradient) && spill.holds(tensor)
        };
        self.whole.steps.iter().all(|step| in_rows(step) || !step.slots().0.iter().chain(&step.slots().1).any(spilled))
    }

    /// Bytes of the whole arrays in memory.
    pub fn in_memory(&self) -> u64 {
        self.whole.bytes() - self.on_disk()
    }

    /// Bytes of the whole arrays on the disk.
    pub fn on_disk(&self) -> u64 {
        self.spill.bytes(&self.whole)
    }

    /// As [`super::features`].
    ///
    /// # Errors
    /// As [`super::features`].
    pub fn features(whole: &Network, window: &Network, wanted: &[Representation]) -> Result<Windowed, PlanError> {
        let cover = cover(whole.window.size, whole.border, window.window.size, Depths::of_representations(wanted));
        let (whole, window) = windowed_features(whole, window, wanted)?;
        Ok(Windowed { whole, window, others: Vec::new(), cover, spill: Spill::Nothing })
    }

    /// What one window takes on a device, counted from 0. One that has no plan of its own executes that of the first.
    pub fn window_on(&self, device: usize) -> &Plan {
        device.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.window)
    }
}

impl Depths {
    /// Those of an iteration.
    pub fn of_terms(terms: &[Term]) -> Depths {
        let styles = terms.iter().filter(|term| matches!(term, Term::Style(_)));
        Depths {
            statistics: styles.filter_map(|term| term.layer()).max(),
            gradients: terms.iter().filter_map(|term| term.layer()).max(),
        }
    }

    /// Those of features.
    pub fn of_representations(wanted: &[Representation]) -> Depths {
        let statistics: Option<Layer> = wanted.iter().map(|representation| representation.layer()).max();
        Depths { statistics, gradients: None }
    }
}

impl Network {
    /// The same looking at a window of its picture; all windows of a size have the same plan. On a torus every edge of a window is
    /// a cut, beyond which nothing is used, so that nothing needs to wrap.
    pub fn of_window(self, size: super::Size, storage: super::Storage) -> Network {
        let border = if self.border == Border::Wrap { Border::Replicate } else { self.border };
        Network { window: Window { size, ..self.window }, border, storage, ..self }
    }
}
