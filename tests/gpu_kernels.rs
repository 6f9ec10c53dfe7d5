//! Every kernel that a session can use against the reference, with every set of its constants, and with guard values
//! behind every slot.

use crate::common::adapter;
use impasto::{
    gpu::{Gpu, ShaderChecks, trials},
    validate::{self, Case, Expected},
};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Of each operation and pair, on whole maps of f32.
fn some() -> Vec<Case> {
    [validate::cases(), validate::fused_cases()].concat()
}

/// Runs every case with every kernel that can do it; returns how often each kernel ran, and what failed.
fn run(gpu: &Arc<Gpu>, cases: &[Case]) -> (BTreeMap<String, usize>, Vec<String>) {
    let (counts, failures) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    cases.par_iter().for_each(|case| {
        let expected = Expected::of(case).unwrap();
        for trial in trials(gpu, case) {
            let name = format!("{} {}", trial.choice(), case.plan.precision);
            match trial.run(gpu, &expected) {
                Ok(outcome) if outcome.passed() => {}
                Ok(outcome) => failures.lock().unwrap().push(format!("{name}: {outcome}")),
                Err(error) => failures.lock().unwrap().push(format!("{name}: {}: {error}", case.name)),
            }
            *counts.lock().unwrap().entry(name).or_default() += 1;
        }
    });
    (counts.into_inner().unwrap(), failures.into_inner().unwrap())
}

#[test]
fn every_kernel_agrees_with_the_reference() {
    let gpu = Gpu::open(&adapter(), ShaderChecks::Checked).unwrap();
    let (counts, failures) = run(&gpu, &validate::all_cases(gpu.has_f16()));
    assert_eq!(failures, Vec::<String>::new());
    for name in [
        "conv3x3 plain f32",
        "conv3x3 blocked f16",
        "conv3x3_backward tiled PIXELS=128 OUTPUTS=128 f32",
        "conv3x3 tiled PIXELS=64 OUTPUTS=64 f16",
        "conv3x3_backward winograd2 CHUNK4=2 f32",
        "conv3x3+max_pool winograd2 CHUNK4=2 f16",
        "network_input_backward+total_variation f32",
        "gram tiled EDGE=128 f32",
        "gram_backward tiled PIXELS=128 OUTPUTS=128 f16",
        "max_pool f16",
        "lbfgs_dots f32",
    ] {
        assert!(counts.get(name).is_some_and(|&count| count >= 3), "{name} in {counts:?}");
    }
}

#[test]
fn a_device_with_the_least_limits_of_webgpu_does_what_it_has_room_for() {
    let gpu = Gpu::open_with_least_limits(&adapter(), ShaderChecks::Checked).unwrap();
    let (counts, failures) = run(&gpu, &some());
    assert_eq!(failures, Vec::<String>::new());
    let ran = |part: &str| counts.keys().any(|name| name.contains(part));
    assert!(ran("conv3x3 winograd2 CHUNK4=1") && ran("conv3x3+max_pool winograd2 CHUNK4=1"), "{counts:?}");
    assert!(ran("conv3x3 tiled PIXELS=128 OUTPUTS=128") && ran("gram tiled EDGE=128"), "{counts:?}");
    assert!(!ran("winograd4") && !ran("CHUNK4=2"), "{counts:?}");
}

/// As in release builds, where only the kernels themselves keep inside their arrays.
#[test]
fn kernels_without_checks_agree_with_the_reference() {
    let gpu = Gpu::open(&adapter(), ShaderChecks::Unchecked).unwrap();
    let (_, failures) = run(&gpu, &some());
    assert_eq!(failures, Vec::<String>::new());
}
