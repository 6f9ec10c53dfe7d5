//! A Vulkan device that only compiles.

use crate::spirv::Shader;
use ash::vk;
use serde::Serialize;
use std::{
    error::Error,
    ffi::{CStr, CString},
    time::Instant,
};

/// The driver's statistics of a pipeline; zero where it reports nothing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Statistics {
    pub milliseconds: f64,
    pub vgprs: u64,
    pub spilled_vgprs: u64,
    pub lds_bytes: u64,
    pub subgroups_per_simd: u64,
    pub code_bytes: u64,
}

/// An open device. It lives as long as the process: nothing here is destroyed.
pub struct Compiler {
    /// The adapter's name.
    pub name: String,
    /// Whether shaders may compute with f16 and read it from storage buffers.
    pub has_f16: bool,
    /// Whether it has `VK_KHR_cooperative_matrix`.
    pub has_cooperative_matrices: bool,
    device: ash::Device,
    statistics: ash::khr::pipeline_executable_properties::Device,
    // Unloads the driver when it is dropped.
    _entry: ash::Entry,
}

impl Compiler {
    /// Opens the first adapter with everything that it supports.
    pub fn open() -> Result<Compiler, Box<dyn Error>> {
        // SAFETY: every handle belongs to the instance made here, every pointer to a value that outlives its call, and the
        // feature structures are chained once for each call.
        unsafe {
            let entry = ash::Entry::load().map_err(|error| format!("there is no Vulkan loader ({error})"))?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let instance =
                entry.create_instance(&vk::InstanceCreateInfo::default().application_info(&application), None)?;
            let adapters = instance.enumerate_physical_devices()?;
            let adapter = *adapters.first().ok_or("no Vulkan driver was found: set VK_DRIVER_FILES")?;
            let properties = instance.get_physical_device_properties(adapter);
            let name = properties.device_name_as_c_str()?.to_string_lossy().into_owned();
            let extensions = instance.enumerate_device_extension_properties(adapter)?;
            let has = |wanted: &CStr| extensions.iter().any(|found| found.extension_name_as_c_str() == Ok(wanted));
            if !has(vk::KHR_PIPELINE_EXECUTABLE_PROPERTIES_NAME) {
                return Err(format!("{name} does not tell what it compiled").into());
            }
            let has_cooperative_matrices = has(vk::KHR_COOPERATIVE_MATRIX_NAME);
            let mut enabled = vec![vk::KHR_PIPELINE_EXECUTABLE_PROPERTIES_NAME.as_ptr()];
            let (mut v11, mut v12, mut v13) = supported(&instance, adapter);
            let has_f16 = v12.shader_float16 != 0 && v11.storage_buffer16_bit_access != 0;
            let mut told =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
            let mut matrices = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default().cooperative_matrix(true);
            let mut features = vk::PhysicalDeviceFeatures2::default()
                .features(instance.get_physical_device_features(adapter))
                .push_next(&mut v11)
                .push_next(&mut v12)
                .push_next(&mut v13)
                .push_next(&mut told);
            if has_cooperative_matrices {
                features = features.push_next(&mut matrices);
                enabled.push(vk::KHR_COOPERATIVE_MATRIX_NAME.as_ptr());
            }
            let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
            let wanted = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&enabled)
                .push_next(&mut features);
            let device = instance.create_device(adapter, &wanted, None)?;
            let statistics = ash::khr::pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Compiler { name, has_f16, has_cooperative_matrices, device, statistics, _entry: entry })
        }
    }

    pub fn compile(&self, shader: &Shader) -> Result<Statistics, Box<dyn Error>> {
        let binding = |&(number, is_uniform): &(u32, bool)| {
            let kind = if is_uniform { vk::DescriptorType::UNIFORM_BUFFER } else { vk::DescriptorType::STORAGE_BUFFER };
            vk::DescriptorSetLayoutBinding::default()
                .binding(number)
                .descriptor_type(kind)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let groups: Vec<Vec<_>> = shader.groups.iter().map(|group| group.iter().map(binding).collect()).collect();
        let entry = CString::new(shader.entry)?;
        // SAFETY: the code was written by naga from a validated module, the layout has its bindings, and every pointer is to
        // a value that outlives its call.
        unsafe {
            let mut sets = Vec::new();
            for bindings in &groups {
                let layout = vk::DescriptorSetLayoutCreateInfo::default().bindings(bindings);
                sets.push(self.device.create_descriptor_set_layout(&layout, None)?);
            }
            let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = self.device.create_pipeline_layout(&layout, None)?;
            let module = vk::ShaderModuleCreateInfo::default().code(&shader.code);
            let module = self.device.create_shader_module(&module, None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(&entry);
            let wanted = vk::ComputePipelineCreateInfo::default()
                .flags(vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR)
                .stage(stage)
                .layout(layout);
            let start = Instant::now();
            let made = self.device.create_compute_pipelines(vk::PipelineCache::null(), &[wanted], None);
            let milliseconds = 1e3 * start.elapsed().as_secs_f64();
            let pipeline = *made.map_err(|(_, error)| error)?.first().ok_or("the driver made no pipeline")?;
            self.read(pipeline, milliseconds)
        }
    }

    /// # Safety
    /// The pipeline belongs to this device and was created to capture statistics.
    unsafe fn read(&self, pipeline: vk::Pipeline, milliseconds: f64) -> Result<Statistics, Box<dyn Error>> {
        let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
        // SAFETY: as the caller promises.
        let values = unsafe { self.statistics.get_pipeline_executable_statistics(&executable)? };
        let mut statistics = Statistics { milliseconds, ..Statistics::default() };
        for value in &values {
            let field = match value.name_as_c_str()?.to_str()? {
                "VGPRs" => &mut statistics.vgprs,
                "Spilled VGPRs" => &mut statistics.spilled_vgprs,
                "LDS size" => &mut statistics.lds_bytes,
                "Subgroups per SIMD" => &mut statistics.subgroups_per_simd,
                "Code size" => &mut statistics.code_bytes,
                _ => continue,
            };
            if value.format == vk::PipelineExecutableStatisticFormatKHR::UINT64 {
                // SAFETY: the format says which member is there.
                *field = unsafe { value.value.u64 };
            }
        }
        Ok(statistics)
    }
}

/// The features of the core versions that an adapter supports, each with its chain cut.
///
/// # Safety
/// The adapter belongs to the instance, which has version 1.3.
unsafe fn supported(
    instance: &ash::Instance,
    adapter: vk::PhysicalDevice,
) -> (
    vk::PhysicalDeviceVulkan11Features<'static>,
    vk::PhysicalDeviceVulkan12Features<'static>,
    vk::PhysicalDeviceVulkan13Features<'static>,
) {
    let mut v11 = vk::PhysicalDeviceVulkan11Features::default();
    let mut v12 = vk::PhysicalDeviceVulkan12Features::default();
    let mut v13 = vk::PhysicalDeviceVulkan13Features::default();
    let mut found = vk::PhysicalDeviceFeatures2::default().push_next(&mut v11).push_next(&mut v12).push_next(&mut v13);
    // SAFETY: as the caller promises.
    unsafe { instance.get_physical_device_features2(adapter, &mut found) };
    v11.p_next = std::ptr::null_mut();
    v12.p_next = std::ptr::null_mut();
    v13.p_next = std::ptr::null_mut();
    (v11, v12, v13)
}
