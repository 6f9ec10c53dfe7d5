//! What a device has to prove before it is used: that it works at all, and that its cooperative kernels agree with the
//! reference, because they cannot be tested on every driver, and a wrong result still looks like a picture.

use super::{Abilities, Gpu, Trial, Variant};
use crate::{
    BackendError,
    plan::Precision,
    validate::{self, Case, Expected, Outcome},
};
use std::sync::Arc;

/// Why tensor cores are not used on a device that offers them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} offers tensor cores, but {reason}: slower kernels are used instead; a newer driver may help")]
pub struct CooperativeRefused {
    device: String,
    reason: String,
}

/// The decision, from the kernels' outcomes.
fn verdict(device: &str, outcomes: &[Result<Outcome, BackendError>]) -> Result<(), CooperativeRefused> {
    let refused = |reason| Err(CooperativeRefused { device: device.to_owned(), reason });
    for outcome in outcomes {
        match outcome {
            Ok(outcome) if outcome.passed() => {}
            Ok(outcome) => return refused(format!("its kernels compute something else ({outcome})")),
            Err(error) => return refused(format!("its driver does not run their kernels ({error})")),
        }
    }
    if outcomes.is_empty() { refused("there was nothing to try".to_owned()) } else { Ok(()) }
}

impl Gpu {
    /// Runs one small kernel and compares with the reference. Some devices fail only when something is submitted.
    ///
    /// # Errors
    /// [`BackendError::CannotStart`] if the device fails or computes something else.
    pub fn check_start(self: &Arc<Gpu>) -> Result<(), BackendError> {
        let case = validate::starting_case();
        let cannot = |reason| BackendError::CannotStart { device: self.name.clone(), reason };
        for trial in Trial::all(&case, self.abilities) {
            let outcome = Expected::of(&case).and_then(|expected| trial.run(self, &expected));
            match outcome {
                Ok(outcome) if outcome.passed() => {}
                Ok(outcome) => return Err(cannot(format!("it computes something else: {outcome}"))),
                Err(BackendError::DeviceLost { reason, .. } | BackendError::Refused { reason, .. }) => {
                    return Err(cannot(reason));
                }
                Err(error) => return Err(cannot(error.to_string())),
            }
        }
        Ok(())
    }

    /// Whether the device's tensor cores may be used. The first call runs some small cases on them.
    ///
    /// # Errors
    /// If the device offers them and they are not to be trusted.
    pub fn check_cooperative(self: &Arc<Gpu>) -> Result<bool, CooperativeRefused> {
        if !self.abilities.cooperative_matrices {
            return Ok(false);
        }
        self.cooperative
            .get_or_init(|| verdict(&self.name, &self.try_cooperative(&validate::cooperative_cases())))
            .clone()
            .map(|()| true)
    }

    /// The abilities that kernels for maps in a precision may rely on.
    pub fn trusted_abilities(self: &Arc<Gpu>, precision: Precision) -> Abilities {
        // Cooperative kernels work on f16 only: for f32 there is nothing to check.
        let cooperative_matrices = precision == Precision::F16 && self.check_cooperative().unwrap_or(false);
        Abilities { cooperative_matrices, ..self.abilities }
    }

    /// Runs every cooperative kernel on the cases that it can do, up to the first failure.
    fn try_cooperative(self: &Arc<Gpu>, cases: &[Case]) -> Vec<Result<Outcome, BackendError>> {
        let trials = |case| {
            let mut trials = Trial::all(case, self.abilities);
            trials.retain(|trial| trial.choice().kernel.variant == Variant::Cooperative);
            trials
        };
        // In parallel, because drivers take long.
        let dispatches: Vec<_> = cases.iter().flat_map(trials).flat_map(|trial| trial.dispatches()).collect();
        self.pipelines.compile(dispatches.iter());
        let mut outcomes = Vec::new();
        for case in cases {
            let expected = Expected::of(case);
            for trial in trials(case) {
                let outcome = match &expected {
                    Ok(expected) => trial.run(self, expected),
                    Err(error) => Err(BackendError::Refused { device: self.name.clone(), reason: error.to_string() }),
                };
                let passed = outcome.as_ref().is_ok_and(Outcome::passed);
                outcomes.push(outcome);
                if !passed {
                    // The program does without what a driver refuses here.
                    self.failures.forgive_all_but_loss();
                    return outcomes;
                }
            }
        }
        outcomes
    }
}

