//! Every operation on all cores of the CPU, with Winograd's convolutions and the `gemm` crate's matrix products.
//!
//! The same plan, inputs and number of threads give the same bits.

mod adam;
mod average_pool;
mod cholesky;
mod content_loss;
mod conv3x3;
mod destination;
pub(crate) mod edge_loss;
mod first_layer;
mod freeze_pixels;
mod gram;
mod gram_loss;
mod lbfgs;
mod maps;
mod matrices;
mod max_pool;
mod moments_loss;
mod network_input;
mod record_losses;
mod relu_mask;
mod scratch_size;
mod simd;
mod sum_of_squares;
mod sums;
mod threads;
mod total_variation;
mod wasserstein_loss;
mod winograd;
mod wrap_halo;

use crate::backend::{self, BackendError, SlotContents};
use crate::contents::Contents;
use crate::host_memory::{HostMemory, HostSession};
use crate::plan::{Plan, Precision, Routine, SlotId, Step};
use crate::vgg19::{Layer, Normalisation};
use crate::weights::{ConvolutionFilters, Filters, Origin};
use conv3x3::LayerFilters;
pub(crate) use scratch_size::scratch_bytes;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use threads::{Pool, Scratches};
use web_time::Instant;

/// Filters in the forms that the convolutions use, and the threads that run them; shared by sessions.
#[derive(Debug)]
pub struct Cpu {
    originals: Mutex<Originals>,
    /// Transformed when a session first needs them.
    layers: Vec<OnceLock<LayerFilters>>,
    scratches: Scratches,
    threads: Pool,
    /// Held by the session whose routine runs. A thread that waits within one routine would else begin another, and wait
    /// for scratch memory that the first one holds.
    turn: Mutex<()>,
}

/// Filters as they were given.
#[derive(Debug)]
enum Originals {
    /// Somebody else holds them too.
    Shared(Arc<Filters>),
    /// Those layers that are not transformed yet.
    Own(Vec<Option<ConvolutionFilters>>),
}

impl Cpu {
    /// `threads` threads, or as many as there are cores. Filters that nobody else holds are dropped layer by layer, as soon
    /// as they are transformed.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn new(filters: Arc<Filters>, threads: Option<NonZeroUsize>) -> Result<Arc<Cpu>, BackendError> {
        let threads = Pool::new(threads)?;
        let layers = filters.layers.iter().map(|_| OnceLock::new()).collect();
        let originals = match Arc::try_unwrap(filters) {
            Ok(own) => Originals::Own(own.layers.into_iter().map(Some).collect()),
            Err(shared) => Originals::Shared(shared),
        };
        let scratches = Scratches::new(threads.count());
        Ok(Arc::new(Cpu { originals: Mutex::new(originals), layers, scratches, threads, turn: Mutex::new(()) }))
    }

    /// For plans without the network.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub(crate) fn without_filters() -> Result<Arc<Cpu>, BackendError> {
        let none = Filters { origin: Origin::Network, normalisation: Normalisation::IMAGENET, layers: Vec::new() };
        Cpu::new(Arc::new(none), None)
    }

    /// Adds the filters of the next layer.
    pub(crate) fn push(&mut self, filters: ConvolutionFilters) {
        match self.originals.get_mut().unwrap_or_else(PoisonError::into_inner) {
            Originals::Shared(shared) => Arc::make_mut(shared).layers.push(filters),
            Originals::Own(own) => own.push(Some(filters)),
        }
        self.layers.push(OnceLock::new());
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.threads.count()
    }

    /// Runs something whose parallel parts run on these threads.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.install(work)
    }

    /// Runs a part of a session's work on these threads, alone.
    fn alone<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        // It guards no data that a panic could leave in disorder.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.install(work)
    }

    /// Bytes of the filters that were transformed, in their forms.
    pub(crate) fn bytes(&self) -> u64 {
        self.layers.iter().filter_map(OnceLock::get).map(LayerFilters::bytes).sum()
    }

    /// Transforms the filters that a plan needs and no session needed before.
    fn prepare(&self, plan: &Plan) -> Result<(), BackendError> {
        backend::check_filters(plan, self.layers.len())?;
        // Held throughout, so that no other session looks for filters that this one has just dropped. It guards no data that
        // a panic could leave in disorder.
        let mut originals = self.originals.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in plan.steps.iter().filter_map(Step::filters) {
            let (index, transformed) = (layer.index(), &self.layers[layer.index()]);
            if transformed.get().is_some() {
                continue;
            }
            let filters = match &*originals {
                Originals::Shared(shared) => &shared.layers[index],
                Originals::Own(own) => own[index].as_ref().expect("what is not transformed is still there"),
            };
            let needed = LayerFilters::bytes_of(layer) >> 20;
            let made = self
                .install(|| LayerFilters::new(index, filters))
                .map_err(|_| BackendError::OutOfMemory { device: "the CPU".to_owned(), needed })?;
            transformed.get_or_init(|| made);
            if let Originals::Own(own) = &mut *originals {
                own[index] = None;
            }
        }
        Ok(())
    }

    fn layer(&self, layer: Layer) -> &LayerFilters {
        self.layers[layer.index()].get().expect("a session prepares all that its plan needs")
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
    processor: Arc<Cpu>,
}

