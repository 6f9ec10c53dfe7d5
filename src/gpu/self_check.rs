//! Cooperative kernels are used only after they agreed with the reference on the device at hand: they cannot be tested on
//! every driver, and a wrong result looks like a picture too.

use super::{Abilities, Conv3x3Variant, DeviceFilters, Gpu, Session};
use crate::{
    BackendError,
    plan::Precision,
    validate::{self, Outcome},
};
use std::sync::Arc;

/// Why tensor cores are not used on a device that offers them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} offers tensor cores, but {reason}: slower kernels are used instead; a newer driver may help")]
pub struct CooperativeRefused {
    device: String,
    reason: String,
}

/// The decision, from how the kernels did.
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
    /// Whether the device's tensor cores may be used. The first call runs some small cases on them.
    ///
    /// # Errors
    /// If the device offers them and they are not to be trusted.
    pub fn check_cooperative(self: &Arc<Gpu>) -> Result<bool, CooperativeRefused> {
        if !self.abilities.cooperative_matrices {
            return Ok(false);
        }
        self.cooperative.get_or_init(|| verdict(&self.name, &self.try_cooperative())).clone().map(|()| true)
    }

    /// What kernels for maps in a precision may count on.
    pub fn trusted_abilities(self: &Arc<Gpu>, precision: Precision) -> Abilities {
        // Cooperative kernels work on f16 only: for f32 there is nothing to check.
        let cooperative_matrices = precision == Precision::F16 && self.check_cooperative().unwrap_or(false);
        Abilities { cooperative_matrices, ..self.abilities }
    }

    /// Runs the cases once with the tiles for small maps and once with those for large ones.
    fn try_cooperative(self: &Arc<Gpu>) -> Vec<Result<Outcome, BackendError>> {
        let mut outcomes = Vec::new();
        for filling_groups in [self.abilities.filling_groups, 1] {
            let abilities = Abilities { filling_groups, ..self.abilities };
            for case in validate::cooperative_cases() {
                outcomes.push(validate::run(&case, &mut |plan, filters| {
                    let asked = Some(Conv3x3Variant::Cooperative);
                    let filters = DeviceFilters::new(filters);
                    Ok(Box::new(Session::with_abilities(self, plan.clone(), &filters, abilities, asked)?))
                }));
            }
        }
        // What a driver refuses here is done without.
        self.failures.forgive_all_but_loss();
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu;

    fn outcome(error: f64) -> Outcome {
        Outcome {
            case: "conv3x3 relu1_2 9x6".to_owned(),
            operation: "conv3x3",
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
        let adapter = gpu::adapters().into_iter().next().expect("a Vulkan driver: run tools/setup first");
        Gpu::open(&adapter, gpu::ShaderChecks::Checked).unwrap()
    }

    #[test]
    fn a_device_without_tensor_cores_does_without() {
        let gpu = open();
        if !gpu.abilities.cooperative_matrices {
            assert_eq!(gpu.check_cooperative(), Ok(false));
        }
    }

    /// The kernel with its 16x16 matrices replaced by what they stand for: a place in workgroup memory, and eight sums in
    /// each of 32 invocations. So all of it but the driver's matrices is proven wherever there is f16.
    fn emulated(source: &str) -> String {
        let mut text =
            source.replace("enable wgpu_cooperative_matrix;", "").replace("coop_mat16x16<f32, C>", "EightSums");
        for role in ["A", "B"] {
            text = text.replace(&format!("coop_mat16x16<f16, {role}>"), "Factor");
        }
        let subgroup =
            "    @builtin(subgroup_id) subgroup: u32,\n    @builtin(subgroup_invocation_id) subgroup_lane: u32,\n";
        assert!(text.contains(subgroup), "entry points ask for the subgroup");
        let text = text
            .replace(subgroup, "")
            .replace("lane, subgroup, subgroup_lane);\n}", "lane, lane / 32u, lane % 32u);\n}");
        let mut lines = Vec::new();
        for line in text.lines() {
            let mut line = line.to_owned();
            for (call, rows) in [("coopLoadT<Factor>(&", true), ("coopLoad<Factor>(&", false)] {
                if let Some((before, after)) = line.split_once(call) {
                    let (array, after) = after.split_once('[').expect("an element is loaded from");
                    let (place, after) = after.split_once("], ").expect("a stride follows");
                    let first = array == "input_chunk";
                    let stride = after.trim_end_matches(");");
                    line = format!("{before}Factor({place}, {stride}, {rows}, {first});");
                }
            }
            if let Some(after) = line.trim_start().strip_prefix("coopStoreT(") {
                let (sums, after) = after.split_once(", &sums[").expect("sums are stored in workgroup memory");
                let (place, after) = after.split_once("], ").expect("a stride follows");
                line = format!("store_sums({sums}, {place}, {}, subgroup_lane);", after.trim_end_matches(");"));
            }
            if line.contains("coopMultiplyAdd(") {
                line = line.replace("coopMultiplyAdd(", "multiply_add(").replace(");", ", subgroup_lane);");
            }
            lines.push(line);
        }
        lines.join("\n") + EMULATION
    }

    const EMULATION: &str = "
struct Factor { start: u32, stride: u32, rows: bool, first: bool }

struct EightSums { values: array<f32, 8> }

fn element(factor: Factor, row: u32, column: u32) -> f32 {
    let major = select(column, row, factor.rows);
    let minor = select(row, column, factor.rows);
    let place = factor.start + major * factor.stride + minor / 4u;
    if factor.first {
        return f32(input_chunk[place][minor % 4u]);
    }
    return f32(filter_chunk[place][minor % 4u]);
}

fn multiply_add(a: Factor, b: Factor, c: EightSums, lane: u32) -> EightSums {
    var sums = c;
    for (var j = 0u; j < 8u; j++) {
        for (var k = 0u; k < 16u; k++) {
            sums.values[j] += element(a, lane / 2u, k) * element(b, k, lane % 2u * 8u + j);
        }
    }
    return sums;
}

fn store_sums(from_sums: EightSums, start: u32, stride: u32, lane: u32) {
    let v = from_sums.values;
    let place = start + lane / 2u * stride + lane % 2u * 2u;
    sums[place] = vec4<f32>(v[0], v[1], v[2], v[3]);
    sums[place + 1u] = vec4<f32>(v[4], v[5], v[6], v[7]);
}
";

    #[test]
    fn the_cooperative_kernel_agrees_with_the_reference_with_its_matrices_emulated() {
        let mut gpu = open();
        assert!(gpu.has_f16(), "llvmpipe stores f16");
        let shader = gpu::SHADERS.iter().find(|shader| shader.name == "conv3x3_cooperative").unwrap();
        gpu.pipelines.replace_module(shader.name, Precision::F16, &emulated(shader.source(Precision::F16)));
        Arc::get_mut(&mut gpu).unwrap().abilities.cooperative_matrices = true;
        assert_eq!(gpu.check_cooperative(), Ok(true));
    }

    #[test]
    fn a_cooperative_kernel_that_is_wrong_is_refused() {
        let mut gpu = open();
        let shader = gpu::SHADERS.iter().find(|shader| shader.name == "conv3x3_cooperative").unwrap();
        let wrong =
            emulated(shader.source(Precision::F16)).replace("var sums = c;", "var sums = c; sums.values[3] *= 2.0;");
        gpu.pipelines.replace_module(shader.name, Precision::F16, &wrong);
        Arc::get_mut(&mut gpu).unwrap().abilities.cooperative_matrices = true;
        let refused = gpu.check_cooperative().unwrap_err().to_string();
        assert!(refused.contains("compute something else"), "{refused}");
    }
}
