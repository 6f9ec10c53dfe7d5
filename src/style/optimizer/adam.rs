//! Adam, which runs entirely on the device: the host queues iterations ahead, and looks at the losses now and then.

use super::{
    Change, Device, Iteration, Measured, News, Optimizer, Pace, Purpose, SavedOptimizer, Start, clamped,
    loss_ring::LossRing,
};
use crate::{
    BackendError, Contents,
    picture::Picture,
    plan::{self, AdamRates, IterationState, Routine, Size, Tensor, Term},
    style::{objective::Objective, recipe::Recipe},
};

/// Most iterations between two looks at the loss ring. Two requests may be under way and the host may be one interval
/// ahead, so four intervals must fit in the ring.
pub(super) const RING_INTERVAL: u32 = 10;
const _: () = assert!(4 * RING_INTERVAL as usize <= plan::RING_ROWS);
/// Most looks under way, so that the queue stays short and losses arrive while they are news.
const LOOKS_AHEAD: usize = 2;

/// Keeps Adam from taking full steps along gradients that say next to nothing. Its unit is the loss of an all-zero map
/// over the number of the picture's values: in that unit gradients keep their size when weights or pictures grow. Where
/// photographs start, the median gradient is 7 to 45; that of total variation alone, which is what is left where nothing
/// else is to be done, 0.005 to 0.015.
const EPSILON: f64 = 0.5;

/// The part of the loss of all-zero maps below which steps are shortened. Losses are squares of distances, so the root
/// of the loss is in proportion to how far there is to go.
const NEAR: f64 = 0.25;

/// Gives the device the numbers that may change between iterations.
fn write_rates(device: &mut Device, recipe: &Recipe, measured: Measured<'_>) -> Result<(), BackendError> {
    let picture = device.plan.window.picture;
    let values = 3 * picture.pixels();
    let Measured { objective, at_zero, unit } = measured;
    let (all, compared) = objective.magnitudes(at_zero, picture);
    // An epsilon of zero would divide zero gradients by zero.
    let epsilon = ((EPSILON * all / unit / values as f64) as f32).max(f32::MIN_POSITIVE);
    let rates = AdamRates { learning_rate: recipe.learning_rate(), epsilon };
    let near = NEAR * compared;
    let share = |term: &Term| if near > 0.0 { (objective.weight(*term) / near) as f32 } else { 0.0 };
    let shares: Vec<f32> = device.plan.terms.iter().map(share).collect();
    device.write(Tensor::AdamRates, &[bytemuck::bytes_of(&rates), bytemuck::cast_slice(&shares)].concat())
}

/// See [`super::kept`].
pub(super) const KEPT: &[(Tensor, &str)] = &[
    (Tensor::Image, "image"),
    (Tensor::AdamMean, "adam.mean"),
    (Tensor::AdamSquare, "adam.square"),
    (Tensor::Average, "adam.average"),
    (Tensor::State, "adam.state"),
];

/// What is kept on the host.
pub(super) struct Adam {
    ring: LossRing,
    /// Iterations asked for.
    iteration: u32,
    /// Iterations whose losses were asked for.
    looked: u32,
    /// Iterations whose losses are known.
    reported: u32,
}

impl Adam {
    pub fn new(device: &mut Device, recipe: &Recipe, start: &Start<'_>) -> Result<Adam, BackendError> {
        let iteration = start.iteration;
        write_rates(device, recipe, start.measured)?;
        Ok(Adam { ring: LossRing::new(&device.plan), iteration, looked: iteration, reported: iteration })
    }
}

impl Optimizer for Adam {
    fn advance(&mut self, device: &mut Device, pace: Pace) -> Result<bool, BackendError> {
        if device.awaited(Purpose::Optimizer) > LOOKS_AHEAD {
            return Ok(false);
        }
        if self.iteration < pace.until {
            device.run(Routine::Evaluate)?;
            device.run(Routine::Adam)?;
            self.iteration += 1;
        } else if self.looked == self.iteration {
            return Ok(false);
        }
        if self.iteration - self.looked >= pace.interval.min(RING_INTERVAL) || self.iteration >= pace.until {
            self.look(device)?;
        }
        Ok(true)
    }

    fn receive(
        &mut self,
        contents: &[Contents],
        _device: &mut Device,
        objective: &Objective,
    ) -> Result<News, BackendError> {
        let mut news = News::default();
        for row in self.ring.news(&contents[0].bytes()?) {
            let loss = objective.loss(&row);
            if !loss.is_finite() {
                news.not_finite = true;
                break;
            }
            self.reported += 1;
            news.iterations.push(Iteration { loss, evaluations: self.reported });
        }
        Ok(news)
    }

    fn look(&mut self, device: &mut Device) -> Result<(), BackendError> {
        if self.looked == self.iteration {
            return Ok(());
        }
        self.looked = self.iteration;
        device.ask(Purpose::Optimizer, &[Tensor::LossRing])
    }

    fn change(&mut self, device: &mut Device, recipe: &Recipe, change: Change<'_>) -> Result<(), BackendError> {
        write_rates(device, recipe, change.measured)
    }

    fn iteration(&self) -> u32 {
        self.iteration
    }

    fn evaluations(&self) -> u32 {
        self.iteration
    }

    fn converged(&self) -> bool {
        false
    }

    fn rests(&self) -> bool {
        true
    }

    fn kept(&self) -> &'static [(Tensor, &'static str)] {
        KEPT
    }

    fn saved(&self) -> SavedOptimizer {
        SavedOptimizer::Adam
    }

    fn result(&self) -> &'static [Tensor] {
        &[Tensor::State, Tensor::Average]
    }

    /// The running average without the weight that its start still has.
    fn picture(&self, size: Size, margin: u32, contents: &[Contents]) -> Result<Picture, BackendError> {
        let state: IterationState = bytemuck::pod_read_unaligned(&contents[0].bytes()?);
        clamped(size, margin, &contents[1], 1.0 - state.average_power)
    }
}
