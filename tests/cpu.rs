//! The CPU back end against the reference.

use impasto::validate::{self, Case};
use impasto::{BackendError, Session, cpu, plan::Plan, weights::Filters};
use std::{num::NonZeroUsize, sync::Arc};

fn session(plan: &Plan, filters: &Arc<Filters>, threads: usize) -> Result<Box<dyn Session>, BackendError> {
    Ok(Box::new(cpu::Session::new(plan, filters, NonZeroUsize::new(threads))?))
}

/// Of single steps, which this back end never joins.
fn cases() -> Vec<Case> {
    let banded = validate::banded_cases().into_iter().filter(|case| case.plan.steps.len() == 1);
    validate::cases().into_iter().chain(banded).collect()
}

#[test]
fn every_case_agrees_with_the_reference_on_one_thread_and_on_several() {
    let mut failures = Vec::new();
    for case in cases() {
        for threads in [1, 2, 5] {
            let outcome = validate::run(&case, &mut |plan, filters| session(plan, filters, threads)).unwrap();
            println!("{outcome}");
            if !outcome.passed() {
                failures.push(format!("{threads} threads: {outcome}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_same_case_gives_the_same_bits() {
    for case in cases() {
        let once =
            |case: &Case| validate::results(case, session(&case.plan, &case.filters, 2).unwrap().as_mut()).unwrap();
        assert!(once(&case) == once(&case), "{} differs", case.name);
    }
}

#[test]
fn filters_that_end_too_early_are_refused_by_name() {
    let cases = validate::cases();
    let case = cases.iter().find(|case| case.name.starts_with("conv3x3 relu3_1")).unwrap();
    let mut filters = Filters::clone(&case.filters);
    filters.layers.truncate(2);
    let error = session(&case.plan, &Arc::new(filters), 1).err().unwrap();
    assert!(error.to_string().contains("relu3_1"), "{error}");
}
