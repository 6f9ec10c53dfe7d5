//! Which variant of the convolution proved the fastest on a device with its driver, shape by shape.

use super::{Conv3x3Variant, DeviceFilters, Gpu, Session, device_file::DeviceFile};
use crate::{
    BackendError, Session as _,
    backend::write_noise,
    plan::{Plan, Precision, Step},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
};

/// Runs of a variant that are timed if its first was promising.
const REPEATS: usize = 7;
/// How many times as long as the best a variant's first run may take to be promising.
const PROMISING: f64 = 2.0;

/// A convolution, as far as it decides which variant is the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConvolutionShape {
    /// Channels read.
    pub inputs: u32,
    /// Channels written.
    pub outputs: u32,
    /// Whether it carries a gradient back.
    pub backward: bool,
    /// Whether maps are stored as f16.
    pub f16: bool,
    /// Binary logarithm of the number of pixels written, rounded down: shapes between are taken to be alike.
    pub pixels_log2: u32,
}

impl ConvolutionShape {
    /// None if the step is no convolution.
    pub fn of(step: &Step, precision: Precision) -> Option<ConvolutionShape> {
        let (inputs, outputs, backward) = match step {
            Step::Conv3x3(step) => (step.layer.input_channels(), step.layer.output_channels(), false),
            Step::Conv3x3Backward(step) => (step.layer.output_channels(), step.layer.input_channels(), true),
            _ => return None,
        };
        let (rows, shape) = step.rows()?;
        let pixels_log2 = (rows.count() * shape.width as usize).ilog2();
        Some(ConvolutionShape { inputs, outputs, backward, f16: precision == Precision::F16, pixels_log2 })
    }
}

impl std::fmt::Display for ConvolutionShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = if self.backward { "backward" } else { "forward" };
        let precision = if self.f16 { Precision::F16 } else { Precision::F32 };
        write!(
            f,
            "{} to {} channels {direction}, 2^{} pixels, {precision}",
            self.inputs, self.outputs, self.pixels_log2
        )
    }
}

/// What was found so far, and where it is kept.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    fastest: BTreeMap<ConvolutionShape, Conv3x3Variant>,
    file: Option<DeviceFile>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    shape: ConvolutionShape,
    variant: String,
}

impl Tuning {
    /// What a file holds; nothing if it is missing or of no use.
    pub fn kept(file: Option<DeviceFile>) -> Tuning {
        let read = || serde_json::from_slice::<Vec<Entry>>(&file.as_ref()?.read()?).ok();
        let entries = read().unwrap_or_default();
        let fastest =
            entries.into_iter().filter_map(|entry| Some((entry.shape, entry.variant.parse().ok()?))).collect();
        Tuning { fastest, file }
    }

    /// Writes everything to the file. A directory that cannot be written costs another tuning, not the work at hand.
    fn keep(&self) {
        let entry = |(&shape, variant): (_, &Conv3x3Variant)| Entry { shape, variant: variant.name().to_owned() };
        let entries: Vec<Entry> = self.fastest.iter().map(entry).collect();
        if let (Some(file), Ok(text)) = (&self.file, serde_json::to_vec(&entries)) {
            drop(file.write(&text));
        }
    }
}

/// A shape that was timed.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// Which.
    pub shape: ConvolutionShape,
    /// Variants that can make it with their seconds, the fastest first.
    pub seconds: Vec<(Conv3x3Variant, f64)>,
}

impl Gpu {
    fn tuning(&self) -> MutexGuard<'_, Tuning> {
        self.tuning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The variant that proved the fastest for a step's shape, if it was ever timed.
    pub fn tuned(&self, step: &Step, precision: Precision) -> Option<Conv3x3Variant> {
        self.tuning().fastest.get(&ConvolutionShape::of(step, precision)?).copied()
    }

    /// The variant that is asked for: the one that is forced, else the one that proved the fastest.
    pub(crate) fn asked(
        &self,
        forced: Option<Conv3x3Variant>,
        step: &Step,
        precision: Precision,
    ) -> Option<Conv3x3Variant> {
        forced.or_else(|| self.tuned(step, precision))
    }

