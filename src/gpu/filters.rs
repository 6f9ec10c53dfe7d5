//! Filters in the device's memory, shared by all sessions on it.

use super::{
    ForcedVariants, Gpu,
    kernels::{Binding, lower},
    winograd,
};
use crate::{
    BackendError,
    plan::{Plan, Precision},
    vgg19::Layer,
    weights::{ConvolutionFilters, Filters},
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// How a layer's filters are laid out in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterForm {
    /// `[9][Cin][Cout]`.
    Direct,
    /// `[9][Cout][Cin]` of the transposed convolution, for the backward pass.
    Transposed,
    /// `[16][Cin][Cout]` for Winograd's F(2x2, 3x3), in both directions.
    Winograd2,
    /// `[36][Cin][Cout]` for Winograd's F(4x4, 3x3), in both directions. Always f32: rounded to f16 they cost 1.4e-3 of
    /// the result's largest value, where direct filters cost 4e-4.
    Winograd4,
}

impl FilterForm {
    /// Matrices of `Cin x Cout` values.
    fn matrices(self) -> usize {
        match self {
            FilterForm::Direct | FilterForm::Transposed => 9,
            FilterForm::Winograd2 => 16,
            FilterForm::Winograd4 => 36,
        }
    }

    /// Bytes that a layer's filters take in this form.
    pub fn bytes(self, layer: Layer, precision: Precision) -> u64 {
        let channels = layer.input_channels().next_multiple_of(4) as usize * layer.output_channels() as usize;
        4 * self.stored_in(precision).words(self.matrices() * channels) as u64
    }

    /// The precision of the values when maps are stored in this one.
    fn stored_in(self, maps: Precision) -> Precision {
        if self == FilterForm::Winograd4 { Precision::F32 } else { maps }
    }

    fn of(self, filters: &ConvolutionFilters) -> Cow<'_, [f32]> {
        match self {
            FilterForm::Direct => Cow::Borrowed(&filters.weight),
            FilterForm::Transposed => Cow::Owned(filters.transposed()),
            FilterForm::Winograd2 => Cow::Owned(winograd::transformed(filters, &winograd::F2)),
            FilterForm::Winograd4 => Cow::Owned(winograd::transformed(filters, &winograd::F4)),
        }
    }
}

/// Bytes of the filters and biases that sessions of these plans put on a device, which each of them shares with those
/// before it. `forced` as for [`super::Session::new`].
pub(crate) fn filter_bytes(gpu: &Arc<Gpu>, plans: &[&Plan], forced: &ForcedVariants) -> u64 {
    let mut buffers = HashMap::new();
    for plan in plans {
        let mut seen = HashSet::new();
        // Bands of a layer that use the same kernel read the same filters.
        let mut tasks = gpu.tasks(plan, forced);
        tasks.retain(|task| {
            let layer = plan.steps[task.first].filters();
            layer.is_some() && seen.insert((layer, task.choice.operation.name, task.choice.kernel.variant))
        });
        let dispatches = tasks.iter().flat_map(|task| lower(plan, task).0);
        for (_, binding) in dispatches.flat_map(|dispatch| dispatch.bindings) {
            match binding {
                Binding::Filters(layer, form) => {
                    let contents = Contents::Filters(layer, form, form.stored_in(plan.precision));
                    buffers.insert(contents, form.bytes(layer, plan.precision));
                }
                Binding::Bias(layer) => {
                    buffers.insert(Contents::Bias(layer), 4 * u64::from(layer.output_channels()));
                }
                Binding::Slot(_) | Binding::Unused => {}
            }
        }
    }
    buffers.values().sum()
}

/// The contents of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Contents {
    Filters(Layer, FilterForm, Precision),
    /// Always f32.
    Bias(Layer),
}

/// The filters of a network on a device, brought into a form and copied there when a session first needs it.
pub struct DeviceFilters {
    filters: Arc<Filters>,
    buffers: Mutex<HashMap<Contents, wgpu::Buffer>>,
}

impl DeviceFilters {
    /// Nothing is on the device yet.
    pub fn new(filters: &Arc<Filters>) -> Arc<DeviceFilters> {
        Arc::new(DeviceFilters { filters: filters.clone(), buffers: Mutex::default() })
    }

