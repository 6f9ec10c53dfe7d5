//! Buffers, and the errors when there is no memory for one.

use super::{Gpu, failure::one_line};
use crate::BackendError;
use wgpu::BufferUsages;

/// The size of a slot's buffer is a multiple of this, in bytes: arrays of vec4 and mat4x4 want whole elements.
pub(super) const SLOT_ALIGNMENT: u64 = 64;

impl Gpu {
    /// A buffer whose contents are not set.
    ///
    /// # Errors
    /// If there is no memory for it, with the buffer's size; the device remains usable.
    pub(super) fn buffer(
        &self,
        label: &'static str,
        bytes: u64,
        usage: BufferUsages,
    ) -> Result<wgpu::Buffer, BackendError> {
        self.allocate(&wgpu::BufferDescriptor { label: Some(label), size: bytes, usage, mapped_at_creation: false })
    }

    /// A buffer with contents: a multiple of four bytes, not empty.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub(super) fn buffer_with(
        &self,
        label: &'static str,
        contents: &[u8],
        usage: BufferUsages,
    ) -> Result<wgpu::Buffer, BackendError> {
        let size = contents.len() as u64;
        let buffer =
            self.allocate(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: true })?;
        match buffer.get_mapped_range_mut(..) {
            Ok(mut view) => view.copy_from_slice(contents),
            Err(error) => {
                self.failures.check(&self.name, size)?;
                return Err(BackendError::Refused { device: self.name.clone(), reason: one_line(&error.to_string()) });
            }
        }
        buffer.unmap();
        Ok(buffer)
    }

    /// A buffer for a slot.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub(super) fn slot_buffer(&self, bytes: u64) -> Result<wgpu::Buffer, BackendError> {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        self.buffer("slot", bytes.next_multiple_of(SLOT_ALIGNMENT), usage)
    }

    fn allocate(&self, descriptor: &wgpu::BufferDescriptor<'_>) -> Result<wgpu::Buffer, BackendError> {
        if let Some(buffer) = self.try_to_allocate(descriptor) {
            return Ok(buffer);
        }
        // A buffer dropped while in use keeps its memory until the device is done and somebody polls.
        self.finish(descriptor.size)?;
        let none_left =
            || BackendError::OutOfMemory { device: self.name.clone(), needed: descriptor.size.div_ceil(1 << 20) };
        self.try_to_allocate(descriptor).ok_or_else(none_left)
    }

    /// None if there is no memory for it, which the failure log does not record.
    #[cfg(not(target_family = "wasm"))]
    fn try_to_allocate(&self, descriptor: &wgpu::BufferDescriptor<'_>) -> Option<wgpu::Buffer> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.device.create_buffer(descriptor);
        // Known at once on every native back end.
        let error = pollster::block_on(scope.pop());
        error.is_none().then_some(buffer)
    }

    /// A browser tells later, through the failure log.
    #[cfg(target_family = "wasm")]
    fn try_to_allocate(&self, descriptor: &wgpu::BufferDescriptor<'_>) -> Option<wgpu::Buffer> {
        Some(self.device.create_buffer(descriptor))
    }
}