    /// Times every variant that can make a convolution of the plan, for shapes that were never timed, and keeps the
    /// fastest, in the cache too if there is one. Sessions that are made from now on use them.
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
            let Some(shape) = ConvolutionShape::of(step, plan.precision) else { continue };
            if self.tuning().fastest.contains_key(&shape) {
                continue;
            }
            let seconds = self.time_variants(&plan.only(&[index]), filters)?;
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
        filters: &Arc<DeviceFilters>,
    ) -> Result<Vec<(Conv3x3Variant, f64)>, BackendError> {
        let abilities = self.trusted_abilities(plan.precision);
        let can = |variant: &Conv3x3Variant| {
            Conv3x3Variant::of_step(&plan.steps[0], plan.precision, abilities, Some(*variant)) == Some(*variant)
        };
        let mut seconds: Vec<(Conv3x3Variant, f64)> = Vec::new();
        // From the one that is likely to be the fastest to the plain one, which may take very long.
        for variant in Conv3x3Variant::ALL.into_iter().rev().filter(can) {
            let mut session = Session::new(self, plan.clone(), filters, Some(variant))?;
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
        gpu::{ShaderChecks, adapters},
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
        let adapter = adapters().into_iter().next().expect("a Vulkan driver: tools/setup installs one");
        let open = || Gpu::open_with_cache(&adapter, ShaderChecks::default(), Some(directory.path())).unwrap();
        let (gpu, plan) = (open(), plan());
        let filters = DeviceFilters::new(&Arc::new(generated(5, "relu2_1".parse().unwrap())));
        let mut timed = Vec::new();
        gpu.tune(&plan, &filters, &mut |tuned| timed.push(tuned.clone())).unwrap();
        // relu1_1, relu1_2 and relu2_1, there and back.
        assert_eq!(timed.len(), 6, "{timed:?}");
        for tuned in &timed {
            assert!(tuned.seconds.windows(2).all(|pair| pair[0].1 <= pair[1].1));
            assert!(tuned.seconds.iter().any(|(variant, _)| *variant == Conv3x3Variant::Plain), "{tuned:?}");
        }
        let again = open();
        for step in &plan.steps {
            let shape = ConvolutionShape::of(step, Precision::F32);
            let fastest = timed.iter().find(|tuned| Some(tuned.shape) == shape).map(|tuned| tuned.seconds[0].0);
            assert_eq!(again.tuned(step, Precision::F32), fastest);
        }
        again.tune(&plan, &filters, &mut |tuned| panic!("{tuned:?} was timed before")).unwrap();
        assert!(again.tuned(&plan.steps[1], Precision::F16).is_none());
    }

    #[test]
    fn what_is_kept_decides_unless_a_variant_is_forced() {
        let adapter = adapters().into_iter().next().expect("a Vulkan driver: tools/setup installs one");
        let gpu = Gpu::open(&adapter, ShaderChecks::default()).unwrap();
        let plan = plan();
        let filters = Arc::new(generated(5, "relu2_1".parse().unwrap()));
        let bytes = |asked| Session::new(&gpu, plan.clone(), &DeviceFilters::new(&filters), asked).unwrap().bytes();
        let by_table = bytes(None);
        for step in &plan.steps {
            if let Some(shape) = ConvolutionShape::of(step, Precision::F32) {
                gpu.tuning().fastest.insert(shape, Conv3x3Variant::Winograd2);
            }
        }
        // The variants read filters of different sizes.
        assert_eq!(bytes(None), bytes(Some(Conv3x3Variant::Winograd2)));
        assert_ne!(bytes(None), by_table);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_nothing() {
        assert!(Tuning::kept(None).fastest.is_empty());
        let directory = tempfile::tempdir().unwrap();
        let info = wgpu::AdapterInfo::new(wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Vulkan);
        let file = || Some(DeviceFile::of(directory.path(), "tuning", &info));
        for nonsense in [&b"[{\"shape\": 1}]"[..], b"", b"[{"] {
            file().unwrap().write(nonsense).unwrap();
            assert!(Tuning::kept(file()).fastest.is_empty());
        }
    }
}
