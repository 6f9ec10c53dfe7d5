//! Every operation as plain loops with f64 sums: the truth that the other back ends are compared with. Slow.

mod adam;
mod average_pool;
mod cholesky;
mod content_loss;
mod conv3x3;
mod destination;
mod edge_loss;
mod freeze_pixels;
mod gram;
mod gram_loss;
mod lbfgs;
mod matrices;
mod max_pool;
mod moments_loss;
mod network_input;
mod record_losses;
mod sum_of_squares;
mod total_variation;
mod wasserstein_loss;
mod wrap_halo;

use crate::backend::{self, BackendError, SlotContents};
use crate::contents::Contents;
use crate::host_memory::{HostMemory, HostSession};
use crate::plan::{Plan, Routine, SlotId, Step};
use crate::weights::Filters;
use std::sync::Arc;
use web_time::Instant;

/// A plan whose steps run on one core, in order, before `run` returns.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    filters: Arc<Filters>,
    memory: HostMemory,
}

impl Session {
    /// A session with zeroed slots.
    ///
    /// # Errors
    /// If the filters end before the plan's deepest layer or there is not enough memory.
    pub fn new(plan: &Plan, filters: &Arc<Filters>) -> Result<Session, BackendError> {
        Session::in_memory(plan, filters, HostMemory::new(plan)?)
    }

    /// A session with the slots that it is given.
    ///
    /// # Errors
    /// If the filters end before the plan's deepest layer.
    pub(crate) fn in_memory(plan: &Plan, filters: &Arc<Filters>, memory: HostMemory) -> Result<Session, BackendError> {
        backend::check_filters(plan, filters.layers.len())?;
        Ok(Session { memory, plan: plan.clone(), filters: filters.clone() })
    }
}

impl HostSession for Session {
    fn memory(&mut self) -> &mut HostMemory {
        &mut self.memory
    }
}

impl backend::Session for Session {
    fn write_at(&mut self, slot: SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        self.memory.write_at(slot, first, bytes)
    }

    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        self.memory.read(slot)
    }

    fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        let Session { plan, filters, memory } = self;
        plan.steps[plan.routine(routine)].iter().try_for_each(|step| run_step(step, filters, memory))
    }

    fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
        self.memory.request(slot)
    }

    fn receive(&mut self, _wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.memory.receive())
    }

    fn share(&self, slot: SlotId) -> Option<Contents> {
        Some(self.memory.share(slot))
    }

    fn restore(&mut self, slot: SlotId, contents: &Contents) -> Result<(), BackendError> {
        self.memory.restore(slot, contents)
    }

    fn hand_over(&mut self, slot: SlotId) -> Result<SlotContents, BackendError> {
        Ok(self.memory.hand_over(slot))
    }

    fn take_over(&mut self, slot: SlotId, contents: &SlotContents) -> Result<(), BackendError> {
        self.memory.take_over(slot, contents)
    }

    fn bytes(&self) -> u64 {
        self.plan.bytes() + self.filters.bytes()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        let Session { plan, filters, memory, .. } = self;
        let time = |step: &Step| {
            backend::median_seconds(repeats, || {
                let start = Instant::now();
                run_step(step, filters, memory)?;
                Ok(start.elapsed().as_secs_f64())
            })
        };
        plan.steps.iter().map(time).collect()
    }
}

fn run_step(step: &Step, filters: &Filters, memory: &mut HostMemory) -> Result<(), BackendError> {
    match step {
        Step::NetworkInput(step) => network_input::network_input(step, memory),
        Step::NetworkInputBackward(step) => network_input::network_input_backward(step, memory),
        Step::Conv3x3(step) => conv3x3::conv3x3(step, &filters.layers[step.layer.index()], memory),
        Step::Conv3x3Backward(step) => conv3x3::conv3x3_backward(step, &filters.layers[step.layer.index()], memory),
        Step::MaxPool(step) => max_pool::max_pool(step, memory),
        Step::MaxPoolBackward(step) => max_pool::max_pool_backward(step, memory),
        Step::AveragePool(step) => average_pool::average_pool(step, memory),
        Step::AveragePoolBackward(step) => average_pool::average_pool_backward(step, memory),
        Step::Gram(step) => gram::gram(step, memory),
        Step::ChannelMean(step) => gram::channel_mean(step, memory),
        Step::GramBackward(step) => gram::gram_backward(step, memory),
        Step::SumOfSquares(step) => sum_of_squares::sum_of_squares(step, memory)?,
        Step::Covariance(step) => matrices::covariance(step, memory),
        Step::MatrixProduct(step) => matrices::matrix_product(step, memory),
        Step::Cholesky(step) => cholesky::cholesky(step, memory),
        Step::PolarFactors(step) => matrices::polar_factors(step, memory),
        Step::GramLoss(step) => gram_loss::gram_loss(step, memory),
        Step::MomentsLoss(step) => moments_loss::moments_loss(step, memory),
        Step::WassersteinLoss(step) => wasserstein_loss::wasserstein_loss(step, memory),
        Step::ContentLoss(step) => content_loss::content_loss(step, memory),
        Step::TotalVariation(step) => total_variation::total_variation(step, memory)?,
        Step::EdgeLoss(step) => edge_loss::edge_loss(step, memory),
        Step::FreezePixels(step) => freeze_pixels::freeze_pixels(step, memory),
        Step::WrapHalo(step) => wrap_halo::wrap_halo(step, memory),
        Step::RecordLosses(step) => record_losses::record_losses(step, memory),
        Step::Adam(step) => adam::adam(step, memory)?,
        Step::LbfgsUpdate(step) => lbfgs::lbfgs_update(step, memory)?,
        Step::LbfgsDots(step) => lbfgs::lbfgs_dots(step, memory)?,
        Step::LbfgsDirection(step) => lbfgs::lbfgs_direction(step, memory)?,
        Step::LbfgsTrial(step) => lbfgs::lbfgs_trial(step, memory)?,
        Step::LbfgsScalars(step) => lbfgs::lbfgs_scalars(step, memory)?,
        Step::CopyVector(step) => memory.copy_vector(step.from, step.to, step.count)?,
    }
    Ok(())
}

/// `slot = scale * new`, added to the old contents if `accumulate`.
fn add(slot: SlotId, new: &[f64], scale: f64, accumulate: bool, memory: &mut HostMemory) {
    for (value, new) in memory.values_mut(slot).iter_mut().zip(new) {
        let old = if accumulate { f64::from(*value) } else { 0.0 };
        *value = (old + scale * new) as f32;
    }
}