    /// Bytes they take on the device so far.
    pub fn bytes(&self) -> u64 {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).values().map(wgpu::Buffer::size).sum()
    }

    /// Gives up what is stored in a precision, once no session uses it any more.
    pub fn forget(&self, precision: Precision) {
        let of_another =
            |contents: &Contents| !matches!(contents, Contents::Filters(_, _, stored) if *stored == precision);
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).retain(|contents, _| of_another(contents));
    }

    pub(super) fn weights(
        &self,
        gpu: &Gpu,
        layer: Layer,
        form: FilterForm,
        maps: Precision,
    ) -> Result<wgpu::Buffer, BackendError> {
        let precision = form.stored_in(maps);
        let filters = self.filters.get(layer).ok_or(BackendError::FiltersMissing(layer))?;
        self.find_or_make(gpu, Contents::Filters(layer, form, precision), || precision.encode(&form.of(filters)))
    }

    pub(super) fn bias(&self, gpu: &Gpu, layer: Layer) -> Result<wgpu::Buffer, BackendError> {
        let filters = self.filters.get(layer).ok_or(BackendError::FiltersMissing(layer))?;
        self.find_or_make(gpu, Contents::Bias(layer), || bytemuck::cast_slice(&filters.bias).to_vec())
    }

    fn find_or_make(
        &self,
        gpu: &Gpu,
        key: Contents,
        contents: impl FnOnce() -> Vec<u8>,
    ) -> Result<wgpu::Buffer, BackendError> {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(buffer) = buffers.get(&key) {
            return Ok(buffer.clone());
        }
        let buffer = gpu.buffer_with("filters", &contents(), wgpu::BufferUsages::STORAGE)?;
        buffers.insert(key, buffer.clone());
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Session as _,
        gpu::{Session, ShaderChecks, Variant, Vendor, first_adapter},
        plan::{Network, Optimizer, Storage, Term, iteration},
        style::{Method, Recipe},
        weights::generated,
    };

    /// The requirement for a picture of 1024x1024: a quarter of the 2.2 GiB that PyTorch takes in f32.
    #[test]
    fn a_megapixel_takes_little_memory_on_every_vendors_devices() {
        let adapter = first_adapter();
        let mut gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        let with_adam = Recipe { method: Method::Adam, ..Recipe::default() };
        // The history of L-BFGS takes the rest.
        let cases = [(Precision::F32, 550, &with_adam), (Precision::F16, 300, &with_adam)];
        for (precision, most, recipe) in cases.into_iter().chain([(Precision::F32, 640, &Recipe::default())]) {
            let storage = Storage::for_binding(2 << 30, precision);
            let network = Network { storage, ..Network::for_tests(1024, 1024) };
            let plan = iteration(&network, &recipe.terms_of_whole_pictures(), recipe.optimizer()).unwrap();
            let mut take = |vendor, forced: ForcedVariants| {
                Arc::get_mut(&mut gpu).unwrap().abilities.vendor = vendor;
                let bytes = plan.bytes() + filter_bytes(&gpu, &[&plan], &forced);
                assert!(bytes <= most << 20, "{vendor:?} {forced} in {precision}: {} MiB", bytes >> 20);
            };
            for vendor in Vendor::ALL {
                take(vendor, ForcedVariants::NONE);
            }
            // It reads what the cooperative variant reads.
            take(Vendor::Nvidia, Variant::Tiled.into());
        }
    }

    #[test]
    fn a_form_takes_as_many_bytes_as_it_says() {
        let filters = generated(3, "relu2_1".parse().unwrap());
        for layer in filters.deepest().unwrap().up_to() {
            for form in [FilterForm::Direct, FilterForm::Transposed, FilterForm::Winograd2, FilterForm::Winograd4] {
                for precision in [Precision::F32, Precision::F16] {
                    let made = form.stored_in(precision).encode(&form.of(filters.get(layer).unwrap())).len();
                    assert_eq!(form.bytes(layer, precision), made as u64, "{layer} {form:?} {precision}");
                }
            }
        }
    }

    #[test]
    fn the_bytes_of_a_plan_are_those_that_its_session_takes() {
        let terms = Term::all_of(&[], &["relu2_1"]);
        let plan = iteration(&Network::for_tests(20, 13), &terms, Optimizer::default()).unwrap();
        let adapter = first_adapter();
        let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        let filters = Arc::new(generated(5, "relu2_1".parse().unwrap()));
        for forced in [ForcedVariants::NONE, Variant::Winograd2.into(), Variant::Tiled.into()] {
            let session = Session::new(&gpu, plan.clone(), &DeviceFilters::new(&filters), &forced).unwrap();
            let predicted = filter_bytes(&gpu, &[&plan], &forced);
            assert_eq!(session.bytes(), plan.bytes() + predicted, "{forced}");
        }
    }
}