#[cfg(test)]
pub(super) use tests::open_emulated;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu;
    use std::collections::HashSet;

    fn outcome(error: f64) -> Outcome {
        Outcome {
            case: "conv3x3 relu1_2 9x6".to_owned(),
            operation: "conv3x3".to_owned(),
            error,
            tolerance: 1e-3,
            wrong_words: 0,
            guards_intact: true,
            place: "features relu1_2 value 3: 2 instead of 1".to_owned(),
        }
    }

    #[test]
    fn tensor_cores_are_trusted_only_if_every_case_passed() {
        assert_eq!(verdict("a GPU", &[Ok(outcome(1e-4)), Ok(outcome(0.0))]), Ok(()));
        assert!(verdict("a GPU", &[]).is_err());
        let twice = verdict("a GPU", &[Ok(outcome(0.0)), Ok(outcome(1.0))]).unwrap_err().to_string();
        assert!(twice.contains("a GPU offers tensor cores, but its kernels compute something else"), "{twice}");
        assert!(twice.contains("2 instead of 1") && twice.contains("slower kernels"), "{twice}");
        let error = BackendError::Refused { device: "a GPU".to_owned(), reason: "no such instruction".to_owned() };
        let refused = verdict("a GPU", &[Ok(outcome(0.0)), Err(error)]).unwrap_err().to_string();
        assert!(refused.contains("does not run their kernels") && refused.contains("no such instruction"), "{refused}");
    }

    fn open() -> Arc<Gpu> {
        let adapter = gpu::first_adapter();
        Gpu::open(&adapter, gpu::ShaderChecks::Checked).unwrap()
    }

    #[test]
    fn a_device_without_tensor_cores_does_without() {
        let gpu = open();
        if !gpu.abilities.cooperative_matrices {
            assert_eq!(gpu.check_cooperative(), Ok(false));
        }
    }

    /// A kernel with its 16x16 matrices emulated: a factor becomes a place in workgroup memory, and sums are spread
    /// evenly over the `subgroup` invocations of a subgroup. So everything but the driver's matrices is tested wherever
    /// there is f16.
    fn emulated(source: &str, subgroup: u32) -> String {
        let mut text = source.replace("enable wgpu_cooperative_matrix;", "");
        text = text.replace("coop_mat16x16<f32, C>", "LaneSums");
        for role in ["A", "B"] {
            text = text.replace(&format!("coop_mat16x16<f16, {role}>"), "Factor");
        }
        text = text.replace("    @builtin(subgroup_id) subgroup: u32,\n", "");
        text = text.replace("subgroup % SHARES", &format!("lane / {subgroup}u % SHARES"));
        let (mut lines, mut arrays) = (Vec::new(), ["", ""]);
        let mut stored = "";
        for line in text.lines() {
            let load = [("coopLoadT<Factor>(&", true), ("coopLoad<Factor>(&", false)];
            let load = load.iter().find_map(|(call, rows)| Some((line.split_once(call)?, rows)));
            let store = [("coopStoreT(", true), ("coopStore(", false)];
            let store = store.iter().find_map(|(call, rows)| Some((line.trim_start().strip_prefix(call)?, rows)));
            lines.push(if let Some(((before, after), rows)) = load {
                let (array, place, stride) = element(after);
                let second = before.contains(" b");
                arrays[usize::from(second)] = array;
                format!("{before}Factor({place}, {stride}, {rows}, {});", !second)
            } else if let Some((after, rows)) = store {
                let (sums, after) = after.split_once(", &").expect("sums are stored");
                let (array, place, stride) = element(after);
                stored = array;
                format!("store_sums({sums}, {place}, {stride}, {rows}, lane % SUBGROUP);")
            } else {
                line.replace("coopMultiplyAdd(", "multiply_add(lane % SUBGROUP, ")
            });
        }
        let emulation = EMULATION.replace("FIRST", arrays[0]).replace("SECOND", arrays[1]).replace("STORED", stored);
        format!("{}\nconst SUBGROUP = {subgroup}u;\n{emulation}", lines.join("\n"))
    }

    /// Array, index and stride of `array[index], stride);`.
    fn element(text: &str) -> (&str, &str, &str) {
        let (array, rest) = text.split_once('[').expect("an element is named");
        let (place, stride) = rest.split_once("], ").expect("a stride follows");
        (array, place, stride.trim_end_matches(");"))
    }

    const EMULATION: &str = "
struct Factor { start: u32, stride: u32, rows: bool, first: bool }

const EACH = 256u / SUBGROUP;

struct LaneSums { values: array<f32, EACH> }

