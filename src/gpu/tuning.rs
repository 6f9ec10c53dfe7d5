//! Which variant of an operation proved the fastest on a device with its driver, shape by shape.

use super::{
    DeviceFilters, ForcedVariants, Gpu, Operation, Session, Variant, WorkShape,
    device_file::DeviceFile,
    kernels::{Task, tasks},
};
use crate::{
    BackendError, Session as _,
    backend::write_noise,
    plan::{Plan, Precision, Step},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

/// Runs of a variant that are timed if its first was promising.
const REPEATS: usize = 7;
/// How many times as long as the best a variant's first run may take to be promising.
const PROMISING: f64 = 2.0;

/// What was found so far, and where it is kept.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    fastest: HashMap<WorkShape, Variant>,
    file: Option<DeviceFile>,
}

/// An element of the file's list.
#[derive(Serialize, Deserialize)]
struct Entry {
    operation: String,
    inputs: u32,
    outputs: u32,
    f16: bool,
    pixels_log2: u32,
    variant: String,
}

impl Entry {
    fn new(shape: &WorkShape, variant: Variant) -> Entry {
        let WorkShape { operation, inputs, outputs, precision, pixels_log2 } = *shape;
        let f16 = precision == Precision::F16;
        Entry { operation: operation.to_owned(), inputs, outputs, f16, pixels_log2, variant: variant.name().to_owned() }
    }

    /// None if it names something that no longer exists.
    fn read(&self) -> Option<(WorkShape, Variant)> {
        let operation = Operation::named(&self.operation)?;
        let variant = Variant::named(&self.variant).filter(|&variant| operation.kernel(variant).is_some())?;
        let precision = if self.f16 { Precision::F16 } else { Precision::F32 };
        let Entry { inputs, outputs, pixels_log2, .. } = *self;
        Some((WorkShape { operation: operation.name, inputs, outputs, precision, pixels_log2 }, variant))
    }
}

impl Tuning {
    /// The file's contents; nothing if it is missing or of no use.
    pub fn kept(file: Option<DeviceFile>) -> Tuning {
        let fastest = || parsed(&file.as_ref()?.read()?);
        Tuning { fastest: fastest().unwrap_or_default(), file }
    }

    /// Writes everything to the file. If the directory cannot be written, only tuning has to be repeated.
    fn keep(&self) {
        let entries: Vec<Entry> = self.fastest.iter().map(|(shape, &variant)| Entry::new(shape, variant)).collect();
        if let (Some(file), Ok(text)) = (&self.file, serde_json::to_vec(&entries)) {
            drop(file.write(&text));
        }
    }
}

/// What a list of entries says; none if it makes no sense.
fn parsed(json: &[u8]) -> Option<HashMap<WorkShape, Variant>> {
    let entries = serde_json::from_slice::<Vec<Entry>>(json).ok()?;
    Some(entries.iter().filter_map(Entry::read).collect())
}

/// How many shapes such a list knows, for those who try to break its parser.
#[doc(hidden)]
pub fn tuned_shapes(json: &[u8]) -> Option<usize> {
    parsed(json).map(|fastest| fastest.len())
}

/// A shape that was timed.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// Which.
    pub shape: WorkShape,
    /// Variants that can do it with their seconds, the fastest first.
    pub seconds: Vec<(Variant, f64)>,
}

impl Gpu {
    fn tuning(&self) -> MutexGuard<'_, Tuning> {
        self.tuning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The variant that proved the fastest for a step's shape, if it was ever timed.
    pub fn tuned(&self, step: &Step, precision: Precision) -> Option<Variant> {
        self.tuning().fastest.get(&WorkShape::of(step, precision)).copied()
    }

