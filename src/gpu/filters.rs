//! Filters in the device's memory, shared by all sessions on it.

use super::Gpu;
use crate::{BackendError, vgg19::Layer, weights::Filters};
use std::sync::Arc;
use wgpu::util::DeviceExt;

pub(super) struct LayerBuffers {
    pub weights: wgpu::Buffer,
    pub transposed: wgpu::Buffer,
    pub bias: wgpu::Buffer,
}

/// The filters of a network on a device: forward, transposed for the backward pass, and biases.
pub struct DeviceFilters {
    layers: Vec<LayerBuffers>,
    bytes: u64,
}

impl DeviceFilters {
    /// Copies filters to a device.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn upload(gpu: &Gpu, filters: &Filters) -> Result<Arc<DeviceFilters>, BackendError> {
        let buffer = |values: &[f32]| {
            gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some("filters"),
                contents: bytemuck::cast_slice(values),
                usage: wgpu::BufferUsages::STORAGE,
            })
        };
        let bytes: u64 = filters.layers.iter().map(|l| 4 * (2 * l.weight.len() + l.bias.len()) as u64).sum();
        let mut layers = Vec::with_capacity(filters.layers.len());
        for layer in &filters.layers {
            layers.push(LayerBuffers {
                weights: buffer(&layer.weight),
                transposed: buffer(&layer.transposed()),
                bias: buffer(&layer.bias),
            });
            gpu.failures.check(&gpu.name, bytes)?;
        }
        Ok(Arc::new(DeviceFilters { layers, bytes }))
    }

    /// Bytes they take on the device.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn get(&self, layer: Layer) -> Result<&LayerBuffers, BackendError> {
        self.layers.get(layer.index()).ok_or(BackendError::FiltersMissing(layer))
    }
}
