//! Every back end against the reference, case by case.

use impasto::gpu::OPERATIONS;
use impasto::validate::{self, Case, Outcome};
use impasto::{BackendError, Session, reference};
use std::collections::HashSet;

/// A back end that holds slots but runs no step.
struct Idle(reference::Session);

impl Session for Idle {
    fn write_at(&mut self, slot: impasto::plan::SlotId, first: usize, bytes: &[u8]) -> Result<(), BackendError> {
        self.0.write_at(slot, first, bytes)
    }
    fn read(&mut self, slot: impasto::plan::SlotId) -> Result<Vec<u8>, BackendError> {
        self.0.read(slot)
    }
    fn run(&mut self, _: impasto::plan::Routine) -> Result<(), BackendError> {
        Ok(())
    }
    fn request(&mut self, slot: impasto::plan::SlotId) -> Result<(), BackendError> {
        self.0.request(slot)
    }
    fn receive(&mut self, wait: bool) -> Result<Option<Vec<u8>>, BackendError> {
        self.0.receive(wait)
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn time_steps(&mut self, _repeats: usize) -> Result<Vec<f64>, BackendError> {
        Ok(Vec::new())
    }
}

fn on_reference(case: &Case) -> Outcome {
    validate::run(case, &mut |plan, filters| Ok(Box::new(reference::Session::new(plan, filters)?))).unwrap()
}

#[test]
fn the_reference_agrees_with_itself_and_leaves_the_guards_alone() {
    for case in [validate::cases(), validate::fused_cases()].concat() {
        let outcome = on_reference(&case);
        assert!(outcome.passed() && outcome.error == 0.0, "{outcome}");
    }
}

#[test]
fn a_back_end_that_does_nothing_fails_every_case_but_the_stopped_step() {
    for case in [validate::cases(), validate::fused_cases()].concat() {
        let outcome =
            validate::run(&case, &mut |plan, filters| Ok(Box::new(Idle(reference::Session::new(plan, filters)?))))
                .unwrap();
        assert_eq!(outcome.passed(), case.name.contains("stopped"), "{outcome}");
    }
}

#[test]
fn every_operation_has_a_case_and_every_case_its_own_name() {
    let cases = validate::all_cases(true);
    let names: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    let operations: HashSet<String> = cases.iter().map(Case::operation).collect();
    assert_eq!(operations, OPERATIONS.iter().map(|operation| operation.name.to_owned()).collect());
}
