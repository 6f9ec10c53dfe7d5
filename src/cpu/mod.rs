//! Every operation on all cores of the CPU, with Winograd's convolutions and the `gemm` crate's matrix products.
//!
//! The same plan, inputs and number of threads give the same bits.

mod adam;
mod average_pool;
mod content_loss;
mod conv3x3;
mod copy_vector;
mod destination;
mod first_layer;
mod gram;
mod lbfgs;
mod max_pool;
mod network_input;
mod record_losses;
mod relu_mask;
mod simd;
mod style_loss;
mod sums;
mod threads;
mod total_variation;
mod winograd;

use crate::backend::{self, BackendError};
use crate::host_memory::HostMemory;
use crate::plan::{Plan, Routine, SlotId, Step};
use crate::vgg19::Layer;
use crate::weights::Filters;
use conv3x3::LayerFilters;
use std::num::NonZeroUsize;
use std::{sync::Arc, time::Instant};
use threads::Scratches;

/// Filters in the forms that the convolutions work with, and the threads that do; shared by sessions.
#[derive(Debug)]
pub struct Processor {
    layers: Vec<LayerFilters>,
    scratches: Scratches,
    threads: rayon::ThreadPool,
}

impl Processor {
    /// Transforms all filters, on `threads` threads or as many as there are cores.
    ///
    /// # Errors
    /// If the memory or the threads are not to be had.
    pub fn new(filters: &Filters, threads: Option<NonZeroUsize>) -> Result<Arc<Processor>, BackendError> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.map_or(0, NonZeroUsize::get))
            .thread_name(|index| format!("impasto-{index}"))
            .build()
            .map_err(|error| BackendError::Threads { reason: error.to_string() })?;
        let layers = threads.install(|| {
            let layers = filters.layers.iter().enumerate();
            layers.map(|(index, filters)| LayerFilters::new(index, filters)).collect::<Result<_, _>>()
        });
        // The transforms take 36/9 of the filters, the transposed ones of the shallow layers about one more part.
        let needed = (5 * filters.bytes()) >> 20;
        let layers = layers.map_err(|_| BackendError::OutOfMemory { device: "the CPU".to_owned(), needed })?;
        Ok(Arc::new(Processor { layers, scratches: Scratches::new(threads.current_num_threads()), threads }))
    }

    /// Bytes of the filters in their forms.
    pub(crate) fn bytes(&self) -> u64 {
        self.layers.iter().map(LayerFilters::bytes).sum()
    }
}

/// Bytes of the filters down to a layer in their forms.
pub(crate) fn filter_bytes(deepest: Layer) -> u64 {
    deepest.up_to().map(LayerFilters::bytes_of).sum()
}

/// A plan whose steps run on a processor's threads; `run` returns when they are done.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    memory: HostMemory,
    processor: Arc<Processor>,
}

impl Session {
    /// A session with zeroed slots and a processor of its own.
    ///
    /// # Errors
    /// If the filters end before the plan's deepest layer, or the memory or the threads are not to be had.
    pub fn new(plan: &Plan, filters: &Arc<Filters>, threads: Option<NonZeroUsize>) -> Result<Session, BackendError> {
        Session::on(&Processor::new(filters, threads)?, plan)
    }

    /// A session with zeroed slots.
    ///
    /// # Errors
    /// If the plan was not made with [`crate::plan::Storage::PLAIN`], the filters end before its deepest layer or the memory
    /// is not to be had.
    pub fn on(processor: &Arc<Processor>, plan: &Plan) -> Result<Session, BackendError> {
        if !plan.is_plain() {
            return Err(BackendError::NotPlain { device: "the CPU".to_owned() });
        }
        backend::check_filters(plan, processor.layers.len())?;
        Ok(Session { memory: HostMemory::new(plan)?, plan: plan.clone(), processor: processor.clone() })
    }
}

impl backend::Session for Session {
    fn write(&mut self, slot: SlotId, bytes: &[u8]) -> Result<(), BackendError> {
        self.memory.write(slot, bytes);
        Ok(())
    }

    fn read(&mut self, slot: SlotId) -> Result<Vec<u8>, BackendError> {
        Ok(self.memory.read(slot))
    }

    fn run(&mut self, routine: Routine) -> Result<(), BackendError> {
        let Session { plan, memory, processor } = self;
        processor.threads.install(|| {
            for step in &plan.steps[plan.routine(routine)] {
                run_step(step, processor, memory);
            }
        });
        Ok(())
    }

    fn request(&mut self, slot: SlotId) -> Result<(), BackendError> {
        self.memory.request(slot);
        Ok(())
    }

    fn receive(&mut self, _wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.memory.receive())
    }

    fn bytes(&self) -> u64 {
        self.plan.bytes() + self.processor.bytes()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        let Session { plan, memory, processor } = self;
        let time = |step: &Step| {
            backend::median_seconds(repeats, || {
                let start = Instant::now();
                processor.threads.install(|| run_step(step, processor, memory));
                Ok(start.elapsed().as_secs_f64())
            })
        };
        plan.steps.iter().map(time).collect()
    }
}

fn run_step(step: &Step, processor: &Processor, memory: &mut HostMemory) {
    let Processor { layers, scratches, .. } = processor;
    match step {
        Step::NetworkInput(step) => network_input::network_input(step, memory),
        Step::NetworkInputBackward(step) => network_input::network_input_backward(step, memory),
        Step::Conv3x3(step) => conv3x3::conv3x3(step, &layers[step.layer.index()], memory, scratches),
        Step::Conv3x3Backward(step) => conv3x3::conv3x3_backward(step, &layers[step.layer.index()], memory, scratches),
        Step::MaxPool(step) => max_pool::max_pool(step, memory),
        Step::MaxPoolBackward(step) => max_pool::max_pool_backward(step, memory),
        Step::AveragePool(step) => average_pool::average_pool(step, memory),
        Step::AveragePoolBackward(step) => average_pool::average_pool_backward(step, memory),
        Step::Gram(step) => gram::gram(step, memory),
        Step::GramBackward(step) => gram::gram_backward(step, memory),
        Step::StyleLoss(step) => style_loss::style_loss(step, memory),
        Step::ContentLoss(step) => content_loss::content_loss(step, memory),
        Step::TotalVariation(step) => total_variation::total_variation(step, memory),
        Step::RecordLosses(step) => record_losses::record_losses(step, memory),
        Step::Adam(step) => adam::adam(step, memory),
        Step::LbfgsUpdate(step) => lbfgs::lbfgs_update(step, memory),
        Step::LbfgsDots(step) => lbfgs::lbfgs_dots(step, memory),
        Step::LbfgsDirection(step) => lbfgs::lbfgs_direction(step, memory),
        Step::LbfgsTrial(step) => lbfgs::lbfgs_trial(step, memory),
        Step::LbfgsScalars(step) => lbfgs::lbfgs_scalars(step, memory),
        Step::CopyVector(step) => copy_vector::copy_vector(step, memory),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::weights::generated;

    #[test]
    fn filters_take_as_many_bytes_as_predicted() {
        for deepest in ["relu1_1", "relu4_1"] {
            let deepest = deepest.parse().unwrap();
            let processor = Processor::new(&generated(1, deepest), None).unwrap();
            assert_eq!(processor.bytes(), filter_bytes(deepest));
        }
    }
}
