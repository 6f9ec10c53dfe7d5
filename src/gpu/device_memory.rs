//! How much memory a device has.

/// Bytes of the largest piece of memory that belongs to the device itself, where the driver tells: Vulkan does. The
/// system and other programs use part of it.
#[cfg(any(windows, target_os = "linux"))]
pub(super) fn device_memory(adapter: &wgpu::Adapter) -> Option<u64> {
    /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the physical device and its instance are used here only, for a query that changes nothing.
    let properties = unsafe {
        let adapter = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        adapter.shared_instance().raw_instance().get_physical_device_memory_properties(adapter.raw_physical_device())
    };
    let heaps = properties.memory_heaps_as_slice();
    heaps.iter().filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0).map(|heap| heap.size).max()
}

/// Not asked for: there is no Vulkan, and Metal's figure needs bindings that nothing else here needs.
#[cfg(not(any(windows, target_os = "linux")))]
pub(super) fn device_memory(_adapter: &wgpu::Adapter) -> Option<u64> {
    None
}
