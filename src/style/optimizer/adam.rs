//! Adam, which runs entirely on the device: the host queues iterations ahead, and looks at the losses now and then.

use super::{
    Change, Device, Iteration, News, Optimizer, Pace, Purpose, SavedOptimizer, Start, clamped, loss_ring::LossRing,
};
use crate::{
    BackendError,
    picture::Picture,
    plan::{self, AdamRates, IterationState, Routine, Size, Tensor},
    style::{objective::Objective, recipe::Recipe},
};

/// Most iterations between two looks at the loss ring. Two requests may be under way and the host may be one interval
/// ahead, so four intervals must fit in the ring.
pub(super) const RING_INTERVAL: u32 = 10;
const _: () = assert!(4 * RING_INTERVAL as usize <= plan::RING_ROWS);
/// Most looks under way, so that the queue stays short and losses arrive while they are news.
const LOOKS_AHEAD: usize = 2;

/// Keeps Adam's steps finite where gradients are almost zero. Its unit is the loss of an all-zero map over the number
/// of the picture's values: in that unit gradients keep their size when weights or pictures grow. At 256x192 pixels
/// with the default weights it is the customary 1e-8.
const EPSILON: f64 = 2e-4;

/// Gives the device the numbers that may change between iterations.
fn write_rates(device: &mut Device, recipe: &Recipe, magnitude: f64) -> Result<(), BackendError> {
    let values = 3 * device.plan.window.picture.pixels();
    // An epsilon of zero would divide zero gradients by zero.
    let epsilon = ((EPSILON * magnitude / values as f64) as f32).max(f32::MIN_POSITIVE);
    let rates = AdamRates { learning_rate: recipe.learning_rate(), epsilon };
    device.write(Tensor::AdamRates, bytemuck::bytes_of(&rates))
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
        write_rates(device, recipe, start.magnitude)?;
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
        contents: &[Vec<u8>],
        _device: &mut Device,
        objective: &Objective,
    ) -> Result<News, BackendError> {
        let mut news = News::default();
        for row in self.ring.news(&contents[0]) {
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

    fn change(&mut self, device: &mut Device, recipe: &Recipe, change: Change) -> Result<(), BackendError> {
        write_rates(device, recipe, change.magnitude)
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
    fn picture(&self, size: Size, contents: &[Vec<u8>]) -> Picture {
        let state: IterationState = bytemuck::pod_read_unaligned(&contents[0]);
        clamped(size, &contents[1], 1.0 - state.average_power)
    }
}