impl Session {
    /// A session with zeroed slots and a processor of its own.
    ///
    /// # Errors
    /// If the filters end before the plan's deepest layer, memory runs out, or the threads cannot be started.
    pub fn new(plan: &Plan, filters: &Arc<Filters>, threads: Option<NonZeroUsize>) -> Result<Session, BackendError> {
        Session::on(&Cpu::new(filters.clone(), threads)?, plan)
    }

    /// A session with zeroed slots.
    ///
    /// # Errors
    /// If the plan does not store its maps as f32, the filters end before its deepest layer or memory runs out.
    pub fn on(processor: &Arc<Cpu>, plan: &Plan) -> Result<Session, BackendError> {
        Session::in_memory(processor, plan, HostMemory::new(plan)?)
    }

    /// A session with the slots that it is given.
    ///
    /// # Errors
    /// As [`Session::on`].
    pub(crate) fn in_memory(processor: &Arc<Cpu>, plan: &Plan, memory: HostMemory) -> Result<Session, BackendError> {
        if plan.precision != Precision::F32 {
            return Err(BackendError::NotF32 { device: "the CPU".to_owned() });
        }
        processor.prepare(plan)?;
        Ok(Session { memory, plan: plan.clone(), processor: processor.clone() })
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
        let Session { plan, memory, processor } = self;
        processor
            .alone(|| plan.steps[plan.routine(routine)].iter().try_for_each(|step| run_step(step, processor, memory)))
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
        self.plan.bytes() + self.processor.bytes()
    }

    fn time_steps(&mut self, repeats: usize) -> Result<Vec<f64>, BackendError> {
        let Session { plan, memory, processor } = self;
        let time = |step: &Step| {
            backend::median_seconds(repeats, || {
                let start = Instant::now();
                processor.alone(|| run_step(step, processor, memory))?;
                Ok(start.elapsed().as_secs_f64())
            })
        };
        plan.steps.iter().map(time).collect()
    }
}

fn run_step(step: &Step, processor: &Cpu, memory: &mut HostMemory) -> Result<(), BackendError> {
    let scratches = &processor.scratches;
    match step {
        Step::NetworkInput(step) => network_input::network_input(step, memory),
        Step::NetworkInputBackward(step) => network_input::network_input_backward(step, memory),
        Step::Conv3x3(step) => conv3x3::conv3x3(step, processor.layer(step.layer), memory, scratches),
        Step::Conv3x3Backward(step) => conv3x3::conv3x3_backward(step, processor.layer(step.layer), memory, scratches),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::plan::{Network, Representation, features};
    use crate::weights::generated;

    #[test]
    fn filters_that_are_needed_are_transformed_once_and_take_as_many_bytes_as_predicted() {
        let processor = Cpu::new(Arc::new(generated(1, "relu4_1".parse().unwrap())), None).unwrap();
        assert_eq!(processor.bytes(), 0);
        for deepest in ["relu1_1", "relu3_2", "relu2_1"] {
            let deepest = deepest.parse().unwrap();
            let wanted = [Representation::Features(deepest)];
            let plan = features(&Network::for_tests(16, 16), &wanted).unwrap();
            let before = processor.bytes();
            Session::on(&processor, &plan).unwrap();
            assert_eq!(processor.bytes(), filter_bytes(deepest).max(before), "{deepest}");
        }
    }

    #[test]
    fn filters_are_dropped_once_transformed_if_nobody_else_holds_them() {
        let deepest: Layer = "relu2_1".parse().unwrap();
        let filters = generated(1, deepest);
        let shared = Arc::new(filters.clone());
        let processors = [shared.clone(), Arc::new(filters)].map(|filters| Cpu::new(filters, None).unwrap());
        let kept = |processor: &Cpu| match &*processor.originals.lock().unwrap() {
            Originals::Shared(shared) => shared.layers.len(),
            Originals::Own(own) => own.iter().flatten().count(),
        };
        for (name, expected) in [("relu1_2", [3, 1]), ("relu2_1", [3, 0]), ("relu1_1", [3, 0])] {
            let wanted = [Representation::Features(name.parse().unwrap())];
            let plan = features(&Network::for_tests(16, 16), &wanted).unwrap();
            processors.iter().for_each(|processor| drop(Session::on(processor, &plan).unwrap()));
            assert_eq!([0, 1].map(|index| kept(&processors[index])), expected, "{name}");
        }
    }

    #[test]
    fn two_sessions_on_one_processor_do_not_wait_for_each_other_forever() {
        let processor = Cpu::new(Arc::new(generated(1, "relu4_1".parse().unwrap())), NonZeroUsize::new(2)).unwrap();
        let wanted = [Representation::Features("relu4_1".parse().unwrap())];
        let plan = features(&Network::for_tests(72, 64), &wanted).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut session = Session::on(&processor, &plan).unwrap();
                    for _ in 0..20 {
                        backend::Session::run(&mut session, Routine::Features).unwrap();
                    }
                });
            }
        });
    }
}
