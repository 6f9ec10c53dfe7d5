//! Every operation on the GPU session against the reference, in each variant, with guard values behind every slot.

use crate::common::adapter;
use impasto::{
    gpu::{Conv3x3Variant, DeviceFilters, Gpu, Session, ShaderChecks},
    validate::{self, Case},
};
use std::sync::Arc;

fn open(checks: ShaderChecks) -> Arc<Gpu> {
    Gpu::open(&adapter(), checks).unwrap()
}

fn failures(cases: &[Case], checks: ShaderChecks, variant: Conv3x3Variant) -> Vec<String> {
    failures_on(&open(checks), cases, variant)
}

fn failures_on(gpu: &Arc<Gpu>, cases: &[Case], variant: Conv3x3Variant) -> Vec<String> {
    assert!(cases.len() >= 30, "{} cases", cases.len());
    cases
        .iter()
        .map(|case| {
            validate::run(case, &mut |plan, filters| {
                let filters = DeviceFilters::new(filters);
                Ok(Box::new(Session::new(gpu, plan.clone(), &filters, Some(variant))?))
            })
            .unwrap_or_else(|error| panic!("{}: {error}", case.name))
        })
        .filter(|outcome| !outcome.passed())
        .map(|outcome| outcome.to_string())
        .collect()
}

/// Everything on whole maps, then all that works on maps in bands and as f16.
fn all() -> Vec<Case> {
    [validate::cases(), validate::banded_cases(), validate::f16_cases()].concat()
}

/// Those of operations whose names begin so.
fn of_operations(cases: Vec<Case>, prefix: &str) -> Vec<Case> {
    cases.into_iter().filter(|case| case.plan.steps[0].operation().starts_with(prefix)).collect()
}

/// Those that a variant of the convolution changes.
fn convolutions() -> Vec<Case> {
    of_operations(all(), "conv3x3")
}

#[test]
fn plain_kernels_agree_with_the_reference() {
    assert_eq!(failures(&all(), ShaderChecks::Checked, Conv3x3Variant::Plain), Vec::<String>::new());
}

#[test]
fn blocked_kernels_agree_with_the_reference() {
    assert_eq!(failures(&convolutions(), ShaderChecks::Checked, Conv3x3Variant::Blocked), Vec::<String>::new());
}

#[test]
fn tiled_kernels_agree_with_the_reference() {
    let cases = [convolutions(), of_operations(all(), "gram")].concat();
    assert_eq!(failures(&cases, ShaderChecks::Checked, Conv3x3Variant::Tiled), Vec::<String>::new());
}

/// Small maps get small tiles, unless a device is said to be full with one workgroup.
#[test]
fn large_tiles_agree_with_the_reference() {
    let mut gpu = open(ShaderChecks::Checked);
    Arc::get_mut(&mut gpu).unwrap().abilities.filling_groups = 1;
    let whole = |operation| of_operations(validate::cases(), operation);
    let cases = [whole("conv3x3"), whole("gram")].concat();
    assert_eq!(failures_on(&gpu, &cases, Conv3x3Variant::Tiled), Vec::<String>::new());
}

#[test]
fn winograd_with_little_workgroup_memory_agrees_with_the_reference() {
    let mut gpu = open(ShaderChecks::Checked);
    Arc::get_mut(&mut gpu).unwrap().abilities.workgroup_memory = 16 << 10;
    assert_eq!(
        failures_on(&gpu, &of_operations(validate::cases(), "conv3x3"), Conv3x3Variant::Winograd2),
        Vec::<String>::new()
    );
}

#[test]
fn winograd4_kernels_agree_with_the_reference() {
    assert_eq!(failures(&convolutions(), ShaderChecks::Checked, Conv3x3Variant::Winograd4), Vec::<String>::new());
}

#[test]
fn winograd2_kernels_agree_with_the_reference() {
    assert_eq!(failures(&convolutions(), ShaderChecks::Checked, Conv3x3Variant::Winograd2), Vec::<String>::new());
}

#[test]
fn kernels_without_checks_agree_with_the_reference() {
    assert_eq!(failures(&all(), ShaderChecks::Unchecked, Conv3x3Variant::Blocked), Vec::<String>::new());
}