    /// The kernels with which a session carries out a plan's steps. A forced variant comes before the one that proved
    /// the fastest, and that one before those of the table.
    pub(crate) fn tasks<'a>(self: &Arc<Gpu>, plan: &'a Plan, forced: &ForcedVariants) -> Vec<Task<'a>> {
        let asked = |step: &Step| forced.of(step.operation()).or_else(|| self.tuned(step, plan.precision));
        tasks(plan, self.trusted_abilities(plan.precision), asked)
    }

    /// Times every variant that can carry out a step of the plan, where there are several and its shape was never timed,
    /// and keeps the fastest, in the cache too if there is one. Sessions created from now on use them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn tune(
        self: &Arc<Gpu>,
        plan: &Plan,
        filters: &Arc<DeviceFilters>,
        observe: &mut dyn FnMut(&Tuned),
    ) -> Result<(), BackendError> {
        for (index, step) in plan.steps.iter().enumerate() {
            let shape = WorkShape::of(step, plan.precision);
            let has_choice = Operation::named(shape.operation).is_some_and(Operation::has_choice);
            if !has_choice || self.tuning().fastest.contains_key(&shape) {
                continue;
            }
            let seconds = self.time_variants(&plan.only(&[index]), &shape, filters)?;
            if let Some(&(variant, _)) = seconds.first() {
                self.tuning().fastest.insert(shape, variant);
                observe(&Tuned { shape, seconds });
            }
        }
        self.tuning().keep();
        Ok(())
    }

    /// Seconds of the only step of a plan by every variant that can do it, the fastest first.
    fn time_variants(
        self: &Arc<Gpu>,
        plan: &Plan,
        shape: &WorkShape,
        filters: &Arc<DeviceFilters>,
    ) -> Result<Vec<(Variant, f64)>, BackendError> {
        let mut variants: Vec<Variant> = Vec::new();
        for choice in shape.choices(self.trusted_abilities(plan.precision)) {
            if !variants.contains(&choice.kernel.variant) {
                variants.push(choice.kernel.variant);
            }
        }
        let mut seconds: Vec<(Variant, f64)> = Vec::new();
        // From the one that is likely to be the fastest to the plain one, which may take very long.
        for variant in variants.into_iter().rev() {
            let mut session = Session::new(self, plan.clone(), filters, &variant.into())?;
            write_noise(&mut session, plan)?;
            let best = seconds.iter().map(|&(_, seconds)| seconds).fold(f64::INFINITY, f64::min);
            let mut time = session.time_steps(1)?.iter().sum::<f64>();
            if time < PROMISING * best {
                time = session.time_steps(REPEATS)?.iter().sum();
            }
            seconds.push((variant, time));
        }
        seconds.sort_by(|a, b| a.1.total_cmp(&b.1));
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::{
        gpu::{ShaderChecks, first_adapter},
        plan::{Network, Optimizer, Term, iteration},
        weights::generated,
    };

    fn plan() -> Plan {
        let terms = Term::all_of(&[], &["relu2_1"]);
        iteration(&Network::for_tests(20, 13), &terms, Optimizer::default()).unwrap()
    }

    #[test]
    fn the_fastest_is_kept_and_used() {
        let directory = tempfile::tempdir().unwrap();
        let adapter = first_adapter();
        let open = || Gpu::open_with_cache(&adapter, ShaderChecks::default(), Some(directory.path())).unwrap();
        let (gpu, plan) = (open(), plan());
        let filters = DeviceFilters::new(&Arc::new(generated(5, "relu2_1".parse().unwrap())));
        let mut timed = Vec::new();
        gpu.tune(&plan, &filters, &mut |tuned| timed.push(tuned.clone())).unwrap();
        // relu1_1, relu1_2 and relu2_1, there and back, and the Gram matrix of the last.
        let of = |operation| timed.iter().filter(|tuned| tuned.shape.operation == operation).count();
        assert_eq!(["conv3x3", "conv3x3_backward", "gram", "gram_backward"].map(of), [3, 3, 1, 1], "{timed:?}");
        for tuned in &timed {
            assert!(tuned.seconds.windows(2).all(|pair| pair[0].1 <= pair[1].1));
            let first = Operation::named(tuned.shape.operation).unwrap().kernels[0].variant;
            assert!(tuned.seconds.iter().any(|(variant, _)| *variant == first), "{tuned:?}");
        }
        let again = open();
        for step in &plan.steps {
            let shape = WorkShape::of(step, Precision::F32);
            let fastest = timed.iter().find(|tuned| tuned.shape == shape).map(|tuned| tuned.seconds[0].0);
            assert_eq!(again.tuned(step, Precision::F32), fastest);
        }
        again.tune(&plan, &filters, &mut |tuned| panic!("{tuned:?} was timed before")).unwrap();
        assert!(again.tuned(&plan.steps[1], Precision::F16).is_none());
    }

    #[test]
    fn what_is_kept_decides_unless_a_variant_is_forced() {
        let adapter = first_adapter();
        let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        let plan = plan();
        let kernels = |forced: &ForcedVariants| -> Vec<Variant> {
            gpu.tasks(&plan, forced).iter().map(|task| task.choice.kernel.variant).collect()
        };
        let (none, winograd) = (ForcedVariants::NONE, Variant::Winograd2.into());
        let by_table = kernels(&none);
        for step in &plan.steps {
            let shape = WorkShape::of(step, Precision::F32);
            gpu.tuning().fastest.insert(shape, Variant::Winograd2);
        }
        assert_eq!(kernels(&none), kernels(&winograd));
        assert_ne!(kernels(&none), by_table);
        let plain = kernels(&Variant::Plain.into());
        assert!(!plain.contains(&Variant::Winograd2), "{plain:?}");
    }

    #[test]
    fn a_file_that_makes_no_sense_is_nothing() {
        assert!(Tuning::kept(None).fastest.is_empty());
        let directory = tempfile::tempdir().unwrap();
        let info = wgpu::AdapterInfo::new(wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Vulkan);
        let file = || Some(DeviceFile::of(directory.path(), "tuning", &info));
        let old =
            br#"[{"shape":{"inputs":64,"outputs":64,"backward":true,"f16":false,"pixels_log2":9},"variant":"plain"}]"#;
        for nonsense in [&old[..], b"", b"[{"] {
            file().unwrap().write(nonsense).unwrap();
            assert!(Tuning::kept(file()).fastest.is_empty());
        }
    }
}