fn element(factor: Factor, row: u32, column: u32) -> f32 {
    let major = select(column, row, factor.rows);
    let minor = select(row, column, factor.rows);
    let place = factor.start + major * factor.stride + minor / 4u;
    if factor.first {
        return f32(FIRST[place][minor % 4u]);
    }
    return f32(SECOND[place][minor % 4u]);
}

// Invocation l of a subgroup has the values from EACH * l on, row by row.
fn multiply_add(lane: u32, a: Factor, b: Factor, c: LaneSums) -> LaneSums {
    var sums = c;
    for (var j = 0u; j < EACH; j++) {
        let value = EACH * lane + j;
        for (var k = 0u; k < 16u; k++) {
            sums.values[j] += element(a, value / 16u, k) * element(b, k, value % 16u);
        }
    }
    return sums;
}

fn store_sums(from_sums: LaneSums, start: u32, stride: u32, rows: bool, lane: u32) {
    var values = from_sums.values;
    for (var j = 0u; j < EACH; j++) {
        let row = (EACH * lane + j) / 16u;
        let column = (EACH * lane + j) % 16u;
        let major = select(column, row, rows);
        let minor = select(row, column, rows);
        STORED[start + major * stride + minor / 4u][minor % 4u] = values[j];
    }
}
";

    /// A device that is said to have tensor cores and subgroups of up to `largest` invocations, and takes those of
    /// `subgroup`; with the cooperative kernels emulated and `change`d.
    fn open_with_subgroups(largest: u32, subgroup: u32, change: impl Fn(&str, String) -> String) -> Arc<Gpu> {
        let mut gpu = open();
        assert!(gpu.has_f16(), "llvmpipe stores f16");
        for shader in gpu::SHADERS.iter().filter(|shader| shader.is_cooperative()) {
            let text = change(shader.name, emulated(shader.source(Precision::F16), subgroup));
            gpu.pipelines.replace_module(shader.name, Precision::F16, &text);
        }
        let abilities = &mut Arc::get_mut(&mut gpu).expect("nobody else has it yet").abilities;
        abilities.cooperative_matrices = true;
        abilities.largest_subgroup = largest;
        gpu
    }

    pub(in crate::gpu) fn open_emulated(change: impl Fn(&str, String) -> String) -> Arc<Gpu> {
        open_with_subgroups(32, 32, change)
    }

    #[test]
    fn cooperative_kernels_agree_with_the_reference_with_their_matrices_emulated() {
        assert_eq!(open_emulated(|_, text| text).check_cooperative(), Ok(true));
    }

    /// One case of each operation: all that differs is which subgroup computes which share.
    #[test]
    fn cooperative_kernels_do_not_care_how_large_subgroups_are() {
        let mut cases = validate::cooperative_cases();
        let mut seen = HashSet::new();
        cases.retain(|case| seen.insert(case.plan.steps[0].operation()));
        assert_eq!(seen.len(), 4, "{seen:?}");
        for (largest, subgroup) in [(64, 64), (64, 16), (32, 8)] {
            let gpu = open_with_subgroups(largest, subgroup, |_, text| text);
            let outcomes = gpu.try_cooperative(&cases);
            assert!(outcomes.len() >= cases.len());
            assert_eq!(verdict("a GPU", &outcomes), Ok(()), "{subgroup} of {largest}");
        }
    }

    #[test]
    fn a_cooperative_kernel_that_is_wrong_is_refused() {
        for wrong in ["conv3x3_cooperative", "gram_cooperative", "gram_backward_cooperative"] {
            let gpu = open_emulated(|name, text| {
                let twice = "var sums = c; sums.values[3] *= 2.0;";
                if name == wrong { text.replace("var sums = c;", twice) } else { text }
            });
            let refused = gpu.check_cooperative().unwrap_err().to_string();
            assert!(refused.contains("compute something else"), "{refused}");
            assert!(!gpu.trusted_abilities(Precision::F16).cooperative_matrices);
        }
    }

    #[test]
    fn a_driver_that_does_not_compile_a_cooperative_kernel_goes_on_without() {
        let gpu = open_emulated(|_, text| text.replace("fn conv3x3(", "fn another("));
        let refused = gpu.check_cooperative().unwrap_err().to_string();
        assert!(refused.contains("does not run their kernels"), "{refused}");
        let case = &validate::cooperative_cases()[0];
        let outcome = validate::run(case, &mut |plan, filters| {
            let (filters, none) = (gpu::DeviceFilters::new(filters), gpu::ForcedVariants::NONE);
            Ok(Box::new(gpu::Session::new(&gpu, plan.clone(), &filters, &none)?))
        });
        assert!(outcome.unwrap().passed());
    }
}
