//! What a layer sees of a picture, computed by the CPU back end, so that filters learn from exactly what the network
//! will show them.

use crate::{
    BackendError, Session,
    cpu::{self, Cpu},
    picture::Picture,
    plan::{
        self, Border, Conv3x3, FeatureShape, MaxPool, NetworkInput, Plan, Precision, Routine, Rows, Slot, SlotId, Step,
        Tensor, Window, share_buffers,
    },
    read_values,
    vgg19::{Layer, Normalisation},
    weights::{ConvolutionFilters, Filters, Origin},
    write_values,
};
use std::{num::NonZeroUsize, sync::Arc};

/// A feature map, haloed NHWC.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub shape: FeatureShape,
    pub values: Vec<f32>,
}

/// Runs the steps that lead from picture to map and from map to map, one at a time.
///
/// Keeps the threads, and the filters, also in the form that the convolutions use.
#[derive(Debug)]
pub(super) struct Forward {
    processor: Arc<Cpu>,
    filters: Filters,
}

impl Forward {
    pub(super) fn new(normalisation: Normalisation, threads: Option<NonZeroUsize>) -> Result<Forward, BackendError> {
        let filters = Filters { origin: Origin::Learned, normalisation, layers: Vec::new() };
        Ok(Forward { processor: Cpu::new(Arc::new(filters.clone()), threads)?, filters })
    }

    /// Adds the filters of the next layer.
    pub(super) fn push(&mut self, filters: ConvolutionFilters) {
        let processor = Arc::get_mut(&mut self.processor);
        processor.expect("a session that shares it ends with its step").push(filters.clone());
        self.filters.layers.push(filters);
    }

    /// All filters that were added.
    pub(super) fn into_filters(self) -> Filters {
        self.filters
    }

    /// Runs something on the same threads.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.processor.install(work)
    }

    /// The normalised picture, its border replicated.
    pub(super) fn network_input(&self, picture: &Picture) -> Result<Map, BackendError> {
        let size = picture.size();
        let shape = FeatureShape { width: size.width, height: size.height, channels: 4 };
        let normalisation = self.filters.normalisation;
        let step = |image, output| {
            Step::NetworkInput(NetworkInput { image, output, size, border: Border::Replicate, normalisation })
        };
        self.run((Tensor::Image, picture.pixels()), (Tensor::NetworkInput, shape), step)
    }

    /// The map that `layer` reads where a pooling stands before it.
    pub(super) fn max_pool(&self, below: &Map, layer: Layer) -> Result<Map, BackendError> {
        let shape = below.shape;
        let step = |input, output| {
            let (input, output) = (plan::Map::whole(input), plan::Map::whole(output));
            Step::MaxPool(MaxPool { input, output, winners: None, shape, rows: Rows::all(shape.pooled()) })
        };
        self.run((Tensor::Features(layer), &below.values), (Tensor::Pooled(layer), shape.pooled()), step)
    }

    /// The rectified output of `layer` for the map that it reads.
    pub(super) fn conv3x3(&self, input: &Map, layer: Layer) -> Result<Map, BackendError> {
        let shape = input.shape.with_channels(layer.output_channels());
        let step = |input, output| {
            let (input, output) = (plan::Map::whole(input), plan::Map::whole(output));
            Step::Conv3x3(Conv3x3 { layer, input, output, mask: None, shape, rows: Rows::all(shape) })
        };
        self.run((Tensor::Pooled(layer), &input.values), (Tensor::Features(layer), shape), step)
    }

    fn run(
        &self,
        (source, values): (Tensor, &[f32]),
        (target, shape): (Tensor, FeatureShape),
        step: impl FnOnce(SlotId, SlotId) -> Step,
    ) -> Result<Map, BackendError> {
        let slot = |tensor, words| Slot { tensor, words, persistent: true, per_band: false, buffer: 0 };
        let mut slots = vec![slot(source, values.len()), slot(target, shape.values())];
        let steps = vec![step(SlotId(0), SlotId(1))];
        let buffers = share_buffers(&mut slots, &steps, &[]);
        let size = plan::Size { width: shape.width, height: shape.height };
        let routines = vec![(Routine::Features, 0..1)];
        let (window, precision, terms) = (Window::whole(size), Precision::F32, Vec::new());
        let plan = Plan { window, precision, terms, slots, buffers, steps, routines, segments: Vec::new() };
        let mut session = cpu::Session::on(&self.processor, &plan)?;
        write_values(&mut session, SlotId(0), values)?;
        session.run(Routine::Features)?;
        Ok(Map { shape, values: read_values(&mut session, SlotId(1))? })
    }
}
