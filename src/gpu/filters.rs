//! Filters in the device's memory, shared by all sessions on it.

use super::Gpu;
use crate::{
    BackendError,
    plan::{Plan, Precision, Step},
    vgg19::Layer,
    weights::Filters,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use wgpu::util::DeviceExt;

/// A layer's filters: forward, transposed for the backward pass, and biases (always f32).
#[derive(Clone)]
pub(super) struct LayerBuffers {
    pub weights: wgpu::Buffer,
    pub transposed: wgpu::Buffer,
    pub bias: wgpu::Buffer,
}

/// The filters of a network on a device, copied there layer by layer when a session first needs them.
pub struct DeviceFilters {
    filters: Arc<Filters>,
    layers: Mutex<HashMap<(Layer, Precision), LayerBuffers>>,
}

impl DeviceFilters {
    /// Nothing is on the device yet.
    pub fn new(filters: &Arc<Filters>) -> Arc<DeviceFilters> {
        Arc::new(DeviceFilters { filters: filters.clone(), layers: Mutex::default() })
    }

    /// Bytes they take on the device by now.
    pub fn bytes(&self) -> u64 {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let buffers = layers.values().flat_map(|layer| [&layer.weights, &layer.transposed, &layer.bias]);
        buffers.map(wgpu::Buffer::size).sum()
    }

    pub(super) fn get(&self, gpu: &Gpu, layer: Layer, precision: Precision) -> Result<LayerBuffers, BackendError> {
        let filters = self.filters.get(layer).ok_or(BackendError::FiltersMissing(layer))?;
        let buffer = |contents: &[u8]| {
            gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some("filters"),
                contents,
                usage: wgpu::BufferUsages::STORAGE,
            })
        };
        let upload = || LayerBuffers {
            weights: buffer(&precision.encode(&filters.weight)),
            transposed: buffer(&precision.encode(&filters.transposed())),
            bias: buffer(bytemuck::cast_slice(&filters.bias)),
        };
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(layers.entry((layer, precision)).or_insert_with(upload).clone())
    }
}

/// Bytes of the filters that sessions of these plans put on a device, whatever each of them has found there.
pub(crate) fn filter_bytes(plans: &[Plan]) -> u64 {
    let read = plans.iter().flat_map(|plan| {
        let layers = plan.steps.iter().filter_map(Step::filters);
        layers.map(|layer| (layer, plan.precision))
    });
    let bytes = |(layer, precision): (Layer, Precision)| {
        let channels = (layer.input_channels().next_multiple_of(4) * layer.output_channels()) as usize;
        4 * (2 * precision.words(9 * channels) as u64 + u64::from(layer.output_channels()))
    };
    read.collect::<HashSet<_>>().into_iter().map(bytes).sum()
}
